// The units of a run, as a graph or as a table, and what is known of the chosen one.

import { h, setAttribute } from "./dom.js";
import { GraphView } from "./graph_view.js";
import { problemBox } from "./problem_box.js";
import { unitPanel } from "./unit_panel.js";
import { unitTable } from "./unit_table.js";

export function unitsPart() {
  const graph = new GraphView(choose);
  const table = unitTable(choose);
  const panel = unitPanel(() => choose(-1));
  const problem = problemBox();
  const kinds = [{ name: "graph", title: "Graph" }, { name: "table", title: "Table" }];
  const buttons = kinds.map((kind) => h("button", { type: "button", class: "chip", click: () => show(kind.name) }, kind.title));
  const legend = h("p", { class: "legend" },
    h("span", { "data-pressure": "some" }, "held back at times"), h("span", { "data-pressure": "high" }, "held back"),
    h("span", { "data-pressure": "bottleneck" }, "slows others down"));
  const choice = h("div", { class: "chips", role: "group", "aria-label": "Show the units as" }, buttons);
  const element = h("div", { class: "units-part" }, h("div", { class: "bar" }, choice, legend, graph.sizes), problem.element,
    h("div", { class: "with-panel" }, h("div", { class: "of-panel" }, graph.element, table.element), panel.element));
  let model = null;
  let version = -1;
  let kind = "graph";
  let chosen = -1;
  let before = null;

  function show(next) {
    kind = next;
    if (model) draw();
  }

  function choose(index) {
    if (index >= 0 && chosen < 0) before = document.activeElement;
    chosen = index;
    graph.select(index);
    panel.show(model.units[index], model.units);
    if (index < 0) {
      before?.focus?.();
      return;
    }
    panel.focus();
    // The panel has made the graph narrower.
    if (kind === "graph") requestAnimationFrame(() => graph.show(index));
  }

  function draw() {
    const drawable = model.edges.length > 0 || model.units.length <= 1;
    const seen = drawable ? kind : "table";
    choice.hidden = !drawable;
    problem.show(model.plan?.problem ?? null);
    graph.element.hidden = seen !== "graph";
    graph.sizes.hidden = seen !== "graph";
    table.element.hidden = seen !== "table";
    legend.hidden = !model.live || seen !== "graph";
    buttons.forEach((button, index) => setAttribute(button, "aria-pressed", String(kinds[index].name === seen)));
    if (version !== model.version) {
      version = model.version;
      chosen = -1;
      graph.set(model.units, model.edges);
    }
    if (seen === "graph") graph.update();
    else table.set(model.units);
    panel.show(model.units[chosen], model.units);
  }

  return {
    element,
    set(next) {
      model = next;
      draw();
    },
    dispose() {
      graph.dispose();
      table.dispose();
    },
  };
}
