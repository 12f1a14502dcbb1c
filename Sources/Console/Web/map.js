// Who calls whom, drawn at the same places every time.
import { $, api, attempt, colour, count, duration, h, keys, live, percent, plural, say, svg, tag } from "./core.js";

let minutes = 5;
const box = { width: 250, height: 92 };
const [stepX, stepY] = [424, 148];
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
  return { spots, columns, rows, width: (columns.length - 1) * stepX + box.width, height: (rows - 1) * stepY + box.height };
}

/** Finds ways for calls, round the boxes between, and room for what is said of each. */
class Router {
  tracks = new Map();
  constructor(plan) {
    Object.assign(this, plan);
    this.taken = [...this.spots.values()].map((spot) => ({ x: spot.x - 4, y: spot.y - 4, w: box.width + 8, h: box.height + 8 }));
  }

  /** A height at which all columns between are free, the nearest to both ends; those who share one run side by side. */
  #track(from, to) {
    const between = this.columns.slice(from.c + 1, to.c);
    const free = [];
    for (let r = -0.5; r <= this.rows; r += 0.5) if (r % 1 || between.every((column) => !column[r])) free.push(r);
    const far = (r) => Math.abs(r - from.r) + Math.abs(r - to.r) + (r % 1 ? 0.3 : 0);
    const row = free.reduce((best, r) => (far(r) < far(best) ? r : best));
    const used = this.tracks.get(row) ?? 0;
    this.tracks.set(row, used + 1);
    return row * stepY + box.height / 2 + (used % 2 ? 1 : -1) * Math.ceil(used / 2) * (row % 1 ? 17 : 31);
  }

  /** @returns The way as a path and the points along it, the best for a label first. */
  way(from, to) {
    const [ax, ay, bx, by] = [from.x + box.width, from.y + box.height / 2, to.x, to.y + box.height / 2];
    if (from === to) return { path: `M${from.x + 70} ${from.y + box.height}c0 46 80 46 80 0`, points: [[from.x + 110, from.y + box.height + 36]] };
    if (to.c === from.c + 1) return cubic(ax, ay, bx, by);
    if (to.c > from.c + 1) {
      const y = this.#track(from, to);
      const [left, right] = [(from.c + 1) * stepX - 24, (to.c - 1) * stepX + box.width + 24];
      const middles = Array.from({ length: to.c - from.c - 1 }, (_, at) => [(from.c + 1 + at) * stepX + box.width / 2, y]);
      return { path: `${cubic(ax, ay, left, y).path}L${right} ${y}${cubic(right, y, bx, by).path.replace(/^M\S+ \S+?(?=C)/, "")}`, points: [...middles.toReversed(), ...middles.flatMap(([x]) => [[x - 140, y], [x + 140, y], [x - 250, y]])] };
    }
    // Back to a column before, or within one: round the outside.
    const out = ax + 70;
    return { path: `M${ax} ${ay}C${out} ${ay} ${out} ${by} ${to.x + box.width} ${by}`, points: [[out - 16, (ay + by) / 2]] };
  }

  /** The first of the points at which a label of that width covers nothing. */
  place(points, width) {
    const boxes = points.map(([x, y]) => ({ x: x - width / 2, y: y - 14, w: width, h: 28 }));
    const clear = (one) => this.taken.every((other) => one.x + one.w < other.x || other.x + other.w < one.x || one.y + one.h < other.y || other.y + other.h < one.y);
    const found = boxes.find(clear) ?? boxes[0];
    this.taken.push(found);
    return found;
  }
}

function cubic(ax, ay, bx, by) {
  const bend = (bx - ax) * 0.5;
  const at = (t) => [[ax, ax + bend, bx - bend, bx], [ay, ay, by, by]].map(([p0, p1, p2, p3]) => (1 - t) ** 3 * p0 + 3 * (1 - t) ** 2 * t * p1 + 3 * (1 - t) * t * t * p2 + t ** 3 * p3);
  return { path: `M${ax} ${ay}C${ax + bend} ${ay} ${bx - bend} ${by} ${bx} ${by}`, points: [0.5, 0.6, 0.4, 0.68, 0.32].map(at) };
}

/** A duration in as few letters as will do. */
const brief = (ms) => (ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : ms >= 1 ? `${Math.round(ms)} ms` : "<1 ms");
const rate = (requests) => requests / minutes;
const rateText = (requests) => (rate(requests) >= 10 ? count(rate(requests)) : rate(requests).toFixed(1));

function draw({ nodes, edges }) {
  const plan = places(nodes);
  const { spots, width, height } = plan;
  const router = new Router(plan);
  const busiest = Math.max(1, ...edges.map((edge) => edge.requests));
  const map = $("#map");
  map.setAttribute("viewBox", `-16 -74 ${width + 32} ${height + 130}`);
  const known = edges.filter((edge) => spots.has(edge.from) && spots.has(edge.to));
  const ways = known.map((edge) => ({ edge, bad: edge.errors > 0, ...router.way(spots.get(edge.from), spots.get(edge.to)) }));
  map.replaceChildren(
    svg("defs", {}, ["line", "error"].map((kind) => svg("marker", { id: `tip-${kind}`, viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: 14, markerHeight: 14, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" }, svg("path", { d: "M0 0 10 5 0 10z", class: `tip ${kind}` })))),
    ...ways.map(({ edge, bad, path }) => svg("path", { d: path, class: `edge${bad ? " bad" : ""}`, "stroke-width": (1.5 + 6 * Math.sqrt(edge.requests / busiest)).toFixed(1), "marker-end": `url(#tip-${bad ? "error" : "line"})` },
      svg("title", {}, `${edge.from} to ${edge.to}: ${rateText(edge.requests)} a minute, p95 ${duration(edge.p95_ms)}, ${plural(edge.errors, "error")}`))),
    ...ways.toSorted((one, other) => one.points.length - other.points.length).map(({ edge, bad, points }) => {
      const text = `${rateText(edge.requests)}/min  ${bad ? `${percent(edge.errors / edge.requests)} failed` : brief(edge.p95_ms)}`;
      const spot = router.place(points, text.length * 9.6 + 16);
      return svg("g", { class: `label${bad ? " bad" : ""}` }, svg("rect", { x: spot.x, y: spot.y, width: spot.w, height: spot.h, rx: 8 }), svg("text", { x: spot.x + spot.w / 2, y: spot.y + 20 }, text));
    }),
    ...nodes.map((node) => {
      const spot = spots.get(node.name);
      const share = node.requests ? node.errors / node.requests : 0;
      const link = svg("a", { href: node.type === "service" ? `/traces?service=${node.name}` : null, class: `node${share ? " bad" : ""}`, transform: `translate(${spot.x} ${spot.y})`, "aria-label": `${node.name}: ${rateText(node.requests)} a minute, p95 ${duration(node.p95_ms)}, ${percent(share)} failed`, style: { "--c": colour(node.name) } },
        node.type === "database" ? svg("path", { class: "shape", d: `M0 12C0 4 ${box.width} 4 ${box.width} 12V${box.height - 12}C${box.width} ${box.height - 4} 0 ${box.height - 4} 0 ${box.height - 12}z` }) : svg("rect", { class: "shape", width: box.width, height: box.height, rx: 14 }),
        svg("rect", { class: "stripe", x: 16, y: 23, width: 14, height: 14, rx: node.type === "database" ? 7 : 4 }),
        svg("text", { x: 38, y: 37, class: "title" }, node.name),
        svg("text", { x: 16, y: 70, class: "numbers" }, `${rateText(node.requests)}/min · ${duration(node.p95_ms)}`, share > 0 && svg("tspan", { class: "bad", dx: 8 }, percent(share))));
      return link;
    }));
  const failed = edges.filter((edge) => edge.errors).sort((one, other) => other.errors / other.requests - one.errors / one.requests);
  say($("#summary"), !nodes.length ? "Nothing has been called yet." : failed.length ? `${failed[0].from} to ${failed[0].to} fails most: ${percent(failed[0].errors / failed[0].requests)} of its calls.` : `${plural(nodes.length, "node")}, ${plural(edges.length, "way")} between them, and no call has failed.`);
  const rows = edges.toSorted((one, other) => other.errors - one.errors || other.p95_ms - one.p95_ms);
  $("#edges tbody").replaceChildren(...rows.map((edge) => h("tr", {}, h("td", {}, tag(edge.from)), h("td", {}, tag(edge.to)), h("td", { class: "num" }, rateText(edge.requests)), h("td", { class: edge.errors ? "num bad" : "num" }, edge.errors ? `${count(edge.errors)} · ${percent(edge.errors / edge.requests)}` : "–"), h("td", { class: "num" }, duration(edge.p95_ms)))));
}

let busy = false;
let last = 0;
async function load(force) {
  if (busy || (!force && Date.now() - last < 1900)) return;
  busy = true;
  last = Date.now();
  const focused = document.activeElement.closest?.("#map a")?.getAttribute("aria-label")?.split(":")[0];
  const answer = await attempt(() => api(`/api/service-map?minutes=${minutes}`));
  busy = false;
  if (!answer) return;
  draw(answer.body);
  if (focused) [...document.querySelectorAll("#map a")].find((one) => one.getAttribute("aria-label").startsWith(`${focused}:`))?.focus();
}

function choose(wanted) {
  minutes = wanted;
  for (const button of $("#window").children) button.setAttribute("aria-pressed", String(Number(button.dataset.minutes) === wanted));
  load(true);
}
$("#window").addEventListener("click", (event) => event.target.dataset.minutes && choose(Number(event.target.dataset.minutes)));
keys(["1", "The last minute", () => choose(1)], ["2", "5 minutes", () => choose(5)], ["3", "15 minutes", () => choose(15)], ["4", "An hour", () => choose(60)]);
live("tiles", () => load());
load(true);
