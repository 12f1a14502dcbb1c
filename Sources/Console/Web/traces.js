// The list of traces, live, with their durations over time.
import { $, api, attempt, clock, colour, count, duration, h, instant, keys, live, notice, say } from "./core.js";
import { Scatter, isSlow, summary } from "./charts.js";

const most = 1000;
const rows = 60;
let [traces, waiting, shown] = [[], [], rows];
let [selected, paused] = [null, false];
const marked = new Set();
const form = $("#filters");

const scatter = new Scatter($("#scatter"), {
  onPick: (trace) => trace && (location.href = `/traces/${trace.trace_id}`),
  onHover: (trace, point) => {
    const box = $("#hover");
    box.hidden = !trace;
    if (!trace) return;
    say(box, `${clock(new Date(trace.at))} · ${trace.root_name} · ${duration(trace.duration_ms)}${trace.error ? " · failed" : ""}`);
    box.style.left = `${Math.min(point.x + 16, $("#scatter").clientWidth - box.offsetWidth - 8)}px`;
    box.style.top = `${$("#scatter").offsetTop + point.y - 14}px`;
  },
});

const taken = (trace) => Object.assign(trace, { at: instant(trace.start_time).getTime() });

// Filters live in the address, so that a view can be shared and gone back to.

function filters() {
  return new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
}

let asked = 0;
async function load() {
  const query = filters();
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
  query.set("limit", String(most));
  const ask = ++asked;
  const answer = await attempt(() => api(`/api/traces?${query}`));
  if (!answer || ask !== asked) return;
  [traces, waiting, shown] = [answer.body.traces.map(taken), [], rows];
  learn(traces);
  draw();
}

/** Whether a trace that has just come belongs to the view; what looks into spans only the console can say. */
function fits(trace) {
  const wanted = Object.fromEntries(filters());
  return !wanted.route && !wanted.q && (!wanted.error || trace.error) && (!wanted.service || trace.services.includes(wanted.service))
    && (!wanted.min_duration_ms || trace.duration_ms >= Number(wanted.min_duration_ms));
}

const learnt = new Set();
function learn(some) {
  for (const service of new Set(some.flatMap((trace) => trace.services))) {
    if (learnt.has(service)) continue;
    learnt.add(service);
    const select = form.elements.service;
    const after = [...select.options].slice(1).find((option) => option.value > service);
    if (![...select.options].some((option) => option.value === service)) select.insertBefore(h("option", { value: service }, service), after ?? null);
  }
}

live("trace", (trace) => {
  taken(trace);
  learn([trace]);
  if (paused) return;
  const { q, route } = Object.fromEntries(filters());
  if (q || route) return lookAgain();
  if (!fits(trace)) return;
  // What was shown before it was whole is shown anew.
  if (traces.some((one) => one.trace_id === trace.trace_id)) return take([trace]);
  // A list that somebody reads does not move under their eyes.
  if (scrollY > $("#traces").offsetTop - 100 || $("#traces").contains(document.activeElement)) {
    waiting.push(trace);
    scatter.set([...waiting, ...traces].filter((one) => one.rooted));
    return offerFresh();
  }
  take([trace]);
});

let again = null;
const lookAgain = () => (again ??= setTimeout(() => ((again = null), load()), 3000));

function take(some) {
  const ids = new Set(some.map((trace) => trace.trace_id));
  for (const id of ids) drawn.get(id)?.remove(), drawn.delete(id);
  traces = [...some, ...traces.filter((trace) => !ids.has(trace.trace_id))].sort((one, other) => other.at - one.at).slice(0, most);
  draw();
}

function offerFresh() {
  $("#fresh").hidden = !waiting.length;
  say($("#fresh"), waiting.length === 1 ? "Show 1 new trace" : `Show ${waiting.length} new traces`);
}
$("#fresh").addEventListener("click", () => {
  const some = waiting;
  waiting = [];
  offerFresh();
  document.activeElement.blur();
  take(some);
  scrollTo({ top: 0 });
});

// Drawing

const drawn = new Map();
function draw() {
  const ended = traces.filter((trace) => trace.rooted);
  scatter.set(ended);
  const words = summary(ended);
  say($("#summary"), words);
  $("#scatter").setAttribute("aria-label", `Durations over time. ${words}`);
  const list = $("#traces");
  const visible = traces.slice(0, shown);
  const longest = visible.reduce((top, trace) => Math.max(top, trace.duration_ms), 1);
  const keep = new Set(visible.map((trace) => trace.trace_id));
  for (const [id, element] of drawn) if (!keep.has(id)) element.remove(), drawn.delete(id);
  let before = list.firstElementChild;
  for (const trace of visible) {
    let element = drawn.get(trace.trace_id);
    if (!element) drawn.set(trace.trace_id, (element = row(trace)));
    $(".fill", element).style.setProperty("--w", `${Math.max(0.5, (Math.sqrt(trace.duration_ms) / Math.sqrt(longest)) * 100)}%`);
    if (element === before) before = before.nextElementSibling;
    else list.insertBefore(element, before);
  }
  $("#empty").hidden = traces.length > 0;
  $(".more").hidden = traces.length <= shown && traces.length < most;
}

function row(trace) {
  const [method, ...rest] = trace.root_name.split(" ");
  return h("li", {},
    h("div", { class: `trace${trace.rooted ? "" : " open"}${trace.error ? " failed" : isSlow(trace) ? " slow" : ""}`, "data-id": trace.trace_id },
      h("input", { type: "checkbox", "aria-label": `Compare ${trace.root_name}`, title: "Mark to compare (c)", checked: marked.has(trace.trace_id), onchange: (event) => compare(trace.trace_id, event.target.checked) }),
      h("time", { datetime: trace.start_time }, clock(new Date(trace.at))),
      h("a", { href: `/traces/${trace.trace_id}`, onfocus: () => select(trace.trace_id) }, h("span", { class: "svc", style: { "--c": colour(trace.root_service) } }, trace.root_service),
        h("b", {}, rest.length ? `${method} ${rest.join(" ")}` : method), !trace.rooted && h("span", { class: "muted small" }, "has no root yet"), trace.error && h("span", { class: "mark" }, "failed")),
      h("span", { class: "num" }, duration(trace.duration_ms)),
      h("span", { class: "fill", "aria-hidden": "true" }),
      h("span", { class: "num muted" }, count(trace.span_count)),
      h("span", { class: "dots", title: trace.services.join(", ") }, trace.services.map((service) => h("i", { style: { "--c": colour(service) } })), h("span", { class: "visually-hidden" }, `${trace.services.length} services`))));
}

function select(id) {
  $(".trace.here")?.classList.remove("here");
  selected = id;
  drawn.get(id)?.firstElementChild.classList.add("here");
  scatter.mark(id);
}

function move(by) {
  const at = traces.findIndex((trace) => trace.trace_id === selected);
  const next = Math.min(traces.length - 1, Math.max(0, at < 0 ? 0 : at + by));
  if (next >= shown) (shown += rows), draw();
  const trace = traces[next];
  if (trace) $("a", drawn.get(trace.trace_id))?.focus();
}

function compare(id, on) {
  if (on) marked.add(id);
  else marked.delete(id);
  if (marked.size > 2) {
    const [first] = marked;
    marked.delete(first);
    const box = $("input", drawn.get(first) ?? document.createElement("i"));
    if (box) box.checked = false;
  }
  const [one, other] = marked;
  const link = $("#compare");
  link.hidden = marked.size < 2;
  if (other) link.href = `/traces/${one}?with=${other}`;
  else if (one) notice("Mark a second trace to compare the two.");
}

// What a person does

let typing;
form.addEventListener("input", (event) => {
  clearTimeout(typing);
  typing = setTimeout(load, event.target.matches("input:not([type=checkbox])") ? 350 : 0);
});
form.addEventListener("submit", (event) => (event.preventDefault(), load()));
form.addEventListener("reset", () => setTimeout(load));
$("#pause").addEventListener("click", togglePause);
function togglePause() {
  paused = !paused;
  $("#pause").setAttribute("aria-pressed", String(paused));
  say($("#pause"), paused ? "Go on" : "Pause");
  if (!paused) load();
}
$("#older").addEventListener("click", async () => {
  if (traces.length > shown) return (shown += rows), draw();
  const query = filters();
  query.set("limit", String(most));
  query.set("before", traces.at(-1).start_time);
  const answer = await attempt(() => api(`/api/traces?${query}`));
  if (!answer?.body.traces.length) return notice("There are no older ones.");
  traces = [...traces, ...answer.body.traces.map(taken)];
  shown += rows;
  draw();
});

keys(
  ["j", "Next trace", () => move(1), "ArrowDown"],
  ["k", "Trace before", () => move(-1), "ArrowUp"],
  ["Enter", "Open it", () => (selected ? (location.href = `/traces/${selected}`) : false)],
  ["s", "Open the slowest", () => {
    const slowest = traces.reduce((top, trace) => (trace.duration_ms > (top?.duration_ms ?? -1) ? trace : top), null);
    if (slowest) location.href = `/traces/${slowest.trace_id}`;
  }],
  ["e", "Failed only", () => (form.elements.error.click())],
  ["/", "Text", () => form.elements.q.focus()],
  ["c", "Mark to compare", () => $("input", drawn.get(selected) ?? document.createElement("i"))?.click()],
  ["p", "Pause", togglePause],
);

for (const route of ["POST /checkout", "GET /products", "GET /products/{id}", "GET /products/search", "POST /cart/{cart_id}/add", "GET /ads", "POST /recommendations", "POST /convert", "POST /calculate", "POST /payments/authorize", "push orders", "push order"]) $("#routes").append(h("option", { value: route }));
for (const [name, value] of new URLSearchParams(location.search)) {
  const field = form.elements[name];
  if (!field) continue;
  if (field.type === "checkbox") field.checked = value === "true" || value === "1";
  else {
    if (name === "service") field.append(h("option", { value }, value));
    field.value = value;
  }
}
live("open", load);
live("theme", () => scatter.draw());
setInterval(() => document.visibilityState === "visible" && !paused && scatter.draw(), 1000);
load();
