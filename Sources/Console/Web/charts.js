// Pictures of numbers: sparklines as SVG, durations over time on a canvas.
import { clock, duration, paint, svg } from "./core.js";

/** A line of the last values, from 0 up; null is a gap. */
export function sparkline(values, { most } = {}) {
  const [width, height] = [200, 44];
  const top = most ?? Math.max(1e-9, ...values.filter((value) => value != null));
  const step = width / Math.max(1, values.length - 1);
  let [path, open] = ["", false];
  values.forEach((value, index) => {
    if (value == null) return (open = false);
    path += `${open ? "L" : "M"}${(index * step).toFixed(1)} ${(height - 3 - (Math.min(value, top) / top) * (height - 6)).toFixed(1)}`;
    open = true;
  });
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", class: "spark", "aria-hidden": "true" },
    svg("path", { d: path, fill: "none", stroke: "currentColor", "stroke-width": 2.5, "stroke-linejoin": "round", "vector-effect": "non-scaling-stroke" }));
}

/** What is slow enough to stand out, in milliseconds. */
export const slow = 1000;
export const isSlow = (trace) => trace.duration_ms >= slow;

/** Durations over time on a logarithmic scale. Slow ones are large, failed ones are crosses: told apart without colour. */
export class Scatter {
  constructor(canvas, { onPick, onHover }) {
    this.canvas = canvas;
    this.points = [];
    this.marked = null;
    canvas.addEventListener("click", (event) => this.#near(event, onPick));
    canvas.addEventListener("mousemove", (event) => {
      const found = this.#near(event, onHover);
      canvas.style.cursor = found ? "pointer" : "default";
    });
    canvas.addEventListener("mouseleave", () => onHover(null));
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** @param traces Rows of the list, in any order. */
  set(traces) {
    this.traces = traces;
    this.#schedule();
  }

  mark(id) {
    this.marked = id;
    this.#schedule();
  }

  #schedule() {
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      this.draw();
    });
  }

  #near(event, callback) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let [found, least] = [null, 18 ** 2];
    for (const point of this.points) {
      const far = (point.x - x) ** 2 + (point.y - y) ** 2;
      if (far < least) [found, least] = [point, far];
    }
    callback(found?.trace ?? null, found);
    return found;
  }

  draw() {
    const traces = this.traces ?? [];
    const { canvas } = this;
    const [width, height, scale] = [canvas.clientWidth, canvas.clientHeight, devicePixelRatio];
    if (!width) return;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const to = canvas.getContext("2d");
    to.scale(scale, scale);
    const em = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const [left, right, top, bottom] = [em * 3.4, width - em, em * 0.8, height - em * 1.7];
    const [ink, line, fine, late, failed] = ["var(--muted)", "var(--line)", "var(--svc-product-catalog)", "var(--slow)", "var(--error)"].map(paint);
    to.font = `${em * 0.8}px system-ui, sans-serif`;
    const now = Date.now();
    const first = traces.reduce((least, one) => Math.min(least, one.at), now);
    const span = Math.max(60e3, now - first) * 1.02;
    const longest = traces.reduce((most, one) => Math.max(most, one.duration_ms), 3000);
    const [low, high] = [0, Math.log10(Math.max(10e3, longest * 1.3))];
    const x = (time) => right - ((now - time) / span) * (right - left);
    const y = (ms) => bottom - ((Math.log10(Math.max(1, ms)) - low) / (high - low)) * (bottom - top);
    to.lineWidth = 1;
    to.textBaseline = "middle";
    for (let ms = 1; ms <= 10 ** high; ms *= 10) {
      to.strokeStyle = line;
      to.setLineDash(ms === slow ? [6, 5] : []);
      if (ms === slow) to.strokeStyle = late;
      to.beginPath();
      to.moveTo(left, y(ms));
      to.lineTo(right, y(ms));
      to.stroke();
      to.fillStyle = ink;
      to.textAlign = "right";
      to.fillText(ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`, left - em * 0.5, y(ms));
    }
    to.setLineDash([]);
    to.textAlign = "center";
    to.textBaseline = "alphabetic";
    const every = [15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400].find((s) => span / 1000 / s < Math.max(2, (right - left) / (em * 8))) ?? 86400;
    for (let time = Math.floor(now / 1000 / every) * every * 1000; time > now - span; time -= every * 1000) {
      if (x(time) > left + em * 2 && x(time) < right - em) to.fillText(clock(new Date(time)).slice(0, every < 60 ? 8 : 5), x(time), height - em * 0.4);
    }
    this.points = traces.filter((one) => one.at > now - span).map((trace) => ({ trace, x: x(trace.at), y: y(trace.duration_ms) }));
    const order = (point) => (point.trace.error ? 2 : isSlow(point.trace) ? 1 : 0);
    const size = em / 18;
    for (const point of this.points.toSorted((one, other) => order(one) - order(other))) {
      to.globalAlpha = order(point) ? 0.95 : 0.55;
      to.beginPath();
      if (point.trace.error) {
        to.strokeStyle = failed;
        to.lineWidth = 3.2 * size;
        const r = 6 * size;
        to.moveTo(point.x - r, point.y - r);
        to.lineTo(point.x + r, point.y + r);
        to.moveTo(point.x + r, point.y - r);
        to.lineTo(point.x - r, point.y + r);
        to.stroke();
      } else {
        to.fillStyle = isSlow(point.trace) ? late : fine;
        to.arc(point.x, point.y, (isSlow(point.trace) ? 7 : 4) * size, 0, 7);
        to.fill();
      }
      if (point.trace.trace_id === this.marked) {
        to.globalAlpha = 1;
        to.strokeStyle = paint("var(--ink)");
        to.lineWidth = 2.5;
        to.beginPath();
        to.arc(point.x, point.y, 12 * size, 0, 7);
        to.stroke();
      }
    }
    to.globalAlpha = 1;
  }
}

/** What a scatter shows, in a sentence. */
export function summary(traces) {
  if (!traces.length) return "No traces yet";
  const sorted = traces.map((one) => one.duration_ms).sort((one, other) => one - other);
  const [late, failed] = [traces.filter(isSlow).length, traces.filter((one) => one.error).length];
  const name = traces.length === 1 ? "1 trace" : `${traces.length} traces`;
  return `${name}: half within ${duration(sorted[sorted.length >> 1])}, p95 ${duration(sorted[Math.ceil(sorted.length * 0.95) - 1])}, slowest ${duration(sorted.at(-1))}, ${late} slow, ${failed} failed`;
}
