"""page_script: what the page can do with a script: a theme button, and learning curves that answer to the reader.

The page is complete without it. It is written without the signs of less-than and ampersand, so that the page stays XML.
"""

SCRIPT = """
"use strict";
(() => {
const NS = "http://www.w3.org/2000/svg", root = document.documentElement;
const make = (name, parent, text) => {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  parent.append(e);
  return e;
};
const draw = (name, parent, attributes) => {
  const e = document.createElementNS(NS, name);
  Object.entries(attributes).forEach(([key, value]) => e.setAttribute(key, value));
  parent.append(e);
  return e;
};

const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => root.dataset.theme || (dark.matches ? "dark" : "light");
const button = make("button", document.querySelector("header"));
button.type = "button";
button.className = "theme";
const name = () => { button.textContent = theme() === "dark" ? "Light page" : "Dark page"; };
button.addEventListener("click", () => { root.dataset.theme = theme() === "dark" ? "light" : "dark"; name(); });
dark.addEventListener("change", name);
name();

const host = document.querySelector("[data-curves]");
if (!host) return;
const data = JSON.parse(host.dataset.curves);
const state = {x: "epochs", logx: data.logx, logy: data.logy, hidden: new Set(), at: null};
const [still, narrow] = host.children;
const controls = make("div", host), chart = make("div", host), reading = make("p", host);
controls.className = "controls";
reading.className = "reading";
reading.setAttribute("aria-live", "polite");
still.classList.add("printed");
chart.className = "drawn";
narrow.remove();

const choice = (label, values, get, set) => {
  const select = make("select", make("label", controls, label + " "));
  values.forEach(([value, text]) => { make("option", select, text).value = value; });
  select.value = get();
  select.addEventListener("change", () => { set(select.value); state.at = null; paint(); });
};
const scales = [["log", "logarithmic"], ["linear", "linear"]];
const smallest = Math.min(...data.curves.flatMap(c => (c.seconds || []).filter(v => v > 0)));
const ways = {
  epochs: {title: "epochs", unit: 1, of: c => c.epochs, whole: true},
  seconds: {title: "seconds of training", unit: smallest, of: c => c.seconds, whole: false},
  gradients: {title: "gradients of rows", unit: data.rows, of: c => c.epochs.map(e => e * data.rows), whole: true},
};
if (!data.curves.every(c => c.seconds) || smallest === Infinity) delete ways.seconds;
choice("across:", Object.entries(ways).map(([key, way]) => [key, way.title]), () => state.x, v => { state.x = v; });
choice("scale:", scales, () => state.logx ? "log" : "linear", v => { state.logx = v === "log"; });
choice("loss:", scales, () => state.logy ? "log" : "linear", v => { state.logy = v === "log"; });
data.curves.forEach(c => {
  const label = make("label", controls), box = make("input", label);
  box.type = "checkbox";
  box.checked = true;
  draw("rect", draw("svg", label, {width: 14, height: 10, "aria-hidden": "true"}), {width: 12, height: 4, y: 3, fill: c.colour});
  label.append(" " + c.name);
  box.addEventListener("change", () => {
    if (box.checked) state.hidden.delete(c.name); else state.hidden.add(c.name);
    paint();
  });
});

const short = v => {
  const size = Math.abs(v);
  const far = size >= 1e5 ? true : size === 0 ? false : 1e-3 > size;
  return far ? v.toExponential(1).replace("e+", "e") : String(Number(v.toPrecision(4)));
};
const ticks = (low, high, log) => {
  const found = [];
  if (log) {
    let power = Math.floor(Math.log10(low));
    while (Math.log10(high) >= power) {
      [1, 2, 5].forEach(k => { const v = k * 10 ** power; if (v >= low) if (high >= v) found.push(v); });
      power += 1;
    }
    const decades = found.filter(v => Math.abs(Math.log10(v) - Math.round(Math.log10(v))) === 0);
    return found.length > 8 ? decades.length > 1 ? decades : found.slice(0, 6) : found;
  }
  const raw = (high - low) / 5 || 1, unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map(k => k * unit).find(s => s >= raw);
  let v = Math.ceil(low / step) * step;
  while (high >= v) { found.push(v); v += step; }
  return found;
};
const axis = (low, high, start, end, log) => {
  const of = v => log ? Math.log10(v) : v, a = of(low), span = of(high) - a || 1;
  return v => start + (of(v) - a) / span * (end - start);
};

let seen = null;
const paint = () => {
  chart.replaceChildren();
  const width = Math.max(host.clientWidth, 280), height = 380, left = 58, right = 16, top = 26, bottom = 46;
  const way = ways[state.x], shift = state.logx ? way.unit : 0;
  const shown = data.curves.filter(c => !state.hidden.has(c.name));
  const across = shown.flatMap(c => way.of(c).map(v => v + shift));
  const starts = shown.map(c => Math.abs(c.loss[0] || 0)), limit = 10 * Math.max(...starts, 1e-300);
  const losses = shown.flatMap(c => [...c.loss, ...(c.held_out || [])]).filter(v => v === null ? false : limit >= v)
    .filter(v => state.logy ? v > 0 : true);
  const svg = draw("svg", chart, {width, height, viewBox: `0 0 ${width} ${height}`, role: "img", tabindex: 0,
    "aria-label": "Loss of each variant; the arrow keys move along it"});
  if (!losses.length) { reading.textContent = "Nothing is shown."; return; }
  const lowx = Math.min(...across), highx = Math.max(...across), lowy = Math.min(...losses), highy = Math.max(...losses);
  const x = axis(lowx, highx, left, width - right, state.logx);
  const room = state.logy ? (highy / lowy) ** 0.04 : 0.04 * (highy - lowy) || 1;
  const y0 = state.logy ? lowy / room : lowy - room, y1 = state.logy ? highy * room : highy + room;
  const y = axis(y0, y1, height - bottom, top, state.logy);
  const text = (value, a, b, anchor) => {
    draw("text", svg, {x: a, y: b, "text-anchor": anchor, "font-size": 11, fill: "currentColor"}).textContent = value;
  };
  ticks(y0, y1, state.logy).forEach(v => {
    draw("line", svg, {x1: left, x2: width - right, y1: y(v), y2: y(v), stroke: "currentColor", "stroke-opacity": 0.16});
    text(short(v), left - 8, y(v) + 3.5, "end");
  });
  let last = -1e9;
  const whole = state.logx ? [0, ...ticks(way.unit, Math.max(highx - shift, way.unit), true)] : ticks(lowx, highx, false);
  whole.forEach(v => {
    const at = x(v + shift);
    if (at - last > 48) { text(short(v), at, height - bottom + 17, "middle"); last = at; }
  });
  text("loss", left, top - 10, "start");
  text(way.title, (left + width - right) / 2, height - bottom + 34, "middle");
  const inside = draw("svg", svg, {x: left, y: top, width: width - right - left, height: height - bottom - top});
  const line = (c, values, attributes) => {
    const places = way.of(c);
    let points = [];
    const flush = () => {
      if (points.length) draw("polyline", inside, {points: points.join(" "), fill: "none", stroke: c.colour, ...attributes});
      points = [];
    };
    values.forEach((v, k) => {
      if (v === null ? true : state.logy ? 0 >= v : false) { flush(); return; }
      points.push(`${(x(places[k] + shift) - left).toFixed(1)},${(Math.max(y(v), -2000) - top).toFixed(1)}`);
    });
    flush();
  };
  shown.forEach(c => {
    if (c.held_out) line(c, c.held_out, {"stroke-dasharray": c.dash, "stroke-width": 1.1});
    line(c, c.loss, {"stroke-width": 1.8});
  });
  const cursor = draw("line", svg, {y1: top, y2: height - bottom, stroke: "currentColor", "stroke-opacity": 0});
  const read = at => {
    state.at = Math.min(Math.max(at, left), width - right);
    cursor.setAttribute("x1", state.at);
    cursor.setAttribute("x2", state.at);
    cursor.setAttribute("stroke-opacity", 0.5);
    const part = (state.at - left) / (width - right - left);
    const exact = (state.logx ? lowx * (highx / lowx) ** part : lowx + part * (highx - lowx)) - shift;
    const value = way.whole ? Math.round(exact) : exact;
    const says = shown.map(c => {
      const places = way.of(c);
      let k = places.length - 1;
      while (k > 0 ? places[k] > value : false) k -= 1;
      const held = c.held_out ? c.held_out[k] : null;
      const own = c.loss[k] === null ? "not finite" : short(c.loss[k]);
      return `${c.name} ${own}` + (held === null ? "" : ` (${data.held_out} ${short(held)})`);
    });
    reading.textContent = `${short(value)} ${state.x}: ${says.join(" · ")}`;
  };
  svg.addEventListener("pointermove", e => read((e.clientX - svg.getBoundingClientRect().left) / svg.clientWidth * width));
  svg.addEventListener("keydown", e => {
    const step = e.key === "ArrowRight" ? 1 : e.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    e.preventDefault();
    read((state.at === null ? left : state.at) + step * (width - left - right) / 50);
  });
  if (state.at === null) { reading.textContent = "Point at the chart, or move along it with the arrow keys, to read values."; }
  else read(state.at);
  seen = host.clientWidth;
};
paint();
new ResizeObserver(() => { if (host.clientWidth !== seen) paint(); }).observe(host);
})();
"""
