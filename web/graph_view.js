// The units of a run as a graph, drawn as SVG. Only what can be seen is in the document.

import { h, setAttribute, setText, shown } from "./dom.js";
import { count, rate, share, short } from "./format.js";
import { layOut } from "./graph_layout.js";
import { GraphOverview } from "./graph_overview.js";
import { markOf } from "./states.js";

const size = { width: 190, height: 76, across: 76, down: 20 };
const margin = 14;
const zooms = [0.003, 0.01, 0.02, 0.05, 0.1, 0.18, 0.3, 0.45, 0.6, 0.8, 1, 1.25, 1.6];
const mostMoving = 80;
/** Below it names can't be read. */
const readable = 0.4;

const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** What a screen reader says of a unit. */
function spoken(unit) {
  return [shown(unit.name), `${shown(unit.component)} ${unit.role}`, unit.state, unit.rows > 0 ? `${count(unit.rows)} rows` : "",
    rate(unit.rate), unit.heldBack > 0.01 ? `held back ${share(unit.heldBack)} of the time` : "", unit.bottleneck ? "slows others down" : "",
    unit.counters.rejected > 0 ? `${count(unit.counters.rejected)} rejected` : ""].filter(Boolean).join(", ");
}

/** How much back-pressure a unit feels, in words that the style sheet has colours for. */
export function pressureOf(unit) {
  if (unit.bottleneck) return "bottleneck";
  if (!(unit.heldBack > 0.05)) return "none";
  return unit.heldBack > 0.5 ? "high" : "some";
}

/** `choose(index)` is called for the unit that somebody picks. */
export class GraphView {
  constructor(choose) {
    this.choose = choose;
    this.units = [];
    this.zoom = 1;
    this.chosen = -1;
    this.drawn = new Map();
    this.drawnLines = new Map();
    this.lineGroup = h("g", { class: "lines", "aria-hidden": "true" });
    this.unitGroup = h("g", { class: "all-units" });
    this.overview = new GraphOverview(size, pressureOf);
    this.svg = h("svg", { role: "group", keydown: (event) => this.onKey(event), click: (event) => this.onClick(event) },
      this.overview.element, this.lineGroup, this.unitGroup);
    this.frame = h("div", { class: "frame", scroll: () => this.drawSoon() }, this.svg);
    this.zoomText = h("output", { class: "dim", "aria-live": "off" });
    this.sizes = h("div", { class: "zoom", role: "group", "aria-label": "Size of the graph" },
      h("button", { type: "button", "aria-label": "Smaller", click: () => this.step(-1) }, "−"),
      this.zoomText,
      h("button", { type: "button", "aria-label": "Larger", click: () => this.step(1) }, "+"),
      h("button", { type: "button", click: () => this.fit() }, "All"));
    this.element = h("div", { class: "graph" }, this.frame);
    this.resized = new ResizeObserver(() => this.drawSoon());
    this.resized.observe(this.frame);
  }

  dispose() {
    this.resized.disconnect();
  }

  /** Other units, or other edges between them. */
  set(units, edges) {
    this.units = units;
    this.edges = edges;
    this.layout = layOut(units.length, edges, size);
    this.reaches = this.layout.lines.map((points) => {
      const heights = points.map((point) => point.y);
      return { left: points[0].x, right: points.at(-1).x, top: Math.min(...heights), bottom: Math.max(...heights) };
    });
    this.overview.clear();
    this.overview.set(this.layout);
    this.forget(this.drawn, (drawn) => drawn.element);
    this.forget(this.drawnLines, (line) => line);
    setAttribute(this.svg, "aria-label", `Graph of ${units.length} units: rows flow from left to right. The arrow keys move between them.`);
    this.fresh = true;
    this.drawSoon();
  }

  forget(drawn, elementOf) {
    for (const each of drawn.values()) elementOf(each).remove();
    drawn.clear();
  }

  /** The numbers of the units have changed. */
  update() {
    this.drawSoon();
  }

  select(index) {
    this.chosen = index;
    this.drawSoon();
  }

  step(by) {
    const at = zooms.findIndex((zoom) => zoom >= this.zoom - 1e-9);
    const from = at < 0 ? zooms.length - 1 : at;
    const next = by < 0 && zooms[from] > this.zoom + 1e-9 ? from - 1 : from + by;
    this.setZoom(zooms[Math.min(zooms.length - 1, Math.max(0, next))]);
  }

  /** As large as all of it can be seen, and no larger than it is read well. */
  whole() {
    const most = Math.max(320, innerHeight * 0.6);
    return Math.min(1, this.frame.clientWidth / (this.layout.width + 2 * margin), most / (this.layout.height + 2 * margin));
  }

  fit() {
    this.setZoom(this.whole());
  }

  setZoom(zoom) {
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.frame;
    const centre = { x: (scrollLeft + clientWidth / 2) / this.zoom, y: (scrollTop + clientHeight / 2) / this.zoom };
    this.zoom = Math.max(zooms[0], zoom);
    this.resize();
    this.frame.scrollLeft = centre.x * this.zoom - clientWidth / 2;
    this.frame.scrollTop = centre.y * this.zoom - clientHeight / 2;
    this.draw();
  }

  resize() {
    const width = this.layout.width + 2 * margin;
    const height = this.layout.height + 2 * margin;
    setAttribute(this.svg, "width", Math.ceil(width * this.zoom));
    setAttribute(this.svg, "height", Math.ceil(height * this.zoom));
    setAttribute(this.svg, "viewBox", `${-margin} ${-margin} ${width} ${height}`);
    setText(this.zoomText, this.zoom < 0.01 ? "<1%" : `${Math.round(this.zoom * 100)}%`);
  }

  drawSoon() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      if (this.element.isConnected && this.layout) this.draw();
    });
  }

  draw() {
    if (this.fresh && this.frame.clientWidth > 0) {
      this.fresh = false;
      this.setZoom(Math.max(this.whole(), this.frame.clientWidth < 600 ? 0.8 : 0.6));
      this.frame.scrollTo(0, 0);
      return;
    }
    if (this.zoom < readable) return this.drawOverview();
    this.overview.clear();
    const seen = this.seen();
    this.drawUnits(seen);
    this.drawLines(seen);
  }

  drawOverview() {
    this.forget(this.drawnLines, (line) => line);
    // What the tab key reaches stays.
    const nothing = { left: Infinity, right: -Infinity, top: Infinity, bottom: -Infinity };
    this.drawUnits(nothing);
    this.overview.draw(this.units);
  }

  /** What part of the graph the frame shows, and a little more. */
  seen() {
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.frame;
    const extra = 200;
    return {
      left: scrollLeft / this.zoom - margin - extra,
      right: (scrollLeft + clientWidth) / this.zoom + extra,
      top: scrollTop / this.zoom - margin - extra,
      bottom: (scrollTop + clientHeight) / this.zoom + extra,
    };
  }

  drawUnits(seen) {
    const reached = this.chosen >= 0 ? this.chosen : 0; // by the tab key
    this.layout.places.forEach((place, index) => {
      const visible = place.x + size.width >= seen.left && place.x <= seen.right && place.y + size.height >= seen.top && place.y <= seen.bottom;
      let drawn = this.drawn.get(index);
      if (!visible && index !== reached) {
        if (drawn && drawn.element !== document.activeElement) {
          drawn.element.remove();
          this.drawn.delete(index);
        }
        return;
      }
      if (!drawn) {
        drawn = makeUnit(this.units[index], place, () => this.pick(index));
        this.drawn.set(index, drawn);
        this.unitGroup.append(drawn.element);
      }
      drawn.update(this.units[index]);
      setAttribute(drawn.element, "aria-pressed", String(index === this.chosen));
      setAttribute(drawn.element, "tabindex", index === reached ? "0" : "-1");
    });
  }

  drawLines(seen) {
    this.layout.lines.forEach((points, index) => {
      const { left, right, top, bottom } = this.reaches[index];
      const visible = right >= seen.left && left <= seen.right && bottom >= seen.top && top <= seen.bottom;
      let line = this.drawnLines.get(index);
      if (!visible) {
        line?.remove();
        this.drawnLines.delete(index);
        return;
      }
      if (!line) {
        line = h("path", { d: curve(points) });
        this.drawnLines.set(index, line);
        this.lineGroup.append(line);
      }
      const { from, to } = this.edges[index];
      setAttribute(line, "data-flows", this.units[from].rate > 0 || this.units[to].rate > 0);
      setAttribute(line, "data-pressure", pressureOf(this.units[from]));
      setAttribute(line, "data-near", this.chosen === from || this.chosen === to);
    });
    // Each line that moves is painted again for each frame.
    setAttribute(this.svg, "data-still", this.drawnLines.size > mostMoving);
  }

  /** Boxes that are drawn together are found by where they are. */
  onClick(event) {
    if (this.zoom >= readable) return;
    const { left, top } = this.svg.getBoundingClientRect();
    const index = this.overview.at((event.clientX - left) / this.zoom - margin, (event.clientY - top) / this.zoom - margin);
    if (index >= 0) this.pick(index);
  }

  pick(index) {
    this.select(index);
    this.choose(index);
  }

  onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const from = [...this.drawn].find(([, drawn]) => drawn.element === event.target)?.[0];
    if (from === undefined) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      return this.pick(from);
    }
    const to = this.neighbour(from, event.key);
    if (to === undefined) return;
    event.preventDefault();
    this.select(to);
    this.show(to);
    this.draw();
    this.drawn.get(to).element.focus({ preventScroll: true });
  }

  /** Where an arrow key leads. */
  neighbour(from, key) {
    const { layer, row } = this.layout.places[from];
    if (key === "ArrowRight") return this.units[from].outputs[0];
    if (key === "ArrowLeft") return this.units[from].inputs[0];
    if (key === "ArrowDown") return this.layout.layers[layer][row + 1];
    if (key === "ArrowUp") return this.layout.layers[layer][row - 1];
    return undefined;
  }

  show(index) {
    const { x, y } = this.layout.places[index];
    const { clientWidth, clientHeight } = this.frame;
    const [left, top] = [x * this.zoom, y * this.zoom];
    const [right, bottom] = [(x + size.width + 2 * margin) * this.zoom, (y + size.height + 2 * margin) * this.zoom];
    if (left < this.frame.scrollLeft) this.frame.scrollLeft = left;
    if (right > this.frame.scrollLeft + clientWidth) this.frame.scrollLeft = right - clientWidth;
    if (top < this.frame.scrollTop) this.frame.scrollTop = top;
    if (bottom > this.frame.scrollTop + clientHeight) this.frame.scrollTop = bottom - clientHeight;
  }
}

/** A line that leaves and arrives level. */
function curve(points) {
  let path = `M${points[0].x} ${points[0].y}`;
  for (let at = 1; at < points.length; ++at) {
    const [from, to] = [points[at - 1], points[at]];
    if (from.y === to.y) {
      path += `H${to.x}`;
      continue;
    }
    const half = (to.x - from.x) / 2;
    path += `C${from.x + half} ${from.y} ${to.x - half} ${to.y} ${to.x} ${to.y}`;
  }
  return path;
}

function makeUnit(unit, place, pick) {
  const inside = size.width - 26;
  const right = size.width - 12;
  const state = h("text", { class: "mark", x: 14, y: 21 });
  const speed = h("text", { class: "speed", x: right, y: 39, "text-anchor": "end" });
  const rows = h("text", { class: "rows", x: 14, y: 57 });
  const track = h("rect", { class: "track", x: 14, y: 65, width: inside, height: 4, rx: 2 });
  const bar = h("rect", { class: "done", x: 14, y: 65, width: 0, height: 4, rx: 2 });
  const element = h("g", { class: "unit", role: "button", transform: `translate(${place.x} ${place.y})`, click: pick },
    h("title", {}, shown(unit.name)),
    h("rect", { class: "box", width: size.width, height: size.height, rx: 8 }),
    h("rect", { class: "side", width: 5, height: size.height, rx: 2.5 }),
    state,
    h("text", { class: "name", x: 30, y: 21 }, cut(shown(unit.name), 18)),
    h("text", { class: "kind", x: 14, y: 39 }, cut(shown(unit.component), 12)),
    rows, speed, track, bar);
  const update = (now) => {
    setAttribute(element, "data-state", now.state);
    setAttribute(element, "data-pressure", pressureOf(now));
    setAttribute(element, "aria-label", spoken(now));
    setText(state, markOf(now.state));
    const rejected = now.counters.rejected > 0 ? ` · ${short(now.counters.rejected)} rejected` : "";
    setText(rows, Number.isFinite(now.rows) ? `${short(now.rows)} rows${rejected}` : "");
    setText(speed, rate(now.rate));
    const known = Number.isFinite(now.done) && now.state !== "waiting";
    setAttribute(bar, "width", known ? Math.round(inside * Math.min(1, now.done)) : 0);
    setAttribute(track, "visibility", known ? "visible" : "hidden");
  };
  return { element, update };
}
