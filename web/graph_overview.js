// A graph that is drawn too small to be read: boxes of one colour are one path together, so that thousands of units cost no
// more than a few.

import { h, setAttribute } from "./dom.js";

/** What decides a unit's colour. */
const kindOf = (unit, pressure) => (pressure === "high" || pressure === "bottleneck" ? pressure : unit.state);

export class GraphOverview {
  /** `pressureOf(unit)` says how much back-pressure it feels. */
  constructor(size, pressureOf) {
    this.size = size;
    this.pressureOf = pressureOf;
    this.lines = h("path", { class: "lines-of-all" });
    this.boxes = h("g", {});
    this.paths = new Map();
    this.element = h("g", { class: "overview", "aria-hidden": "true" }, this.lines, this.boxes);
  }

  /** Other units, or other edges between them. */
  set(layout) {
    this.layout = layout;
    this.lines.removeAttribute("d");
  }

  draw(units) {
    if (!this.lines.hasAttribute("d")) {
      this.lines.setAttribute("d", this.layout.lines.map(([from, ...rest]) => `M${from.x} ${from.y}${rest.map(({ x, y }) => `L${x} ${y}`).join("")}`).join(""));
    }
    const { width, height } = this.size;
    const parts = new Map();
    this.layout.places.forEach(({ x, y }, index) => {
      const kind = kindOf(units[index], this.pressureOf(units[index]));
      if (!parts.has(kind)) parts.set(kind, []);
      parts.get(kind).push(`M${x} ${y}h${width}v${height}h${-width}z`);
    });
    for (const [kind, path] of this.paths) if (!parts.has(kind)) path.setAttribute("d", "");
    for (const [kind, boxes] of parts) {
      if (!this.paths.has(kind)) {
        this.paths.set(kind, h("path", { "data-kind": kind }));
        this.boxes.append(this.paths.get(kind));
      }
      setAttribute(this.paths.get(kind), "d", boxes.join(""));
    }
  }

  clear() {
    this.lines.removeAttribute("d");
    for (const path of this.paths.values()) path.remove();
    this.paths.clear();
  }

  /** The unit at a place of the drawing; -1: there is none. */
  at(x, y) {
    return this.layout.places.findIndex((place) => x >= place.x && x <= place.x + this.size.width && y >= place.y && y <= place.y + this.size.height);
  }
}
