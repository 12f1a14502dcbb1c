// What waits for the network, what went, and what did not and why.
import { $, age, api, attempt, bytes, clock, count, h, keys, laneWords, live, plural, say } from "./core.js";
import { sparkline } from "./charts.js";

const day = 86400;
const money = (amount, currency) => `${amount.toLocaleString("en", { style: "currency", currency, currencyDisplay: "code" }).replace(currency, "").trim()} ${currency}`;
let [status, refused, settled] = [null, "", -1];

/** How fast a lane empties: what left it over the last seconds that were seen. */
class Pace {
  seen = [];
  add(left, pending) {
    this.seen.push({ at: performance.now() / 1000, left, pending });
    if (this.seen.length > 90) this.seen.shift();
  }

  get rate() {
    const now = this.seen.at(-1);
    const then = this.seen.find((one) => one.at > now.at - 12) ?? now;
    return now.at > then.at ? (now.left - then.left) / (now.at - then.at) : 0;
  }

  /** Seconds until nothing waits, at the pace of what waits itself: more may come meanwhile. */
  get timeLeft() {
    const now = this.seen.at(-1);
    const then = this.seen.find((one) => one.at > now.at - 12) ?? now;
    const falls = now.at > then.at ? (then.pending - now.pending) / (now.at - then.at) : 0;
    return falls > 0 ? now.pending / falls : null;
  }
}
const paces = { orders: new Pace(), spans: new Pace() };

const lanes = {
  orders: { title: "Orders", one: "order", good: (lane) => lane.accepted + lane.backordered, parts: [["accepted", "Accepted", "good"], ["backordered", "Back-ordered", "slow"], ["rejected", "Rejected", "bad"], ["quarantined", "Set aside", "bad"]] },
  spans: { title: "Spans", one: "span", good: (lane) => lane.sent, parts: [["sent", "Sent", "good"], ["rejected", "Rejected", "bad"], ["expired", "Too old", "slow"], ["evicted", "Evicted", "bad"], ["quarantined", "Set aside", "bad"], ["dropped", "Never kept", "bad"]] },
};

for (const [key, { title, parts }] of Object.entries(lanes)) {
  $("#lanes").append(h("section", { class: "card lane", id: key, "aria-labelledby": `${key}-title` },
    h("div", { class: "spread" }, h("h2", { id: `${key}-title` }, title), h("span", { class: "pill state" }, "…")),
    h("div", { class: "spread" }, h("p", {}, h("b", { class: "figure pending", "data-testid": `${key}-pending` }, "–"), " ", h("span", { class: "muted waits" }, "waiting")), h("div", { class: "line" })),
    h("p", { class: "words" }),
    h("p", { class: "why", hidden: true }),
    h("div", { class: "window" }, h("div", { class: "spread small" }, h("span", { class: "muted" }, "The oldest"), h("span", { class: "oldest" })), h("div", { class: "meter", role: "meter", "aria-valuemin": 0, "aria-valuemax": 24, "aria-label": `Hours that the oldest of the ${title.toLowerCase()} has waited` })),
    h("dl", { class: "parts" }, h("div", {}, h("dt", {}, "In all"), h("dd", { "data-part": "enqueued" })), parts.map(([name, word, kind]) => h("div", { "data-kind": kind }, h("dt", {}, word), h("dd", { "data-part": name }))))));
}

function showLane(key, lane) {
  const { one, good, parts } = lanes[key];
  const box = $(`#${key}`);
  const pace = paces[key];
  pace.add(lane.enqueued - lane.pending, lane.pending);
  const pill = $(".state", box);
  pill.dataset.state = { idle: "good", draining: "good", offline: "slow", backing_off: "slow", blocked: "bad" }[lane.state] ?? "";
  say(pill, laneWords(lane));
  say($(".pending", box), count(lane.pending));
  say($(".waits", box), lane.state === "disabled" ? "kept here" : "waiting");
  $(".line", box).replaceChildren(sparkline(pace.seen.map((seen) => seen.pending)));
  const { rate, timeLeft } = pace;
  const seconds = lane.next_attempt_in_seconds;
  const next = seconds != null ? ` The next try is in ${age(seconds)}.` : "";
  say($(".words", box), {
    disabled: key === "orders" ? "No upstream database is named: orders stay here." : "No backend is named: spans stay here, to be seen and exported.",
    offline: `${status.network.switched_off ? "The plug is pulled" : "There is no network"}: ${plural(lane.pending, one)} ${lane.pending === 1 ? "waits" : "wait"} on this disk, and nothing is lost.${status.network.switched_off ? "" : next}`,
    idle: lane.pending ? "What has just come is about to go." : `Everything has gone: ${plural(good(lane), one)} upstream.`,
    draining: `${rate >= 10 ? count(rate) : rate.toFixed(1)} a second${timeLeft ? `, about ${age(timeLeft)} left` : ""}.`,
    backing_off: `The last try failed.${next}`,
    blocked: `Nothing goes until a person has put something right.${next}`,
  }[lane.state] ?? "");
  const why = $(".why", box);
  why.hidden = !lane.last_error || lane.state === "disabled" || (lane.state === "offline" && status.network.switched_off);
  say(why, lane.last_error ?? "");
  const oldest = lane.oldest_age_seconds;
  $(".window", box).hidden = key === "orders" && oldest == null;
  say($(".oldest", box), oldest == null ? "nothing waits" : key === "spans" ? `${age(oldest)} of the 24 h that the backend takes` : age(oldest));
  const meter = $(".meter", box);
  const share = Math.min(1, (oldest ?? 0) / day);
  meter.style.setProperty("--at", `${share * 100}%`);
  meter.setAttribute("aria-valuenow", ((oldest ?? 0) / 3600).toFixed(1));
  meter.setAttribute("aria-valuetext", age(oldest ?? 0));
  meter.dataset.kind = share > 0.9 ? "bad" : share > 0.6 ? "slow" : "";
  for (const [name] of [["enqueued"], ...parts]) {
    const place = $(`[data-part="${name}"]`, box);
    say(place, count(lane[name]) + (name === "enqueued" && lane.bytes ? ` · ${bytes(lane.bytes)}` : ""));
    place.parentElement.classList.toggle("some", lane[name] > 0);
  }
}

live("status", (now) => {
  status = now;
  const { network, orders, spans } = now;
  const nowhere = orders.state === "disabled" && spans.state === "disabled";
  const waits = orders.pending * (orders.state !== "disabled") + spans.pending * (spans.state !== "disabled");
  $("#network").setAttribute("aria-checked", String(!network.switched_off));
  $("#network").disabled = false;
  say($("#headline"), network.switched_off ? "The plug is pulled" : nowhere ? "There is no upstream" : !network.online ? "There is no network" : waits ? "Sending what waits" : "Everything has gone");
  say($("#subline"), network.switched_off || !network.online ? `The shop goes on selling. ${plural(orders.pending, "order")} and ${plural(spans.pending, "span")} are kept until the network is back.` : nowhere ? "The shop keeps everything itself. Name an upstream to send it on." : `${plural(orders.pending, "order")} and ${plural(spans.pending, "span")} wait. This is shop ${now.edge_id.slice(0, 8)}.`);
  $("#now").disabled = network.switched_off || nowhere;
  showLane("orders", orders);
  showLane("spans", spans);
  const needs = [
    ...[["Orders", orders], ["Spans", spans]].filter(([, lane]) => lane.state === "blocked").map(([name, lane]) => `${name}: ${lane.last_error ?? "refused by the upstream."}`),
    orders.quarantined && `${plural(orders.quarantined, "order")} set aside: the same id is upstream with another payload.`,
    orders.rejected && `${plural(orders.rejected, "order")} rejected: the upstream can never take ${orders.rejected === 1 ? "it" : "them"}.`,
    spans.quarantined && `${plural(spans.quarantined, "span")} set aside, since the backend cannot read ${spans.quarantined === 1 ? "it" : "them"}.`,
    spans.expired && `${plural(spans.expired, "span")} too old to be sent: popshop sync --retime moves them to now.`,
  ].filter(Boolean);
  const box = $("#person");
  const text = needs.join("\n");
  if (box.dataset.text !== text) {
    box.dataset.text = text;
    box.hidden = !needs.length;
    box.replaceChildren(h("h2", {}, "Needs a person"), h("ul", {}, needs.map((need) => h("li", {}, need))));
  }
  const answered = orders.enqueued - orders.pending + spans.rejected + spans.expired + spans.quarantined;
  if (answered !== settled) {
    settled = answered;
    loadPushes();
  }
});

let loading = false;
async function loadPushes() {
  if (loading) return;
  loading = true;
  const answer = await api(`/api/pushes?limit=25&refused=${refused || "false"}`).catch(() => null);
  loading = false;
  if (!answer) return;
  const { orders, spans } = answer.body;
  const kinds = { accepted: "good", backordered: "slow" };
  $("#pushes tbody").replaceChildren(...orders.map((order) => h("tr", {},
    h("td", {}, clock(new Date(order.settled_at))), h("td", {}, h("code", {}, `${order.order_id.slice(0, 8)}…${order.order_id.slice(-4)}`)),
    h("td", {}, h("span", { class: "pill", "data-state": kinds[order.outcome] ?? "bad" }, order.outcome), order.reason && h("p", { class: "small" }, order.reason)),
    h("td", { class: "num" }, order.total == null ? "–" : money(order.total, order.currency)),
    h("td", { class: "num" }, order.order_date ? age((Date.parse(order.settled_at) - Date.parse(order.order_date)) / 1000) : "–"),
    h("td", {}, h("span", { class: "row" }, order.purchase_trace_id && h("a", { href: `/traces/${order.purchase_trace_id}` }, "Purchase"), order.push_trace_id && h("a", { href: `/traces/${order.push_trace_id}?span=${order.push_span_id}` }, "Push"))))));
  $("#pushes").hidden = !orders.length;
  $("#no-pushes").hidden = orders.length > 0;
  say($("#no-pushes"), refused ? "No order has been refused." : "No order has been answered by an upstream yet.");
  $("#losses-card").hidden = !spans.length;
  $("#losses tbody").replaceChildren(...spans.map((loss) => h("tr", {}, h("td", {}, h("span", { class: "pill", "data-state": loss.outcome === "expired" ? "slow" : "bad" }, loss.outcome)), h("td", { class: "num" }, count(loss.count)), h("td", {}, loss.reason), h("td", {}, clock(instant(loss.at))))));
}

$("#which").addEventListener("click", (event) => {
  if (!event.target.matches("button")) return;
  refused = event.target.dataset.refused;
  for (const button of $("#which").children) button.setAttribute("aria-pressed", String(button.dataset.refused === refused));
  loadPushes();
});
// Not before it is known which way it is: pressing it turns it over.
const plug = () => status && attempt(async () => {
  const online = $("#network").getAttribute("aria-checked") !== "true";
  const answer = await api("/api/network", { online });
  $("#network").setAttribute("aria-checked", String(!answer.body.network.switched_off));
});
const tryNow = () => attempt(() => api("/api/sync", {}));
$("#network").addEventListener("click", plug);
$("#now").addEventListener("click", tryNow);
keys(["n", "Pull the plug, or put it back", plug], ["t", "Try now", tryNow]);
