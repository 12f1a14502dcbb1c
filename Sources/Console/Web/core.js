// What every page has: building elements, speaking with the API, the live stream, keys, themes and numbers as text.

/** Builds an element. Properties beginning with `on` are listeners, `style` sets custom properties, null is left out. */
export function h(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same for SVG. */
export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value == null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else if (name === "text") element.textContent = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
}

export const $ = (selector, within = document) => within.querySelector(selector);

/** Changes the text only where it differs, so that screen readers and layout are left in peace. */
export function say(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

// Numbers

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
export const count = (number) => grouped.format(Math.round(number));
export const plural = (number, one, many = one + "s") => `${count(number)} ${number === 1 ? one : many}`;

/** Milliseconds with three digits that matter: 640 µs, 12.4 ms, 2.81 s. */
export function duration(ms) {
  if (ms == null) return "–";
  if (ms === 0) return "0 ms";
  if (ms < 1) return `${digits(ms * 1000)} µs`;
  if (ms < 1000) return `${digits(ms)} ms`;
  if (ms < 60000) return `${digits(ms / 1000)} s`;
  return age(ms / 1000);
}
const digits = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

/** Seconds in the two units that matter: 45 s, 3 min 20 s, 2 h 5 min. */
export function age(seconds) {
  if (seconds == null) return "–";
  const whole = Math.round(seconds);
  const [d, hours, minutes] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  if (d) return `${d} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  if (minutes) return `${minutes} min ${whole % 60} s`;
  return `${whole} s`;
}

export const percent = (ratio) => `${ratio > 0 && ratio < 0.1 ? (ratio * 100).toFixed(1) : Math.round(ratio * 100)} %`;
/** A point in time of the API's, whose nanoseconds a `Date` does not read. */
export const instant = (text) => new Date(text.slice(0, 23) + "Z");
export const clock = (date) => date.toLocaleTimeString("en-GB");
export const bytes = (n) => (n >= 1 << 30 ? `${(n / (1 << 30)).toFixed(1)} GB` : n >= 1 << 20 ? `${(n / (1 << 20)).toFixed(1)} MB` : `${count(n / 1024)} kB`);

// Services

const known = ["checkout", "product-catalog", "cart", "currency", "shipping", "recommendation", "ad", "load-generator", "console", "sync"];
const databases = ["sqlite", "postgresql", "redis"];

/** A service's colour as a CSS value; one that nobody knows takes one of the others' by its name. */
export function colour(service) {
  if (databases.includes(service)) return "var(--svc-database)";
  const name = known.includes(service) ? service : known[[...service].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) >>> 0, 7) % 8];
  return `var(--svc-${name})`;
}

/** A service's name beside its colour. */
export function tag(service) {
  return h("span", { class: databases.includes(service) ? "svc db" : "svc", style: { "--c": colour(service) } }, service);
}

// The API

export class Failure extends Error {
  constructor(status, body, traceID) {
    super(body?.error ?? `The answer was ${status}.`);
    Object.assign(this, { status, code: body?.code, traceID });
  }
}

let visit = sessionStorage.getItem("visit");
if (!visit) sessionStorage.setItem("visit", (visit = "web-" + crypto.getRandomValues(new Uint32Array(2)).join("")));
export const visitor = visit;

/**
 * Asks the console. A body makes it a POST. Where the admin token is needed a person is asked for it once.
 * @returns {Promise<{body: any, traceID: string?, took: number}>} @throws {Failure}
 */
export async function api(path, body, headers = {}) {
  const began = performance.now();
  const options = { headers: { baggage: `session.id=${visit}`, ...headers } };
  if (body !== undefined) {
    Object.assign(options, { method: "POST", body: JSON.stringify(body) });
    options.headers["content-type"] = "application/json";
    const token = sessionStorage.getItem("token");
    if (token) options.headers.authorization = `Bearer ${token}`;
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Failure(0, { error: "PopShop does not answer.", code: "unreachable" });
  }
  if (response.status === 401 && body !== undefined && (await askForToken())) return api(path, body, headers);
  const traceID = response.headers.get("traceresponse")?.split("-")[1] ?? null;
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Failure(response.status, answer, traceID);
  return { body: answer, traceID, took: performance.now() - began };
}

let asking = null;
function askForToken() {
  asking ??= new Promise((resolve) => {
    const input = h("input", { type: "password", id: "token", autocomplete: "off", required: true });
    const dialog = h("dialog", { "aria-labelledby": "token-title" },
      h("form", { method: "dialog", class: "stack" },
        h("h2", { id: "token-title" }, "Admin token"),
        h("p", {}, "This console is open to more than this machine, so changing the demo needs its token. It is kept in this tab only."),
        h("label", { class: "field", for: "token" }, "Token", input),
        h("div", { class: "row" }, h("button", { class: "primary", value: "use" }, "Use it"), h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"))));
    dialog.addEventListener("close", () => {
      const given = dialog.returnValue === "use" && input.value;
      if (given) sessionStorage.setItem("token", input.value);
      dialog.remove();
      asking = null;
      resolve(Boolean(given));
    });
    document.body.append(dialog);
    dialog.showModal();
  });
  return asking;
}

/** Runs what a person asked for; what goes wrong is told to them. */
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    notice(error.message);
    return null;
  }
}

let fading;
/** One sentence at the foot of the page, for a while. */
export function notice(text) {
  let box = $(".notice");
  if (!box) document.body.append((box = h("p", { class: "notice", role: "status" })));
  box.hidden = false;
  say(box, text);
  clearTimeout(fading);
  fading = setTimeout(() => (box.hidden = true), 6000);
}

// The live stream

const events = new Set(["status", "faults", "scenario", "traffic", "tiles", "trace"]);
const listeners = new Map();
const latest = new Map();
let heard = null;

/** Calls back with the data of each event of a name, and at once with the last one; `open` and `theme` have none. */
export function live(name, callback) {
  if (!listeners.has(name)) listeners.set(name, []);
  listeners.get(name).push(callback);
  if (latest.has(name)) callback(latest.get(name));
}

function deliver(event) {
  const data = JSON.parse(event.data);
  heard = new Date();
  if (event.type !== "trace") latest.set(event.type, data);
  for (const callback of listeners.get(event.type) ?? []) callback(data);
}

let source = null;
let waiting = 1000;
function connect() {
  source = new EventSource("/api/live");
  for (const name of events) source.addEventListener(name, deliver);
  source.onopen = () => {
    waiting = 1000;
    streamIs(true);
    for (const callback of listeners.get("open") ?? []) callback();
  };
  source.onerror = () => {
    streamIs(false);
    // A browser comes back by itself, but not after an answer that was no stream: then it is for us to try.
    if (source.readyState === EventSource.CLOSED) {
      setTimeout(watch, waiting);
      waiting = Math.min(waiting * 2, 15000);
    }
  };
}

function streamIs(there) {
  const pill = $("#stream");
  if (!pill) return;
  pill.dataset.state = there ? "good" : "bad";
  say(pill, there ? "Live" : "Not live");
  let bar = $(".gone");
  if (!there && !bar) {
    bar = h("p", { class: "gone", role: "alert" });
    $(".top").after(bar);
  }
  if (bar) {
    bar.hidden = there;
    if (!there) say(bar, heard ? `The live stream is gone: this is how it was at ${clock(heard)}. Reconnecting…` : "There is no live stream. Connecting…");
  }
}

// Keys, theme and frame

const shortcuts = [];
const everywhere = [
  ["g s", "Shop", () => (location.href = "/")],
  ["g t", "Traces", () => (location.href = "/traces")],
  ["g m", "Map", () => (location.href = "/map")],
  ["g c", "Control", () => (location.href = "/control")],
  ["g y", "Sync", () => (location.href = "/sync")],
  ["d", "Light or dark", () => toggleTheme()],
  ["?", "These keys", () => showKeys()],
];

/** Adds keys to the page: `[key, what it does, action, ...other keys for it]`. */
export function keys(...list) {
  shortcuts.push(...list);
}

let prefix = "";
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
  const typing = event.target.closest("input:not([type=range]):not([type=radio]):not([type=checkbox]), select, textarea");
  if (typing) {
    if (event.key === "Escape") typing.blur();
    return;
  }
  const pressed = prefix + event.key;
  prefix = event.key === "g" && !prefix ? "g " : "";
  const found = [...shortcuts, ...everywhere].find(([key, , , ...others]) => key === pressed || others.includes(pressed));
  // Enter and space are for what has the focus.
  if (!found || ((event.key === "Enter" || event.key === " ") && event.target.closest("a, button, summary"))) return;
  if (event.target.matches("input") && event.key.startsWith("Arrow")) return;
  if (found[2](event) !== false) event.preventDefault();
});

function showKeys() {
  const name = (key) => key.replace("Arrow", "").replace("Up", "↑").replace("Down", "↓").replace("Left", "←").replace("Right", "→").replace(/^ $/, "Space");
  const rows = [...shortcuts, ...everywhere].map(([key, what, , ...others]) => [
    h("span", { class: "row" }, [key, ...others].map((one) => h("kbd", {}, name(one)))),
    h("span", {}, what),
  ]);
  const dialog = h("dialog", { "aria-labelledby": "keys-title" }, h("h2", { id: "keys-title" }, "Keys"), h("div", { class: "keys" }, rows),
    h("form", { method: "dialog" }, h("button", { class: "primary" }, "Close")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function toggleTheme() {
  const dark = document.documentElement.dataset.theme !== "dark";
  localStorage.setItem("theme", dark ? "dark" : "light");
  applyTheme();
}

const prefersDark = matchMedia("(prefers-color-scheme: dark)");
function applyTheme() {
  document.documentElement.dataset.theme = localStorage.getItem("theme") ?? (prefersDark.matches ? "dark" : "light");
  for (const callback of listeners.get("theme") ?? []) callback();
}
prefersDark.addEventListener("change", applyTheme);
applyTheme();

const probe = h("i", { hidden: true });
/** A colour such as `var(--error)` as it is now, for what is painted on a canvas. */
export function paint(value) {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = value;
  return getComputedStyle(probe).color;
}

$("#theme")?.addEventListener("click", toggleTheme);
$("#help")?.addEventListener("click", showKeys);

const words = { disabled: "off", offline: "offline", idle: "all sent", draining: "sending", backing_off: "waiting to try again", blocked: "needs a person" };
/** A lane's state in a word or two. */
export const laneWords = (lane) => (lane.state === "idle" && lane.pending > 0 ? "about to send" : words[lane.state] ?? lane.state);

live("status", (status) => {
  const pill = $("#uplink");
  if (!pill) return;
  const waits = status.orders.pending * (status.orders.state !== "disabled") + status.spans.pending * (status.spans.state !== "disabled");
  const off = status.network.switched_off;
  const nowhere = status.orders.state === "disabled" && status.spans.state === "disabled";
  const blocked = [status.orders, status.spans].some((lane) => lane.state === "blocked");
  pill.dataset.state = blocked ? "bad" : off || !status.network.online ? "slow" : nowhere ? "" : "good";
  say(pill, (off ? "Unplugged" : nowhere ? "No upstream" : blocked ? "Blocked" : status.network.online ? "Online" : "Offline") + (waits && !nowhere ? ` · ${count(waits)} waiting` : ""));
});

// A browser has six connections to an origin: tabs that nobody sees give theirs back.
function watch() {
  const seen = document.visibilityState === "visible";
  if (seen && (!source || source.readyState === EventSource.CLOSED)) connect();
  if (!seen) source?.close();
}
document.addEventListener("visibilitychange", watch);
addEventListener("pagehide", () => source?.close());
addEventListener("pageshow", (event) => event.persisted && watch());
watch();
