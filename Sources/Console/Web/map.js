// Who calls whom, drawn at the same places every time.
import { $, api, attempt, colour, count, duration, h, keys, live, percent, plural, say, svg, tag } from "./core.js";

let minutes = 5;
const box = { width: 250, height: 92 };
const [stepX, stepY] = [424, 200];
/** Room between calls that run side by side: that of a label. */
const lane = 31;
/** A grid of columns, from those who begin to those who only answer; each node has its row, and null is room for calls. */
const grid = [
  [null, "console", "load-generator", "sync"],
  ["ad", "recommendation", "checkout"],
  [null, "cart", "shipping", "currency"],
  ["product-catalog"],
  [null, "sqlite", "redis", "postgresql"],
];

/** Where each node is; who is not in the grid comes below it, by name. */
function places(nodes) {
  const names = new Set(nodes.map((node) => node.name));
  const columns = grid.map((column) => column.map((name) => (names.has(name) ? name : null)));
  const known = new Set(grid.flat());
  for (const node of nodes.filter((one) => !known.has(one.name)).sort((one, other) => (one.name < other.name ? -1 : 1))) columns[node.type === "database" ? 4 : 1].push(node.name);
  while (columns.length > 1 && columns.at(-1).every((name) => !name)) columns.pop();
  const spots = new Map();
  columns.forEach((column, c) => column.forEach((name, r) => name && spots.set(name, { c, r, x: c * stepX, y: r * stepY })));
  const rows = Math.max(1, ...columns.map((column) => column.findLastIndex(Boolean) + 1));
  return { spots, columns, rows, width: (columns.length - 1) * stepX + box.width };
}

/** Finds ways for calls, round the boxes between. */
class Router {
  tracks = new Map();
  constructor(plan, edges) {
    Object.assign(this, plan);
    this.out = this.#ports(edges, "from", "to");
    this.in = this.#ports(edges, "to", "from");
  }

  /** The heights at which calls leave a box, or reach it: in the order of their other ends, so that they do not cross. */
  #ports(edges, near, far) {
    const at = new Map();
    for (const name of this.spots.keys()) {
      const place = (edge) => this.spots.get(edge[far]);
      const here = edges.filter((edge) => edge[near] === name && edge[far] !== name).sort((one, other) => place(one).r - place(other).r || place(one).c - place(other).c);
      const gap = Math.min(16, 68 / Math.max(1, here.length - 1));
      here.forEach((edge, index) => at.set(edge, box.height / 2 + (index - (here.length - 1) / 2) * gap));
    }
    return at;
  }

  /** A height at which all columns between are free, the nearest to both ends; those who share one run side by side. */
  #track(from, to) {
    const between = this.columns.slice(from.c + 1, to.c);
    const free = [];
    for (let r = -0.5; r <= this.rows; r += 0.5) if (r % 1 || between.every((column) => !column[r])) free.push(r);
    // Three find room between two rows; a row of its own holds more.
    const room = (r) => (this.tracks.get(r) ?? 0) < (r % 1 ? 3 : 6);
    const far = (r) => Math.abs(r - from.r) + Math.abs(r - to.r) + (r % 1 ? 0.3 : 0) + (room(r) ? 0 : 9);
    const row = free.reduce((best, r) => (far(r) < far(best) ? r : best));
    const used = this.tracks.get(row) ?? 0;
    this.tracks.set(row, used + 1);
    return row * stepY + box.height / 2 + (used % 2 ? 1 : -1) * Math.ceil(used / 2) * lane;
  }

  /** @returns The way as a path. */
  way(edge) {
    const [from, to] = [this.spots.get(edge.from), this.spots.get(edge.to)];
    if (from === to) return `M${from.x + 70} ${from.y + box.height}c0 46 80 46 80 0`;
    const [ax, ay, bx, by] = [from.x + box.width, from.y + this.out.get(edge), to.x, to.y + this.in.get(edge)];
    if (to.c === from.c + 1) return `M${ax} ${ay}${bend(ax, ay, bx, by)}`;
    // Back to a column before, or within one: round the outside.
    if (to.c <= from.c) return `M${ax} ${ay}C${ax + 70} ${ay} ${ax + 70} ${by} ${to.x + box.width} ${by}`;
    const y = this.#track(from, to);
    const [left, right] = [(from.c + 1) * stepX - 16, (to.c - 1) * stepX + box.width + 16];
    return `M${ax} ${ay}${bend(ax, ay, left, y)}L${right} ${y}${bend(right, y, bx, by)}`;
  }
}

const bend = (ax, ay, bx, by) => `C${(ax + bx) / 2} ${ay} ${(ax + bx) / 2} ${by} ${bx} ${by}`;

/** Room for labels: each on its own way, beside the boxes, the other labels and all other ways. */
class Labels {
  constructor(spots, ways) {
    this.ways = ways;
    this.taken = [...spots.values()].map((spot) => ({ x: spot.x - 4, y: spot.y - 4, w: box.width + 8, h: box.height + 8 }));
  }

  /** The place nearest to the middle of a way at which a label of that width covers nothing; null when there is none. */
  place(way, width, { overWays = false } = {}) {
    let [best, least] = [null, Infinity];
    way.points.forEach(([x, y], index) => {
      const one = { x: x - width / 2, y: y - 14, w: width, h: 28 };
      const far = Math.abs(index / way.points.length - 0.5);
      if (far >= least || this.taken.some((other) => one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h)) return;
      const covers = (other) => other !== way && other.points.some(([px, py]) => px > one.x - 4 && px < one.x + one.w + 4 && py > one.y && py < one.y + one.h);
      if (overWays || !this.ways.some(covers)) [best, least] = [one, far];
    });
    if (best) this.taken.push(best);
    return best;
  }
}

/** A duration in as few letters as will do. */
const brief = (ms) => (ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : ms >= 1 ? `${Math.round(ms)} ms` : "<1 ms");
const rate = (requests) => requests / minutes;
const rateText = (requests) => (rate(requests) >= 10 ? count(rate(requests)) : rate(requests).toFixed(1));

let plan, ways;
/** What is pointed at, or has the focus: a node's name, or a way. */
let chosen = null;
const touches = (way) => chosen === way.key || chosen === way.edge.from || chosen === way.edge.to;

function draw({ nodes, edges }) {
  plan = places(nodes);
  const known = edges.filter((edge) => plan.spots.has(edge.from) && plan.spots.has(edge.to)).sort((one, other) => (`${one.from} ${one.to}` < `${other.from} ${other.to}` ? -1 : 1));
  const router = new Router(plan, known);
  const busiest = Math.max(1, ...known.map((edge) => edge.requests));
  ways = known.map((edge) => {
    const path = svg("path", { d: router.way(edge) });
    const length = path.getTotalLength();
    const points = Array.from({ length: Math.ceil(length / 12) }, (_, at) => path.getPointAtLength(at * 12)).map(({ x, y }) => [x, y]);
    return { edge, key: `${edge.from} ${edge.to}`, path: path.getAttribute("d"), points, share: edge.requests / busiest };
  });
  const heights = [...[...plan.spots.values()].flatMap(({ y }) => [y, y + box.height]), ...ways.flatMap((way) => way.points.map(([, y]) => y))];
  const [top, bottom] = [Math.min(...heights, 0) - 22, Math.max(...heights, box.height) + 22];
  const map = $("#map");
  map.setAttribute("viewBox", `-16 ${top} ${plan.width + 32} ${bottom - top}`);
  map.replaceChildren(
    svg("defs", {}, ["line", "error"].map((kind) => svg("marker", { id: `tip-${kind}`, viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: 14, markerHeight: 14, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" }, svg("path", { d: "M0 0 10 5 0 10z", class: `tip ${kind}` })))),
    svg("g", { id: "ways" }), svg("g", { id: "labels" }), ...nodes.map(drawNode));
  drawWays();
  const failed = edges.filter((edge) => edge.errors).sort((one, other) => other.errors / other.requests - one.errors / one.requests);
  say($("#summary"), !nodes.length ? "Nothing has been called yet." : failed.length ? `${failed[0].from} to ${failed[0].to} fails most: ${percent(failed[0].errors / failed[0].requests)} of its calls.` : `${plural(nodes.length, "node")}, ${plural(edges.length, "way")} between them, and no call has failed.`);
  const rows = edges.toSorted((one, other) => other.errors - one.errors || other.p95_ms - one.p95_ms);
  $("#edges tbody").replaceChildren(...rows.map((edge) => h("tr", {}, h("td", {}, tag(edge.from)), h("td", {}, tag(edge.to)), h("td", { class: "num" }, rateText(edge.requests)), h("td", { class: edge.errors ? "num bad" : "num" }, edge.errors ? `${count(edge.errors)} · ${percent(edge.errors / edge.requests)}` : "–"), h("td", { class: "num" }, duration(edge.p95_ms)))));
}

function drawNode(node) {
  const spot = plan.spots.get(node.name);
  const share = node.requests ? node.errors / node.requests : 0;
  return svg("a", { href: node.type === "service" ? `/traces?service=${node.name}` : null, "data-node": node.name, class: `node${share ? " bad" : ""}`, transform: `translate(${spot.x} ${spot.y})`, "aria-label": `${node.name}: ${rateText(node.requests)} a minute, p95 ${duration(node.p95_ms)}, ${percent(share)} failed`, style: { "--c": colour(node.name) } },
    node.type === "database" ? svg("path", { class: "shape", d: `M0 12C0 4 ${box.width} 4 ${box.width} 12V${box.height - 12}C${box.width} ${box.height - 4} 0 ${box.height - 4} 0 ${box.height - 12}z` }) : svg("rect", { class: "shape", width: box.width, height: box.height, rx: 14 }),
    svg("rect", { class: "stripe", x: 16, y: 23, width: 14, height: 14, rx: node.type === "database" ? 7 : 4 }),
    svg("text", { x: 38, y: 38, class: "title" }, node.name),
    svg("text", { x: 16, y: 71, class: "numbers" }, `${rateText(node.requests)}/min · ${duration(node.p95_ms)}`, share > 0 && svg("tspan", { class: "bad", dx: 8 }, percent(share))));
}

/** Ways, and of their labels those that find room: failed ones and busy ones first. A chosen node's have the map to themselves. */
function drawWays() {
  const kinds = ({ edge, share }) => `${edge.errors ? " bad" : share < 0.04 ? " faint" : ""}`;
  const state = (way) => (chosen == null ? "" : touches(way) ? " chosen" : " dim");
  const drawn = ways.toSorted((one, other) => touches(one) - touches(other) || (one.edge.errors > 0) - (other.edge.errors > 0));
  $("#ways").replaceChildren(...drawn.flatMap((way) => [
    svg("path", { d: way.path, class: `edge${kinds(way)}${state(way)}`, "stroke-width": (1.5 + 6 * Math.sqrt(way.share)).toFixed(1), "marker-end": `url(#tip-${way.edge.errors ? "error" : "line"})` }),
    svg("path", { d: way.path, class: "near", "data-way": way.key }, svg("title", {}, `${way.edge.from} to ${way.edge.to}: ${rateText(way.edge.requests)} a minute, p95 ${duration(way.edge.p95_ms)}, ${plural(way.edge.errors, "error")}`)),
  ]));
  const labels = new Labels(plan.spots, ways);
  const wanted = ways.filter((way) => chosen == null || touches(way)).sort((one, other) => other.edge.errors - one.edge.errors || other.share - one.share);
  $("#labels").replaceChildren(...wanted.flatMap((way) => {
    const { edge } = way;
    const text = edge.errors ? `${percent(edge.errors / edge.requests)} failed` : `${rateText(edge.requests)}/min  ${brief(edge.p95_ms)}`;
    const width = text.length * 10.4 + 14;
    const spot = labels.place(way, width) ?? (chosen != null || edge.errors ? labels.place(way, width, { overWays: true }) : null);
    return spot ? [svg("g", { class: `label${edge.errors ? " bad" : ""}` }, svg("rect", { x: spot.x, y: spot.y, width, height: 28, rx: 8 }), svg("text", { x: spot.x + width / 2, y: spot.y + 20.5 }, text))] : [];
  }));
}

function choose(what) {
  if (chosen === what) return;
  chosen = what;
  if (ways) drawWays();
}
const nodeOf = (event) => event.target.closest?.("[data-node]")?.dataset.node ?? null;
const focused = () => (document.activeElement.matches(":focus-visible") ? nodeOf({ target: document.activeElement }) : null);
$("#map").addEventListener("pointerover", (event) => choose(nodeOf(event) ?? event.target.dataset.way ?? focused()));
$("#map").addEventListener("pointerleave", () => choose(focused()));
$("#map").addEventListener("focusin", () => choose(focused()));
$("#map").addEventListener("focusout", () => choose(null));

let busy = false;
let last = 0;
async function load(force) {
  if (busy || (!force && Date.now() - last < 1900)) return;
  busy = true;
  last = Date.now();
  const answer = await attempt(() => api(`/api/service-map?minutes=${minutes}`));
  busy = false;
  if (!answer) return;
  const name = nodeOf({ target: document.activeElement });
  draw(answer.body);
  if (name) $(`#map [data-node="${CSS.escape(name)}"]`)?.focus();
}

function look(wanted) {
  minutes = wanted;
  for (const button of $("#window").children) button.setAttribute("aria-pressed", String(Number(button.dataset.minutes) === wanted));
  load(true);
}
$("#window").addEventListener("click", (event) => event.target.dataset.minutes && look(Number(event.target.dataset.minutes)));
keys(["1", "The last minute", () => look(1)], ["2", "5 minutes", () => look(5)], ["3", "15 minutes", () => look(15)], ["4", "An hour", () => look(60)]);
live("tiles", () => load());
load(true);
