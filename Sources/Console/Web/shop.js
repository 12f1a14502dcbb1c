// The shop: everything here is a visitor's action, each one a trace that can be looked at.
import { $, Failure, age, api, attempt, clock, count, duration, h, keys, live, plural, say, svg, visitor } from "./core.js";

const state = { products: [], rates: { USD: 1 }, category: "", query: "", currency: sessionStorage.getItem("currency") ?? "USD", cart: { items: [], total: 0 }, step: "cart", ways: [], way: "standard", destination: "domestic" };
const cartID = localStorage.getItem("cart") ?? keep("cart", `web-${crypto.getRandomValues(new Uint32Array(2)).join("")}`);

function keep(name, value) {
  localStorage.setItem(name, value);
  return value;
}

// Money: prices are dollars until an order is placed; then the services have the last word.

const formats = {};
function money(amount, currency = state.currency) {
  formats[currency] ??= new Intl.NumberFormat("en", { style: "currency", currency, currencyDisplay: "narrowSymbol" });
  return formats[currency].format(amount);
}
const inCurrency = (dollars) => money(dollars * (state.rates[state.currency] ?? 1));

function picture(id, category) {
  return h("div", { class: `pic ${category ?? state.products.find((one) => one.id === id)?.category ?? ""}` },
    svg("svg", { viewBox: "0 0 120 120", "aria-hidden": "true" }, svg("use", { href: `/assets/products.svg#p${id}` })));
}

/** What was done last, how long it took, and its trace. */
function did(what, { traceID, took }) {
  const box = $("#last");
  box.replaceChildren(h("span", {}, what, h("span", { class: "took" }, ` · ${duration(took)}`)), h("a", { href: `/traces/${traceID}` }, "See this trace"));
  box.hidden = location.hash.startsWith("#/order/");
}

/** Does one thing; where it fails, its trace is offered all the same. */
async function act(what, path, body, headers) {
  try {
    const answer = await api(path, body, headers);
    did(what, answer);
    return answer.body;
  } catch (error) {
    if (!error.traceID) return attempt(() => { throw error; });
    did(`${what}: ${error.message}`, { traceID: error.traceID, took: 0 });
    return null;
  }
}

// Products

async function loadProducts() {
  const { query, category } = state;
  const path = query ? `/api/shop/products?q=${encodeURIComponent(query)}` : `/api/shop/products?category=${encodeURIComponent(category)}`;
  const what = query ? `Searched for “${query}”` : category ? `Opened ${category}` : "Opened the shop";
  // A slow catalog is part of the show: the page says what it waits for.
  say($("#products-note"), "asking the catalog …");
  const answer = await act(what, path);
  if (query !== state.query || category !== state.category) return;
  if (!answer) return say($("#products-note"), "the catalog gave no answer");
  if (!query && !category) state.products = answer.products;
  const found = category && query ? answer.products.filter((one) => one.category === category) : answer.products;
  say($("#products-title"), query ? `“${query}”` : category ? category[0].toUpperCase() + category.slice(1) : "All products");
  say($("#products-note"), answer.query_duration_ms != null ? `${plural(found.length, "match", "matches")}, found by scanning the whole table in ${duration(answer.query_duration_ms)}` : plural(found.length, "product"));
  const order = ["electronics", "furniture", "appliances", "sports", "kitchen"];
  found.sort((one, other) => order.indexOf(one.category) - order.indexOf(other.category) || one.id - other.id);
  $("#products").replaceChildren(...found.map(product));
  // An order that was opened before the products were known has its pictures' colours from them.
  if (!query && !category && shown) drawOrder(shown);
}

function product(one) {
  return h("li", { class: "product" }, picture(one.id, one.category),
    h("h3", { id: `name-${one.id}` }, one.name),
    h("p", { class: "words" }, one.description),
    h("div", { class: "buy" }, h("span", { class: "price", "data-dollars": one.price }, inCurrency(one.price)),
      h("button", { "aria-describedby": `name-${one.id}`, onclick: () => add(one) }, "Add to cart")));
}

async function loadAround() {
  const category = state.category || "electronics";
  const [recommended, ads] = await Promise.all([
    api(`/api/shop/recommendations?user_id=${visitor}&category=${category}`).catch(() => null),
    api(`/api/shop/ads?limit=1&category=${category}`).catch(() => null),
  ]);
  $("#recommended").replaceChildren(...(recommended?.body.recommendations ?? []).slice(0, 4).map((one) =>
    h("li", {}, picture(one.product_id, category), h("div", {}, h("h3", { id: `pick-${one.product_id}` }, one.product_name), h("p", { class: "muted small" }, one.reason)),
      h("div", { class: "buy" }, h("span", { class: "price", "data-dollars": one.price }, inCurrency(one.price)),
        h("button", { "aria-describedby": `pick-${one.product_id}`, onclick: () => add({ id: one.product_id, name: one.product_name }) }, "Add to cart")))));
  const ad = ads?.body.ads[0];
  $("#ad").hidden = !ad;
  if (ad) $("#ad").replaceChildren(h("div", {}, h("small", {}, "Advertisement"), h("b", {}, ad.title)), h("button", { onclick: () => follow(ad) }, `See ${ad.category}`));
}

async function follow(ad) {
  await act(`Followed “${ad.title}”`, `/api/shop/ads/${ad.id}/click`, {});
  choose(ad.category);
}

async function loadCategories() {
  const answer = await attempt(() => api("/api/shop/categories"));
  const order = ["electronics", "furniture", "appliances", "sports", "kitchen"];
  const names = (answer?.body.categories ?? []).map((one) => one.name).sort((one, other) => order.indexOf(one) - order.indexOf(other));
  $("#categories").replaceChildren(...["", ...names].map((name) => h("button", { "data-name": name, "aria-pressed": String(name === state.category), onclick: () => choose(name) }, name || "All")));
}

function choose(category) {
  state.category = category;
  state.query = $("#q").value = "";
  for (const chip of $("#categories").children) chip.setAttribute("aria-pressed", String(chip.dataset.name === category));
  if (location.hash) location.hash = "#/";
  loadProducts();
  loadAround();
}

// The cart

async function add(one) {
  const answer = await act(`Added ${one.name}`, `/api/shop/cart/${cartID}/add`, { product_id: one.id });
  if (answer) changed(answer.cart);
}

async function remove(line) {
  const answer = await act(`Removed ${line.product_name}`, `/api/shop/cart/${cartID}/remove`, { product_id: line.product_id });
  if (answer) changed(answer.cart);
}

/** Another cart is another purchase: an answer that was lost is no longer waited for. */
function changed(cart) {
  sessionStorage.removeItem("purchase");
  show(cart, "cart");
}

function show(cart, step) {
  state.cart = cart;
  state.step = step;
  drawCart();
}

function drawCart() {
  const { items, total } = state.cart;
  const pieces = items.reduce((sum, line) => sum + line.quantity, 0);
  say($("#open-cart"), pieces ? `Cart · ${pieces}` : "Cart");
  const head = h("div", { class: "spread" }, h("h2", { id: "cart-title" }, state.step === "cart" ? "Cart" : "Checkout"), h("button", { class: "quiet close", onclick: () => openCart(false) }, "Close"));
  if (!items.length) {
    $("#cart").replaceChildren(head, h("p", { class: "empty" }, "Nothing in it yet."));
    return;
  }
  const lines = h("ul", { class: "lines" }, items.map((line) => h("li", {}, picture(line.product_id),
    h("span", {}, h("b", {}, line.product_name), h("br"), h("span", { class: "muted small" }, `${line.quantity} × `, h("span", { "data-dollars": line.price }, inCurrency(line.price)))),
    h("span", { "data-dollars": line.price * line.quantity }, inCurrency(line.price * line.quantity)),
    h("button", { class: "quiet", "aria-label": `Remove ${line.product_name}`, onclick: () => remove(line) }, "×"))));
  const rest = state.step === "cart" ? [
    h("dl", { class: "sums" }, h("dt", { class: "total" }, "Total"), h("dd", { class: "total", "data-dollars": total }, inCurrency(total))),
    h("button", { class: "primary wide", onclick: checkout }, "Checkout"),
  ] : delivery(total);
  $("#cart").replaceChildren(head, lines, ...rest);
}

function delivery(total) {
  const chosen = state.ways.find((way) => way.method === state.way);
  return [
    h("fieldset", { class: "ways" }, h("legend", { class: "visually-hidden" }, "Shipping"), state.ways.map((way) => h("label", { class: "way" },
      h("input", { type: "radio", name: "way", value: way.method, checked: way.method === state.way, onchange: () => { state.way = way.method; drawCart(); $(`[name=way][value=${way.method}]`).focus(); } }),
      h("span", {}, way.method[0].toUpperCase() + way.method.slice(1), h("small", {}, `${way.estimated_days} ${way.estimated_days === "1" ? "day" : "days"}`)), h("span", {}, inCurrency(way.cost))))),
    h("label", { class: "row" }, h("input", { type: "checkbox", checked: state.destination === "international", onchange: (event) => { state.destination = event.target.checked ? "international" : "domestic"; checkout(); } }), "Ship abroad"),
    h("dl", { class: "sums" }, h("dt", {}, "Products"), h("dd", {}, inCurrency(total)), h("dt", {}, "Shipping"), h("dd", {}, inCurrency(chosen?.cost ?? 0)),
      h("dt", { class: "total" }, "Total"), h("dd", { class: "total" }, inCurrency(total + (chosen?.cost ?? 0)))),
    h("button", { class: "primary wide", id: "place", onclick: place }, "Place order"),
    h("button", { class: "quiet", onclick: () => show(state.cart, "cart") }, "Back to the cart"),
  ];
}

/** Asks what each way of shipping costs; half a kilogram a piece, as the checkout reckons. */
async function checkout() {
  const weight = state.cart.items.reduce((sum, line) => sum + line.quantity, 0) * 0.5;
  const answers = await Promise.all(["standard", "express", "overnight"].map((method) =>
    act("Asked for shipping", "/api/shop/shipping", { weight, destination: state.destination, method })));
  state.ways = answers.filter(Boolean);
  if (!state.ways.length) return;
  show(state.cart, "checkout");
  $("#place").focus();
}

let buying = null;
async function place() {
  if (buying) return;
  $("#place").disabled = true;
  // One key for one purchase: pressing again after a lost answer buys nothing twice.
  buying = sessionStorage.getItem("purchase") ?? crypto.randomUUID();
  sessionStorage.setItem("purchase", buying);
  let order = null;
  try {
    const answer = await api("/api/shop/checkout",
      { cart_id: cartID, user_id: visitor, currency: state.currency, shipping_method: state.way, destination: state.destination }, { "Idempotency-Key": buying });
    did("Tried to buy", answer);
    order = answer.body;
  } catch (error) {
    // A refusal is an answer; silence, or a failure on the way, leaves the purchase open, under the same key.
    if (error.status >= 400 && error.status < 500) sessionStorage.removeItem("purchase");
    if (error.traceID) did(`Tried to buy: ${error.message}`, { traceID: error.traceID, took: 0 });
    else await attempt(() => { throw error; });
  } finally {
    buying = null;
  }
  if (!order) return drawCart();
  sessionStorage.removeItem("purchase");
  openCart(false);
  show({ items: [], total: 0 }, "cart");
  location.hash = `#/order/${order.order_id}`;
  drawOrder(order);
}

// An order

const fates = {
  placed: ["Waiting for the network", "It is on this machine's disk, and goes upstream by itself."],
  accepted: ["Accepted upstream", "The warehouse has taken it."],
  backordered: ["Back-ordered", "It stands; somebody else was faster, so it is delivered later."],
  rejected: ["Rejected upstream", "The upstream can never take it."],
  quarantined: ["Set aside", "The same id is upstream with another payload: a person has to look."],
};
let shown = null;

async function openOrder(id) {
  if (shown?.order_id === id) return drawOrder(shown);
  shown = null;
  showOrder(h("h2", { id: "order-title" }, "Asking for the order …"));
  try {
    const answer = await api(`/api/shop/orders/${encodeURIComponent(id)}`);
    if (location.hash === `#/order/${id}`) drawOrder(answer.body);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    showOrder(h("div", {}, h("h2", { id: "order-title" }, "The order is not to be had"), h("p", { role: "alert" }, error.message)),
      h("div", { class: "row" }, error.status !== 404 && h("button", { class: "primary", onclick: () => openOrder(id) }, "Ask again"),
        error.traceID && h("a", { class: "button", href: `/traces/${error.traceID}` }, "See this trace"), h("a", { class: "button", href: "#/" }, "Back to the shop")));
  }
}

function showOrder(...content) {
  $("#order").replaceChildren(...content);
  $(".aisle").hidden = true;
  $("#order").hidden = false;
  $("#last").hidden = true;
}

function drawOrder(order) {
  const changed = shown?.order_id !== order.order_id;
  shown = order;
  const [word, sentence] = fates[order.status] ?? [order.status, ""];
  const answered = order.status !== "placed";
  showOrder(
    h("div", { class: "spread" }, h("div", {}, h("h2", { id: "order-title" }, "Thank you for your order"), h("p", { class: "muted" }, h("code", {}, order.order_id))),
      order.trace_id && h("a", { class: "button", href: `/traces/${order.trace_id}` }, "See this trace")),
    h("ol", { class: "steps" },
      h("li", { class: "done" }, h("b", {}, "Placed"), clock(new Date(order.order_date))),
      h("li", { class: "done" }, h("b", {}, `Payment ${order.payment.status}`), money(order.total, order.currency)),
      h("li", { id: "fate", class: answered ? (["rejected", "quarantined"].includes(order.status) ? "refused" : "done") : "next", role: "status" }, h("b", {}, word), h("span", { id: "fate-words" }, sentence), " ", h("span", { id: "push" }))),
    h("ul", { class: "lines" }, order.items.map((item) => h("li", {}, picture(item.product_id), h("b", {}, item.product_name), h("span", {}, `${item.quantity} ×`), h("span", {}, money(item.line_total, order.currency))))),
    h("dl", { class: "sums" }, h("dt", {}, "Shipping"), h("dd", {}, money(order.shipping, order.currency)), h("dt", { class: "total" }, "Total"), h("dd", { class: "total" }, money(order.total, order.currency))),
    h("div", { class: "row" }, h("a", { class: "button", href: "#/" }, "Back to the shop"), h("a", { class: "button", href: "/sync" }, "What waits for the network")));
  if (changed) $("#order").focus();
  explainFate();
}

let lane = null;
async function explainFate() {
  if (!shown) return;
  if (shown.status === "placed") {
    const words = { disabled: "There is no upstream: it stays here.", offline: "It is on this machine's disk, and goes upstream when the network is back.", blocked: `It is on this machine's disk. ${lane?.last_error ?? ""}` };
    if (lane) say($("#fate-words"), words[lane.state] ?? fates.placed[1]);
    if (lane?.state === "disabled") say($("#fate b"), "Kept here");
    if (!lane?.quarantined) return;
  }
  const pushes = await api(`/api/pushes?order_id=${shown.order_id}`).catch(() => null);
  const push = pushes?.body.orders[0];
  if (push?.outcome === "quarantined") {
    $("#fate").className = "refused";
    [$("#fate b"), $("#fate-words")].forEach((place, at) => say(place, fates.quarantined[at]));
  }
  if (push?.push_trace_id) $("#push")?.replaceChildren(h("a", { href: `/traces/${push.push_trace_id}?span=${push.push_span_id}` }, "See its push"), ` ${age((Date.parse(push.settled_at) - Date.parse(shown.order_date)) / 1000)} later`);
}

live("status", async (status) => {
  const settled = status.orders.enqueued - status.orders.pending;
  const moved = lane && settled !== lane.enqueued - lane.pending;
  lane = status.orders;
  if (!shown || $("#order").hidden) return;
  if (moved && shown.status === "placed") {
    const answer = await api(`/api/shop/orders/${shown.order_id}`).catch(() => null);
    if (answer && answer.body.status !== shown.status) return drawOrder(answer.body);
  }
  explainFate();
});

function route() {
  const order = location.hash.match(/^#\/order\/(.+)$/);
  if (order) return openOrder(order[1]);
  shown = null;
  $("#order").hidden = true;
  $(".aisle").hidden = false;
}
addEventListener("hashchange", route);

// The frame

function openCart(open) {
  $("#cart").classList.toggle("open", open);
  $("#open-cart").setAttribute("aria-expanded", String(open));
  if (open) $("#cart button, #cart a")?.focus();
}
$("#open-cart").addEventListener("click", () => openCart(true));

let typing;
$("#q").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(search, 350);
});
$("#search").addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typing);
  search();
});
function search() {
  const query = $("#q").value.trim();
  if (query === state.query) return;
  state.query = query;
  loadProducts();
}

$("#currency").addEventListener("change", async (event) => {
  state.currency = event.target.value;
  sessionStorage.setItem("currency", state.currency);
  for (const place of document.querySelectorAll("[data-dollars]")) say(place, inCurrency(place.dataset.dollars));
  drawCart();
  const answer = await act(`Prices in ${state.currency}`, "/api/shop/convert", { amount: state.cart.total || 1, from: "USD", to: state.currency });
  if (answer) state.rates[state.currency] = answer.rate ?? state.rates[state.currency];
});

async function loadRates() {
  const answer = await api("/api/shop/rates").catch(() => null);
  if (answer) state.rates = answer.body.rates;
  if (!state.rates[state.currency]) state.currency = "USD";
  $("#currency").replaceChildren(...Object.keys(state.rates).sort().map((code) => h("option", { value: code, selected: code === state.currency }, code)));
  for (const place of document.querySelectorAll("[data-dollars]")) say(place, inCurrency(place.dataset.dollars));
}

function step(by) {
  const buttons = [...document.querySelectorAll(".product button")];
  const at = buttons.indexOf(document.activeElement);
  buttons[Math.min(buttons.length - 1, Math.max(0, at < 0 ? 0 : at + by))]?.focus();
}
keys(
  ["j", "Next product", () => step(1), "ArrowRight"],
  ["k", "Product before", () => step(-1), "ArrowLeft"],
  ["/", "Search", () => $("#q").focus()],
  ["c", "Cart", () => (openCart(true), $("#cart .primary")?.focus())],
  ["v", "See this trace", () => (($("#order:not([hidden]) a[href^='/traces/']") ?? $("#last a"))?.click())],
);

drawCart();
route();
loadRates();
loadCategories();
await loadProducts();
loadAround();
const old = await attempt(() => api(`/api/shop/cart/${cartID}`));
if (old) show(old.body.cart, state.step);
