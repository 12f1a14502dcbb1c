// A trace as a tree of spans over time. Only the rows that can be seen are in the document.
import { colour, duration, h, paint } from "./core.js";

/** A trace's spans with what follows from them: the tree, own times, and the critical path. */
export class Trace {
  /** @param spans As `GET /api/traces/{trace_id}` answers. */
  constructor(spans) {
    const base = spans.reduce((least, one) => (BigInt(one.start_time_unix_nano) < least ? BigInt(one.start_time_unix_nano) : least), BigInt(spans[0].start_time_unix_nano));
    const since = (text) => Number(BigInt(text) - base) / 1e6;
    this.began = Number(base / 1000000n);
    this.spans = spans.map((one) => {
      const start = since(one.start_time_unix_nano);
      return { ...one, start, end: Math.max(start, since(one.end_time_unix_nano)), failed: one.status === "error", children: [], path: [], folded: false,
        at: one.events.map((event) => since(event.time_unix_nano)), system: one.attributes["db.system.name"] ?? one.attributes["db.system"] };
    });
    this.byID = new Map(this.spans.map((one) => [one.span_id, one]));
    this.roots = [];
    for (const one of this.spans) {
      const parent = this.byID.get(one.parent_span_id);
      if (parent && parent !== one) (one.parent = parent).children.push(one);
      else this.roots.push(one);
    }
    const byStart = (one, other) => one.start - other.start || other.end - one.end;
    this.roots.sort(byStart);
    for (const one of this.spans) one.children.sort(byStart);
    const stack = [...this.roots].reverse().map((one) => [one, 0]);
    this.order = [];
    while (stack.length) {
      const [one, depth] = stack.pop();
      one.depth = depth;
      this.order.push(one);
      for (let at = one.children.length - 1; at >= 0; at--) stack.push([one.children[at], depth + 1]);
    }
    this.end = this.spans.reduce((most, one) => Math.max(most, one.end), 0);
    this.root = this.roots.find((one) => !one.parent_span_id) ?? this.roots[0];
    this.#walk();
  }

  /** The chain of spans that the end of the root has waited for, from its end back to its start. */
  #walk() {
    const todo = [[this.root, this.root.end]];
    while (todo.length) {
      const [one, end] = todo.pop();
      let cursor = end;
      for (const child of one.children.toSorted((left, right) => right.end - left.end)) {
        // One that outlives its parent was waited for until the parent's end; one that ran beside the last, not at all.
        const until = cursor === end ? Math.min(child.end, cursor) : child.end;
        if (until > cursor + 1e-6 || child.start >= cursor || until <= one.start) continue;
        if (cursor > until) one.path.push([until, cursor]);
        todo.push([child, until]);
        cursor = Math.max(one.start, child.start);
      }
      if (cursor > one.start) one.path.push([one.start, cursor]);
    }
  }

  /** The parts of a span in which none of its children ran. */
  static own(one) {
    if (one.parts) return one.parts;
    const parts = [];
    let cursor = one.start;
    for (const child of one.children) {
      if (child.start > cursor) parts.push([cursor, Math.min(child.start, one.end)]);
      cursor = Math.max(cursor, child.end);
      if (cursor >= one.end) break;
    }
    if (cursor < one.end || !one.children.length) parts.push([cursor, one.end]);
    return (one.parts = parts);
  }

  static ownTime(one) {
    return Trace.own(one).reduce((sum, [from, to]) => sum + to - from, 0);
  }

  /** Time on the critical path by service, the longest first. */
  shares() {
    const shares = new Map();
    for (const one of this.spans) {
      const name = one.system && one.kind === "client" ? one.system : one.service;
      const time = one.path.reduce((sum, [from, to]) => sum + to - from, 0);
      if (time) shares.set(name, (shares.get(name) ?? 0) + time);
    }
    return [...shares].sort(([, one], [, other]) => other - one);
  }

  /** The most spans that were at work themselves at one time. */
  concurrency() {
    const marks = this.spans.flatMap((one) => Trace.own(one).flatMap(([from, to]) => [[from, 1], [to, -1]])).sort((one, other) => one[0] - other[0] || one[1] - other[1]);
    let [now, most] = [0, 0];
    for (const [, by] of marks) most = Math.max(most, (now += by));
    return most;
  }

  slowest() {
    return this.spans.reduce((top, one) => (Trace.ownTime(one) > Trace.ownTime(top) ? one : top));
  }
}

export class Waterfall {
  /** @param scale What the whole width is, in milliseconds: the same for two that are compared. */
  constructor(pane, trace, { label, onSelect, scale = trace.end }) {
    Object.assign(this, { pane, trace, onSelect, scale: Math.max(scale, 1e-3), shown: new Map(), selected: null });
    this.mini = h("canvas", { class: "mini", "aria-hidden": "true" });
    this.axis = h("div", { class: "axis", "aria-hidden": "true" });
    this.rows = h("div", { class: "rows", role: "presentation" });
    this.tree = h("div", { class: "waterfall", role: "tree", tabindex: 0, "aria-label": label }, this.rows);
    pane.append(this.mini, this.axis, this.tree);
    this.tree.addEventListener("scroll", () => this.#schedule(), { passive: true });
    this.tree.addEventListener("click", (event) => this.#click(event));
    this.mini.addEventListener("pointerdown", (event) => this.#jump(event));
    this.mini.addEventListener("pointermove", (event) => event.buttons && this.#jump(event));
    new ResizeObserver(() => this.#resize()).observe(this.tree);
    this.#unfold();
  }

  #unfold() {
    this.visible = [];
    let under = -1;
    for (const one of this.trace.order) {
      if (under >= 0 && one.depth > under) continue;
      under = one.folded ? one.depth : -1;
      one.row = this.visible.push(one) - 1;
    }
  }

  #resize() {
    const em = parseFloat(getComputedStyle(document.documentElement).fontSize);
    this.height = Math.round(em * (matchMedia("(max-width: 760px)").matches ? 2.7 : 1.9));
    this.tree.style.setProperty("--row", `${this.height}px`);
    this.axis.style.setProperty("--bar", `${this.tree.offsetWidth - this.tree.clientWidth}px`);
    this.axis.replaceChildren(...this.#ticks());
    this.redraw();
  }

  #ticks() {
    const wanted = this.tree.clientWidth > 900 ? 5 : this.tree.clientWidth > 500 ? 3 : 2;
    const raw = this.scale / wanted;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= raw);
    const ticks = [];
    for (let at = 0; at <= this.scale; at += step) ticks.push(h("span", { style: { "--at": at / this.scale } }, at ? duration(at) : "0"));
    return ticks;
  }

  /** After folding, resizing or another theme. */
  redraw() {
    for (const element of this.shown.values()) element.remove();
    this.shown.clear();
    this.rows.style.height = `${this.visible.length * this.height}px`;
    this.#draw();
  }

  #schedule() {
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      this.#draw();
    });
  }

  #draw() {
    const { scrollTop, clientHeight } = this.tree;
    const first = Math.max(0, Math.floor(scrollTop / this.height) - 6);
    const last = Math.min(this.visible.length - 1, Math.ceil((scrollTop + clientHeight) / this.height) + 6);
    for (const [one, element] of this.shown) {
      // What is selected stays, so that it can be announced.
      if ((one.row < first || one.row > last) && one !== this.selected) element.remove(), this.shown.delete(one);
    }
    const fresh = document.createDocumentFragment();
    for (let at = first; at <= last; at++) {
      const one = this.visible[at];
      if (!this.shown.has(one)) this.shown.set(one, fresh.appendChild(this.#row(one)));
    }
    if (this.selected && !this.shown.has(this.selected) && this.visible[this.selected.row] === this.selected) this.shown.set(this.selected, fresh.appendChild(this.#row(this.selected)));
    this.rows.append(fresh);
    this.#map(scrollTop, clientHeight);
  }

  #row(one) {
    const place = (from, to) => ({ "--l": `${(from / this.scale) * 100}%`, "--w": `${((to - from) / this.scale) * 100}%` });
    const isDatabase = one.system && one.kind === "client";
    const took = one.end - one.start;
    const row = h("div", {
      class: `span${one.failed ? " failed" : ""}${one.path.length ? " critical" : ""}`, role: "treeitem", id: this.#id(one),
      "aria-level": one.depth + 1, "aria-selected": String(one === this.selected), "aria-expanded": one.children.length ? String(!one.folded) : null,
      "aria-posinset": one.row + 1, "aria-setsize": this.visible.length,
      "aria-label": `${one.service}: ${one.name}, ${duration(took)}${one.failed ? ", failed" : ""}${one.path.length ? ", on the critical path" : ""}`,
      style: { top: `${one.row * this.height}px`, "--depth": Math.min(one.depth, 14), "--c": colour(isDatabase ? one.system : one.service) },
    },
      h("span", { class: "name" },
        h("span", { class: "fold", "data-fold": one.children.length > 0 }, one.children.length ? (one.folded ? "▶" : "▼") : ""),
        h("i", { class: isDatabase ? "swatch db" : "swatch" }),
        h("span", { class: "what" }, one.name),
        h("span", { class: "who" }, one.folded ? `${one.service} · ${this.#below(one)} below` : one.service),
        isDatabase && h("code", { class: "sql" }, one.attributes["db.query.text"] ?? one.attributes["db.statement"] ?? "")),
      h("span", { class: "lane" },
        h("i", { class: "whole", style: place(one.start, one.end) }),
        Trace.own(one).map(([from, to]) => h("i", { class: "own", style: place(from, to) })),
        one.path.map(([from, to]) => h("i", { class: "path", style: place(from, to) })),
        one.events.map((event, at) => h("i", { class: "event", title: event.name, style: place(one.at[at], one.at[at]) })),
        h("span", { class: "took" }, duration(took))));
    return row;
  }

  #below(one) {
    let last = one.children.at(-1);
    while (last?.children.length) last = last.children.at(-1);
    return this.trace.order.indexOf(last) - this.trace.order.indexOf(one);
  }

  #id(one) {
    return `${this.pane.id}-${one.span_id}`;
  }

  /** Every span as a line, and the part that is to be seen. */
  #map(scrollTop, clientHeight) {
    const { mini } = this;
    const [width, height, scale] = [mini.clientWidth, mini.clientHeight, devicePixelRatio];
    if (!width) return;
    const to = mini.getContext("2d");
    const seen = `${width} ${height} ${document.documentElement.dataset.theme} ${this.visible.length}`;
    if (this.painted !== seen) {
      this.painted = seen;
      this.plate = new OffscreenCanvas(width * scale, height * scale);
      const plate = this.plate.getContext("2d");
      plate.scale(scale, scale);
      const colours = new Map();
      const hue = (one) => {
        const name = one.failed ? "var(--error)" : colour(one.system && one.kind === "client" ? one.system : one.service);
        if (!colours.has(name)) colours.set(name, paint(name));
        return colours.get(name);
      };
      const thick = Math.max(1, Math.min(4, (height - 8) / this.visible.length));
      for (const one of this.visible) {
        plate.fillStyle = hue(one);
        plate.fillRect((one.start / this.scale) * (width - 12) + 6, 4 + (one.row / this.visible.length) * (height - 8), Math.max(1.5, ((one.end - one.start) / this.scale) * (width - 12)), thick);
      }
    }
    mini.width = width * scale;
    mini.height = height * scale;
    to.drawImage(this.plate, 0, 0);
    const whole = this.visible.length * this.height;
    if (whole <= clientHeight) return;
    to.scale(scale, scale);
    to.strokeStyle = paint("var(--ink)");
    to.lineWidth = 2;
    to.strokeRect(1, 2 + (scrollTop / whole) * (height - 4), width - 2, Math.max(6, (clientHeight / whole) * (height - 4)));
  }

  #jump(event) {
    const box = this.mini.getBoundingClientRect();
    const whole = this.visible.length * this.height;
    this.tree.scrollTop = ((event.clientY - box.top) / box.height) * whole - this.tree.clientHeight / 2;
  }

  #click(event) {
    const row = event.target.closest(".span");
    const one = row && [...this.shown].find(([, element]) => element === row)?.[0];
    if (!one) return;
    if (event.target.closest("[data-fold]")) this.fold(one, !one.folded);
    this.select(one);
  }

  select(one, { scroll = true } = {}) {
    for (let above = one.parent; above; above = above.parent) if (above.folded) this.fold(above, false);
    const before = this.shown.get(this.selected);
    before?.setAttribute("aria-selected", "false");
    this.selected = one;
    if (scroll) {
      const [top, bottom] = [one.row * this.height, (one.row + 1) * this.height];
      const { scrollTop, clientHeight } = this.tree;
      if (top < scrollTop + this.height) this.tree.scrollTop = top - this.height;
      else if (bottom > scrollTop + clientHeight - this.height) this.tree.scrollTop = bottom - clientHeight + this.height;
    }
    this.#draw();
    this.shown.get(one)?.setAttribute("aria-selected", "true");
    this.tree.setAttribute("aria-activedescendant", this.#id(one));
    this.onSelect(one);
  }

  move(by) {
    const at = this.selected ? this.selected.row + by : Math.abs(by) > 1 ? by : 0;
    this.select(this.visible[Math.min(this.visible.length - 1, Math.max(0, at))]);
  }

  fold(one, folded) {
    if (!one.children.length) return;
    one.folded = folded;
    this.#unfold();
    this.redraw();
  }

  /** Left: folds, or goes to the parent. */
  left() {
    const one = this.selected;
    if (!one) return this.move(0);
    if (one.children.length && !one.folded) this.fold(one, true), this.select(one);
    else if (one.parent) this.select(one.parent);
  }

  /** Right: unfolds, or goes to the first child. */
  right() {
    const one = this.selected;
    if (!one) return this.move(0);
    if (one.folded) this.fold(one, false), this.select(one);
    else if (one.children.length) this.select(one.children[0]);
  }

  foldAll() {
    const folded = !this.trace.order.some((one) => one.depth > 0 && one.folded);
    for (const one of this.trace.order) if (one.depth > 0 && one.children.length) one.folded = folded;
    const selected = this.selected;
    this.#unfold();
    this.redraw();
    if (selected) {
      let shown = selected;
      while (folded && shown.parent && shown.depth > 1) shown = shown.parent;
      this.select(shown);
    }
  }

  /** The next failed span after the selected one, round the end. */
  nextFailed(by) {
    const failed = this.trace.order.filter((one) => one.failed);
    if (!failed.length) return;
    const at = this.trace.order.indexOf(this.selected);
    const next = by > 0 ? failed.find((one) => this.trace.order.indexOf(one) > at) ?? failed[0] : failed.findLast((one) => this.trace.order.indexOf(one) < at) ?? failed.at(-1);
    this.select(next);
  }
}
