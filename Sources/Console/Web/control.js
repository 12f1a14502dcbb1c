// The presenter's desk: what goes on, and everything that can be made to go wrong.
import { $, age, api, attempt, clock, count, duration, h, instant, keys, laneWords, live, notice, percent, plural, say, tag } from "./core.js";
import { isSlow, slow, sparkline } from "./charts.js";

// Tiles

const length = 90;
/** Kept while the tab goes to other pages and back: the seconds between are a gap. */
const history = new Map(recall());
function recall() {
  const { at, values } = JSON.parse(sessionStorage.getItem("tiles") ?? "{}");
  const missed = Math.round((Date.now() - at) / 1000);
  return missed >= 0 && missed < length ? values.map(([name, kept]) => [name, [...kept.slice(missed), ...Array(missed).fill(null)]]) : [];
}
addEventListener("pagehide", () => sessionStorage.setItem("tiles", JSON.stringify({ at: Date.now(), values: [...history] })));
function remember(name, value) {
  if (!history.has(name)) history.set(name, Array(length).fill(null));
  const values = history.get(name);
  values.push(value);
  values.shift();
  return values;
}

const tiles = new Map();
function tile(key, name, value, unit, values, { kind = "", most, note = "" } = {}) {
  let box = tiles.get(key);
  if (!box) {
    box = h("article", { class: "tile card" }, h("h2", {}, name), h("p", { class: "figure" }), h("p", { class: "muted small note" }), h("div", { class: "line" }));
    tiles.set(key, box);
    $("#tiles").append(box);
  }
  box.dataset.kind = kind;
  $(".figure", box).replaceChildren(value, h("small", {}, unit));
  say($(".note", box), note);
  $(".line", box).replaceChildren(sparkline(values, { most }));
}

live("tiles", (now) => {
  const [number, unit] = duration(now.p95_ms).split(" ");
  tile("rpm", "Requests a minute", count(now.requests_per_minute), "", remember("rpm", now.requests_per_minute), { note: "of shoppers, last minute" });
  tile("p95", "p95", number, ` ${unit}`, remember("p95", now.p95_ms), { kind: now.p95_ms >= slow ? "slow" : "", note: "as a shopper waits" });
  tile("errors", "Failed", percent(now.error_rate).replace(" %", ""), " %", remember("errors", now.error_rate), { kind: now.error_rate > 0.01 ? "bad" : "", most: Math.max(0.05, ...history.get("errors") ?? [0]), note: "of shoppers' requests" });
  for (const { name, pool } of now.services) {
    if (!pool) continue;
    const full = pool.active_connections >= pool.max_connections;
    tile(`pool-${name}`, `Pool of ${name}`, `${pool.active_connections}`, ` of ${pool.max_connections}`, remember(`pool-${name}`, pool.active_connections),
      { kind: full || pool.waiting ? "bad" : "", most: pool.max_connections, note: pool.waiting ? `${count(pool.waiting)} waiting` : "nobody waits" });
  }
  const down = now.services.filter((one) => !one.healthy).map((one) => one.name);
  tile("health", "Services", `${now.services.length - down.length}`, ` of ${now.services.length} healthy`, remember("health", now.services.length - down.length), { kind: down.length ? "bad" : "", most: now.services.length, note: down.length ? `not: ${down.join(", ")}` : "all can do their job" });
});

// Traffic: the slider's scale is logarithmic, with nothing at its left end.

const [most, ends] = [3000, 100];
const toRPM = (position) => (position <= 0 ? 0 : Math.round(3 * (most / 3) ** ((position - 1) / (ends - 1))));
const toPosition = (rpm) => (rpm <= 0 ? 0 : Math.round(1 + ((ends - 1) * Math.log(rpm / 3)) / Math.log(most / 3)));
const slider = $("#traffic");
let dragging = false;

function showTraffic(rpm) {
  say($("#rpm"), rpm ? `${count(rpm)} a minute` : "none");
  slider.setAttribute("aria-valuetext", rpm ? `${count(rpm)} a minute` : "none");
  slider.style.setProperty("--fill", `${slider.value}%`);
}
slider.addEventListener("input", () => ((dragging = true), showTraffic(toRPM(slider.valueAsNumber))));
slider.addEventListener("change", async () => {
  const answer = await attempt(() => api("/api/traffic", { requests_per_minute: toRPM(slider.valueAsNumber) }));
  dragging = false;
  if (answer) traffic(answer.body);
});
function traffic({ requests_per_minute: rpm }) {
  if (dragging) return;
  if (toRPM(slider.valueAsNumber) !== rpm) slider.value = String(toPosition(rpm));
  showTraffic(rpm);
}
live("traffic", traffic);

$("#mode").addEventListener("click", async (event) => {
  const { mode } = event.target.dataset;
  const answer = mode && (await attempt(() => api("/api/mode", { mode })));
  if (answer) showMode(answer.body.mode);
});
function showMode(mode) {
  for (const button of $("#mode").children) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
}

// Faults: a card each is made once, and then only changed, so that a slider under a finger stays there.

const cards = new Map();
live("faults", ({ mode, faults }) => {
  showMode(mode);
  for (const fault of faults) {
    if (!cards.has(fault.name)) cards.set(fault.name, new FaultCard(fault));
    cards.get(fault.name).show(fault);
  }
  const on = faults.filter((fault) => fault.on);
  say($("#faults-note"), on.length ? `${plural(on.length, "fault")} on: ${on.map((fault) => fault.title.toLowerCase()).join(", ")}.` : "Each is real: slow statements sleep in the database, an exhausted pool is leased out.");
});

class FaultCard {
  /** What was chosen while the fault is off: it counts once it is switched on. */
  chosen = {};

  constructor(fault) {
    this.fault = fault;
    this.switch = h("button", { class: "switch hot", role: "switch", "aria-checked": "false", onclick: () => this.set(!this.fault.on) }, fault.title);
    this.value = h("output", {});
    this.range = h("input", { type: "range", oninput: () => ((this.held = true), this.showStrength()), onchange: () => this.choose({ ...this.chosen, strength: this.strength }) });
    this.dial = h("div", { class: "strength" }, this.range, this.value);
    this.effect = h("p", { class: "effect small" });
    this.pill = h("span", { class: "pill plain", hidden: true });
    this.options = fault.options.length > 1 && h("div", { class: "group", role: "group", "aria-label": `How: ${fault.title}`, onclick: (event) => event.target.dataset.option && this.choose({ option: event.target.dataset.option }) },
      fault.options.map((option) => h("button", { "data-option": option }, option)));
    this.box = h("li", { class: "fault card" }, h("div", { class: "spread" }, this.switch, this.pill), h("p", {}, fault.what_to_see), h("p", { class: "row small" }, fault.services.map(tag)), this.options, this.dial, this.effect);
    $("#faults").append(this.box);
  }

  choose(chosen) {
    this.chosen = chosen;
    if (this.fault.on) this.set(true);
    else this.held = false;
    this.show(this.fault);
  }

  async set(on) {
    const answer = await attempt(() => api("/api/faults", { name: this.fault.name, on, ...(on ? this.chosen : {}) }));
    this.held = false;
    if (!answer) return;
    this.chosen = {};
    this.show(answer.body);
  }

  get strength() {
    return Math.max(this.fault.strength.minimum, this.range.valueAsNumber);
  }

  showStrength() {
    const { unit } = this.fault.strength;
    const text = unit === "ms" ? duration(this.strength) : unit === "percent" || unit === "%" ? `${this.strength} %` : unit === "product" ? `product ${this.strength}` : `${count(this.strength)} ${unit}`;
    say(this.value, text);
    this.range.setAttribute("aria-valuetext", text);
    this.range.style.setProperty("--fill", `${((this.range.valueAsNumber - this.range.min) / (this.range.max - this.range.min)) * 100}%`);
  }

  show(fault) {
    this.fault = fault;
    const { strength, on } = fault;
    const option = this.chosen.option ?? fault.option;
    this.switch.setAttribute("aria-checked", String(on));
    this.box.classList.toggle("on", on);
    for (const button of this.options ? this.options.children : []) button.setAttribute("aria-pressed", String(button.dataset.option === option));
    // Another way of going wrong has another scale, which is only known once it is on.
    this.dial.hidden = !strength || option !== fault.option;
    if (strength && !this.held) {
      const most = strength.unit === "product" ? 21 : strength.maximum;
      Object.assign(this.range, { min: most > 500 ? 0 : strength.minimum, max: most, step: most > 100000 ? 10000 : most > 500 ? 50 : 1 });
      this.range.setAttribute("aria-label", `Strength of ${fault.title}, ${strength.unit}`);
      this.range.value = String(this.chosen.strength ?? fault.current_strength ?? strength.default);
      this.showStrength();
    }
    const words = [fault.set_by === "mode" ? "by the mode" : fault.set_by === "scenario" ? "by the scenario" : null, fault.seconds_left != null ? `${age(fault.seconds_left)} left` : null].filter(Boolean).join(" · ");
    this.pill.hidden = !on || !words;
    say(this.pill, words);
    const { requests, milliseconds, errors } = fault.observed;
    say(this.effect, requests || errors ? `Last minute: ${plural(requests, "request")} hit${milliseconds ? `, ${duration(milliseconds)} added` : ""}${errors ? `, ${plural(errors, "error")}` : ""}` : on ? "Nothing has met it yet" : "");
  }
}

// Scenario

let scenarios = [];
let status = null;
let timed = 0;

async function loadScenarios() {
  const answer = await attempt(() => api("/api/scenarios"));
  if (!answer) return;
  ({ scenarios } = answer.body);
  showScenario(answer.body.status);
}

async function tell(action, what = {}) {
  const answer = await attempt(() => api("/api/scenario", { action, ...what }));
  if (answer) showScenario(answer.body);
}

let drawn = "";
function showScenario(now) {
  status = now;
  timed = performance.now();
  const shape = JSON.stringify([scenarios.map((one) => one.name), now.running, now.paused, now.scenario, now.phase]);
  if (shape !== drawn) {
    drawn = shape;
    drawScenario(now);
  }
  const bar = $("#progress");
  if (!bar) return;
  const ratio = Math.min(1, now.elapsed_seconds / Math.max(1, now.duration_seconds));
  bar.style.setProperty("--at", `${ratio * 100}%`);
  bar.setAttribute("aria-valuenow", Math.round(ratio * 100));
  drawMinutes(now.minutes ?? []);
  say($("#elapsed"), `${age(now.elapsed_seconds)} of ${age(now.duration_seconds)}`);
  say($("#running"), `${count(now.current_rpm)} a minute now · ${count(now.requests_sent)} sent · p95 ${duration(now.p95_ms)} · ${now.checkouts_attempted ? percent(now.checkouts_failed / now.checkouts_attempted) : "0 %"} of ${plural(now.checkouts_attempted, "checkout")} failed${now.last_error ? ` · ${now.last_error}` : ""}`);
}

/** What happened in each of the scenario's minutes: journeys, and those of them that failed. */
function drawMinutes(minutes) {
  const one = scenarios.find((scenario) => scenario.name === status.scenario);
  const most = Math.max(1, ...minutes.map((minute) => minute.requests));
  const at = new Map(minutes.map((minute) => [minute.minute, minute]));
  $("#minutes").replaceChildren(...Array.from({ length: Math.ceil(one?.duration_minutes ?? 0) }, (_, minute) => {
    const { requests = 0, errors = 0 } = at.get(minute) ?? {};
    return h("i", { title: requests ? `minute ${minute}: ${plural(requests, "journey")}, ${errors} failed` : null, style: { "--h": `${(requests / most) * 100}%`, "--e": `${requests ? (errors / requests) * 100 : 0}%` } });
  }));
}

function drawScenario(now) {
  const one = scenarios.find((scenario) => scenario.name === now.scenario);
  if (!now.running || !one) {
    $("#scenario-buttons").replaceChildren();
    const minutes = (scenario) => h("input", { type: "number", min: 0.5, max: 1440, step: "any", value: scenario.duration_minutes, "aria-label": `Minutes of ${scenario.title}` });
    $("#scenario-body").replaceChildren(...scenarios.map((scenario) => {
      const field = minutes(scenario);
      return h("div", { class: "play" }, h("div", {}, h("h3", {}, scenario.title), h("p", { class: "muted" }, scenario.description)), h("label", { class: "row small muted" }, field, "minutes"),
        h("button", { class: "primary", "aria-label": `Start ${scenario.title}`, onclick: () => tell("start", { scenario: scenario.name, duration_minutes: field.valueAsNumber || scenario.duration_minutes, peak_rpm: Math.round(scenario.peak_rpm) }) }, "Start"));
    }));
    if (!scenarios.length) $("#scenario-body").replaceChildren(h("p", { class: "empty" }, "There is no scenario."));
    return;
  }
  $("#scenario-buttons").replaceChildren(h("button", { onclick: () => tell(now.paused ? "resume" : "pause") }, now.paused ? "Go on" : "Pause"), h("button", { onclick: () => tell("stop") }, "Stop"));
  $("#scenario-body").replaceChildren(
    h("div", { class: "spread" }, h("h3", {}, one.title, now.paused && " · paused"), h("span", { class: "muted", id: "elapsed" })),
    h("div", { class: "phases", id: "progress", role: "progressbar", "aria-label": `${one.title}, phase ${now.phase}`, "aria-valuemin": 0, "aria-valuemax": 100 },
      one.phases.map((phase) => h("button", { class: "phase", "aria-current": phase.name === now.phase ? "step" : null, "aria-label": `Jump to ${phase.name}`, style: { "flex-grow": phase.to - phase.from }, onclick: () => tell("jump", { phase: phase.name }) }, phase.name))),
    h("div", { class: "minutes", id: "minutes", "aria-hidden": "true" }),
    h("p", { class: "talk", role: "status" }, now.talking_point ?? ""),
    h("p", { class: "muted", id: "running" }));
}
live("scenario", (event) => showScenario(event.status));

// What the faults have done: the last traces that one would open, of either kind, for in a slow shop few of the slow fail.

const fitting = 2;
const box = $("#notable");
let notable = [];

async function loadNotable() {
  const answers = await attempt(() => Promise.all(["error=true", `min_duration_ms=${slow}`].map((filter) => api(`/api/traces?${filter}&limit=20`))));
  if (answers) note(answers.flatMap((answer) => answer.body.traces));
}

function note(traces) {
  const worth = traces.filter((trace) => trace.rooted && (trace.error || isSlow(trace)));
  if (!worth.length) return;
  const all = [...new Map([...notable, ...worth].map((trace) => [trace.trace_id, trace])).values()].sort((one, other) => (one.start_time < other.start_time ? 1 : -1));
  notable = [true, false].flatMap((failed) => all.filter((trace) => trace.error === failed).slice(0, fitting));
  drawNotable();
}

/** Not under a finger or a pointer: what one is about to open stays where it is. */
function drawNotable() {
  if (box.matches(":hover") || box.contains(document.activeElement)) return;
  $("#nothing-notable").hidden = notable.length > 0;
  box.replaceChildren(...notable.map((trace) => h("li", {},
    h("a", { href: `/traces/${trace.trace_id}`, class: trace.error ? "bad" : "slow" },
      h("time", { datetime: trace.start_time }, clock(instant(trace.start_time))), h("b", {}, trace.root_name), h("span", {}, trace.error ? "failed" : "slow"), h("span", { class: "num" }, duration(trace.duration_ms))))));
}
for (const end of ["pointerleave", "focusout"]) box.addEventListener(end, () => setTimeout(drawNotable));
live("trace", (trace) => note([trace]));

// Everything

$("#reset").addEventListener("click", async () => {
  const answer = await attempt(() => api("/api/reset", {}));
  if (!answer) return;
  const { mode, status, traffic: rate } = answer.body;
  showMode(mode);
  showScenario(status);
  traffic(rate);
  notice("Everything is as it was at the start: no faults, no scenario, the network on.");
});
live("status", (now) => say($("#sync-line"), `orders ${laneWords(now.orders)}, spans ${laneWords(now.spans)}`));

function faultSwitch(by) {
  const all = [...document.querySelectorAll("#faults [role=switch]")];
  const at = all.indexOf(document.activeElement.closest(".fault")?.querySelector("[role=switch]"));
  all[at < 0 ? 0 : (at + by + all.length) % all.length]?.focus();
}
keys(
  ["j", "Next fault", () => faultSwitch(1), "ArrowDown"],
  ["k", "Fault before", () => faultSwitch(-1), "ArrowUp"],
  [" ", "Switch it on or off", () => false],
  ["t", "Traffic", () => slider.focus()],
  ["p", "Pause the scenario, or go on", () => status?.running && tell(status.paused ? "resume" : "pause")],
  ["R", "Reset everything", () => $("#reset").click()],
);
function load() {
  loadScenarios();
  loadNotable();
}
load();
live("open", load);
