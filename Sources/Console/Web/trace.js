// One trace, or two side by side.
import { $, Failure, age, api, attempt, clock, colour, count, duration, h, keys, live, notice, percent, plural, say, tag } from "./core.js";
import { Trace, Waterfall } from "./waterfall.js";

const id = location.pathname.split("/").at(-1);
const query = new URLSearchParams(location.search);
const other = query.get("with");
let [falls, current] = [[], 0];
const fall = () => falls[current];
say($("#id"), other ? `${id.slice(0, 12)}… and ${other.slice(0, 12)}…` : id);

/** A trace that has only just happened may still be on its way into the buffer: its delivery says when it is there. */
async function fetchTrace(which) {
  for (let tries = 0; tries < 40; tries++) {
    const { pending, sent, expired, quarantined } = (await api(`/api/traces/${which}/delivery`)).body;
    if (pending + sent + expired + quarantined > 0) break;
    say($("#title"), "Waiting for the trace…");
    await new Promise((next) => setTimeout(next, 250));
  }
  return (await api(`/api/traces/${which}`)).body.spans;
}

let again = 0;
async function open() {
  let all;
  try {
    all = await Promise.all([id, other].filter(Boolean).map(fetchTrace));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say($("#title"), error.message);
    return;
  }
  const chosen = fall()?.selected?.span_id ?? query.get("span");
  const traces = all.map((spans) => new Trace(spans));
  if (other) drawTwo(traces);
  else drawOne(traces[0]);
  const one = chosen && falls[0].trace.byID.get(chosen);
  if (one) falls[0].select(one);
  // The root ends last; its span may be a moment behind the others.
  if (!traces.every((trace) => trace.spans.some((span) => !span.parent_span_id)) && again++ < 8) setTimeout(open, 300);
}

// One

function drawOne(trace) {
  const { root } = trace;
  document.title = `${root.name} · PopShop`;
  say($("#title"), root.name);
  $("#actions").replaceChildren(
    h("button", { onclick: usual }, "Compare with a usual one"),
    h("button", { onclick: copy }, "Copy id"),
    h("a", { class: "button", href: `/api/traces/${id}/export`, download: `trace-${id}.json` }, "Download OTLP JSON"),
    h("span", { id: "sent" }));
  drawFacts(trace);
  const pane = h("section", { class: "card pane", id: "one" });
  const details = h("aside", { class: "card details", id: "details", tabindex: 0, "aria-label": "Span" });
  $("#panes").replaceChildren(pane, details);
  falls = [new Waterfall(pane, trace, { label: "Spans", onSelect: (one) => drawDetails(details, one) })];
  pane.append(legend());
  drawDetails(details, null);
  // Where the details are below, a press brings them into sight.
  falls[0].tree.addEventListener("click", (event) => matchMedia("(max-width: 1000px)").matches && event.target.closest(".span") && !event.target.closest("[data-fold=true]") && details.scrollIntoView());
  lookForPush(trace);
  lookForDelivery();
}

function fact(name, value, kind = "") {
  return h("div", { class: `fact ${kind}` }, h("b", {}, value), h("span", {}, name));
}

function drawFacts(trace) {
  const services = new Set(trace.spans.map((one) => one.service));
  const failed = trace.spans.filter((one) => one.failed).length;
  const statements = trace.spans.filter((one) => one.system).length;
  const shares = trace.shares();
  const whole = shares.reduce((sum, [, time]) => sum + time, 0) || 1;
  const [first, time] = shares[0] ?? ["", 0];
  $("#summary").replaceChildren(...[
    fact("duration", duration(trace.end)), fact("started", clock(new Date(trace.began))), fact(`spans in ${plural(services.size, "service")}`, count(trace.spans.length)),
    fact("statements", count(statements)), fact("most at once", count(trace.concurrency())), fact("failed", count(failed), failed ? "failed" : ""),
    h("div", { class: "share" }, h("p", {}, `Critical path: ${percent(time / whole)} in ${first}`),
      h("div", { class: "bar", role: "img", "aria-label": shares.map(([name, ms]) => `${name} ${percent(ms / whole)}`).join(", ") },
        shares.map(([name, ms]) => h("i", { title: `${name} ${duration(ms)}`, style: { "--c": colour(name), flex: `${ms} 0 0` } })))),
  ]);
}

function legend() {
  return h("div", { class: "key", "aria-hidden": "true" }, h("span", {}, h("i"), "own time"), h("span", {}, h("i", { class: "in" }), "in the spans below"), h("span", {}, h("i", { class: "crit" }), "critical path"), h("span", {}, h("i", { class: "bad" }), "failed"), h("span", {}, "◇ event"));
}

function drawDetails(box, one) {
  if (!one) {
    box.replaceChildren(h("h2", {}, "No span selected"), h("p", { class: "muted" }, "Press a span to see what is known of it, or go through them with the arrow keys."), h("p", { class: "muted keyhelp" }, h("kbd", {}, "s"), " goes to the slowest, ", h("kbd", {}, "n"), " to the next failed one."));
    return;
  }
  const statement = one.attributes["db.query.text"] ?? one.attributes["db.statement"];
  const hidden = new Set(["db.query.text", "db.statement"]);
  const list = (attributes) => h("dl", {}, Object.entries(attributes).filter(([name]) => !hidden.has(name)).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => [h("dt", {}, name), h("dd", { class: "mono" }, typeof value === "object" ? JSON.stringify(value) : String(value))]));
  const section = (title, ...children) => h("section", {}, h("h3", {}, title), ...children);
  const attributes = Object.keys(one.attributes).filter((name) => !hidden.has(name)).length;
  box.replaceChildren(...[
    h("div", {}, h("h2", {}, one.name), h("p", { class: "row" }, tag(one.service), h("span", { class: "muted" }, one.kind), one.path.length > 0 && h("span", { class: "pill plain" }, "critical path"))),
    one.failed && h("p", { class: "why" }, one.status_message ?? String(one.attributes["error.type"] ?? "failed")),
    h("dl", {}, h("dt", {}, "duration"), h("dd", {}, duration(one.end - one.start)), h("dt", {}, "own time"), h("dd", {}, duration(Trace.ownTime(one))), h("dt", {}, "starts"), h("dd", {}, `${duration(one.start)} in`), h("dt", {}, "span"), h("dd", { class: "mono" }, one.span_id)),
    statement && section("Statement", h("pre", {}, statement)),
    one.links.length > 0 && section("Links", h("ul", {}, one.links.map((link) => h("li", {}, h("a", { href: `/traces/${link.trace_id}?span=${link.span_id}` }, `${one.service === "sync" ? "The purchase" : "Linked span"} ${link.trace_id.slice(0, 8)}…`))))),
    one.events.length > 0 && section("Events", h("ul", { class: "stack" }, one.events.map((event, at) => h("li", {}, h("b", {}, event.name), h("span", { class: "muted" }, ` at ${duration(one.at[at])}`), Object.keys(event.attributes).length > 0 && list(event.attributes))))),
    attributes > 0 && section("Attributes", list(one.attributes)),
  ].filter(Boolean));
}

/** From a purchase to its push, hours later; the way back is a link of the push itself. */
async function lookForPush(trace) {
  const order = trace.spans.map((one) => one.attributes["checkout.order_id"]).find(Boolean);
  const links = trace.spans.filter((one) => one.links.length);
  if (order && !links.length) {
    const answer = await api(`/api/pushes?order_id=${order}`).catch(() => null);
    const push = answer?.body.orders[0];
    if (!push?.push_trace_id || push.push_trace_id === id) return;
    $("#summary").append(h("p", { class: "linked" }, h("span", {}, `This order was ${push.outcome} upstream ${age((Date.parse(push.settled_at) - trace.began) / 1000)} later.`), h("a", { href: `/traces/${push.push_trace_id}?span=${push.push_span_id}` }, "See its push")));
  } else if (links.length === 1) {
    const [link] = links[0].links;
    $("#summary").append(h("p", { class: "linked" }, h("span", {}, "This pushed an order that was placed earlier."), h("a", { href: `/traces/${link.trace_id}` }, "See the purchase")));
  } else if (links.length) {
    $("#summary").append(h("p", { class: "linked" }, `${plural(links.length, "span")} of this trace are linked to the purchases they pushed: choose one to follow it.`));
  }
}

let isAwaited = false;
async function lookForDelivery() {
  const answer = await api(`/api/traces/${id}/delivery`).catch(() => null);
  if (!answer) return;
  const { pending, sent, expired, quarantined, url } = answer.body;
  isAwaited = pending > 0;
  const words = quarantined ? "set aside" : expired ? "too old to be sent" : pending ? (sent ? "partly sent" : "not sent yet") : "sent";
  $("#sent").replaceChildren(url ? h("a", { class: "button", href: url, target: "_blank", rel: "noopener" }, "Open in Coralogix") : h("span", { class: "pill", "data-state": pending ? "slow" : sent ? "good" : "bad" }, words));
}

async function copy() {
  try {
    await navigator.clipboard.writeText(id);
    notice("The trace id is in the clipboard.");
  } catch {
    getSelection().selectAllChildren($("#id"));
    notice("The browser does not let this page copy: the id is selected.");
  }
}

/** The one in the middle, by duration, of the latest with the same root. */
async function usual() {
  const { root } = falls[0].trace;
  const answer = await attempt(() => api(`/api/traces?${new URLSearchParams({ q: root.name, limit: 200 })}`));
  const like = (answer?.body.traces ?? []).filter((one) => one.root_name === root.name && one.trace_id !== id && !one.error).sort((one, two) => one.duration_ms - two.duration_ms);
  if (!like.length) return notice("There is no other trace of this kind yet.");
  location.href = `/traces/${id}?with=${like[like.length >> 1].trace_id}`;
}

// Two

function drawTwo(traces) {
  document.title = "Two traces · PopShop";
  const isSame = traces[0].root.name === traces[1].root.name;
  say($("#title"), isSame ? traces[0].root.name : "Two traces");
  const scale = Math.max(traces[0].end, traces[1].end);
  const panes = traces.map((trace, at) => h("section", { class: "card pane", id: at ? "two" : "one", onfocusin: () => (current = at), onpointerdown: () => (current = at) },
    h("h2", { class: "spread" }, h("a", { href: `/traces/${[id, other][at]}` }, `${isSame ? "" : `${trace.root.name}, `}${duration(trace.end)} at ${clock(new Date(trace.began))}`), h("span", { class: "muted small" }, plural(trace.spans.length, "span")))));
  $("#panes").classList.add("two");
  $("#panes").replaceChildren(...panes, h("section", { class: "card flush diff scroll" }, difference(traces)));
  $("#summary").replaceChildren();
  $("#actions").replaceChildren(h("a", { class: "button", href: `/traces/${other}?with=${id}` }, "Swap"), h("a", { class: "button", href: `/traces/${id}` }, "Only the first"));
  falls = traces.map((trace, at) => new Waterfall(panes[at], trace, { label: at ? "Spans of the second" : "Spans of the first", scale, onSelect: () => {} }));
}

/** What one has more of, by span name; own time, so that a parent is not blamed for its children. */
function difference(traces) {
  const sums = new Map();
  traces.forEach((trace, at) => {
    for (const one of trace.spans) {
      const key = `${one.service}\n${one.name}`;
      if (!sums.has(key)) sums.set(key, { one, counts: [0, 0], times: [0, 0] });
      sums.get(key).counts[at] += 1;
      sums.get(key).times[at] += Trace.ownTime(one);
    }
  });
  const rows = [...sums.values()].sort((a, b) => Math.abs(b.times[1] - b.times[0]) - Math.abs(a.times[1] - a.times[0]));
  return h("table", {}, h("caption", { class: "visually-hidden" }, "Differences"),
    h("thead", {}, h("tr", {}, ["Service", "Span"].map((name) => h("th", {}, name)), ["Spans", "Own time, first", "Own time, second", "Difference"].map((name) => h("th", { class: "num" }, name)))),
    h("tbody", {}, rows.slice(0, 40).map(({ one, counts, times }) => {
      const by = times[1] - times[0];
      return h("tr", {}, h("td", {}, tag(one.service)), h("td", {}, one.name), h("td", { class: "num" }, counts[0] === counts[1] ? count(counts[0]) : `${counts[0]} → ${counts[1]}`), h("td", { class: "num" }, duration(times[0])), h("td", { class: "num" }, duration(times[1])),
        h("td", { class: `num ${by > 1 ? "more" : by < -1 ? "less" : ""}` }, `${by < 0 ? "−" : "+"}${duration(Math.abs(by))}`));
    })));
}

function showSelected() {
  if (!fall()?.selected) return false;
  const details = $("#details");
  if (details) return details.focus();
  const box = h("div", { class: "details" });
  const dialog = h("dialog", { "aria-label": "Span" }, box, h("form", { method: "dialog" }, h("button", { class: "primary" }, "Close")));
  drawDetails(box, fall().selected);
  dialog.addEventListener("close", () => (dialog.remove(), fall().tree.focus()));
  document.body.append(dialog);
  dialog.showModal();
}

keys(
  ["j", "Next span", () => fall()?.move(1), "ArrowDown"],
  ["k", "Span before", () => fall()?.move(-1), "ArrowUp"],
  ["ArrowLeft", "Fold, or to the parent", () => fall()?.left(), "h"],
  ["ArrowRight", "Unfold, or to the first child", () => fall()?.right(), "l"],
  ["Enter", "Its details", showSelected],
  ["Escape", "Back to the spans", () => fall()?.tree.focus()],
  ["s", "The slowest span", () => fall() && (fall().select(fall().trace.slowest()), fall().tree.focus())],
  ["n", "Next failed span", () => fall()?.nextFailed(1)],
  ["N", "Failed span before", () => fall()?.nextFailed(-1)],
  ["x", "Fold or unfold all", () => fall()?.foldAll()],
  ["Home", "First span", () => fall()?.move(-1e9)],
  ["End", "Last span", () => fall()?.move(1e9)],
  ["PageDown", "A page down", () => fall()?.move(15)],
  ["PageUp", "A page up", () => fall()?.move(-15)],
  ["y", "Copy the id", copy],
);

live("trace", (trace) => falls.length && trace.trace_id === id && trace.span_count > falls[0].trace.spans.length && open());
live("theme", () => falls.forEach((one) => one.redraw()));

let sent = null;
live("status", ({ spans }) => {
  if (isAwaited && spans.sent !== sent) lookForDelivery();
  sent = spans.sent;
});
performance.mark("start");
await open();
requestAnimationFrame(() => performance.mark("painted"));
