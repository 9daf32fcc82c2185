// The units of a run as a table: what the graph shows, to be read from top to bottom.

import { h, setAttribute, setText, shown } from "./dom.js";
import { bytes, count, rate, share } from "./format.js";
import { badge } from "./states.js";
import { VirtualList } from "./virtual_list.js";

const columns = [
  { name: "state", title: "State" },
  { name: "name", title: "Unit" },
  { name: "kind", title: "Component" },
  { name: "from", title: "Rows from" },
  { name: "read number", title: "In" },
  { name: "loaded number", title: "Out" },
  { name: "rejected number", title: "Rejected" },
  { name: "bytes number", title: "Bytes" },
  { name: "speed number", title: "Speed" },
  { name: "held number", title: "Held back" },
  { name: "done number", title: "Done" },
  { name: "node", title: "Node" },
];

export function unitTable(choose) {
  const make = () => {
    const state = badge();
    let index = -1;
    const name = h("button", { type: "button", class: "link", click: () => choose(index) });
    const names = ["kind", "from", "read", "loaded", "rejected", "bytes", "speed", "held", "done", "node"];
    const cells = Object.fromEntries(names.map((cell) => [cell, h("span", {})]));
    const element = h("div", {}, h("span", { class: "state", role: "cell", "data-title": "State" }, state.element),
      h("span", { class: "name", role: "cell", "data-title": "Unit" }, name),
      columns.slice(2).map(({ name: kind, title }) => h("span", { class: kind, role: "cell", "data-title": title }, cells[kind.split(" ")[0]])));
    const update = ({ unit, inputs }) => {
      index = unit.index;
      state.update(unit.state);
      setText(name, shown(unit.name));
      setText(cells.kind, shown(unit.component));
      setText(cells.from, shown(inputs));
      setText(cells.read, unit.role === "load" ? "" : count(unit.counters.in));
      setText(cells.loaded, count(unit.counters.out));
      setText(cells.rejected, count(unit.counters.rejected));
      setAttribute(cells.rejected, "class", unit.counters.rejected > 0 ? "warn" : null);
      setText(cells.bytes, unit.counters.bytes > 0 ? bytes(unit.counters.bytes) : "");
      setText(cells.speed, rate(unit.rate));
      setText(cells.held, unit.bottleneck ? "slows others" : unit.heldBack > 0.01 ? share(unit.heldBack) : "");
      setAttribute(cells.held, "class", unit.bottleneck || unit.heldBack > 0.5 ? "warn" : null);
      setText(cells.done, share(unit.done));
      setText(cells.node, shown(unit.node));
    };
    return { element, update };
  };
  const list = new VirtualList({ label: "Units", columns, make, keyOf: ({ unit }) => unit.index, kind: "units" });
  return {
    element: list.element,
    set(units) {
      list.set(units.map((unit) => ({ unit, inputs: unit.inputs.map((index) => units[index].name).join(", ") })));
    },
    dispose: () => list.dispose(),
  };
}
