// All that is known of one unit of a run.

import { fill, h, shown } from "./dom.js";
import { bytes, count, rate, share } from "./format.js";
import { pressureOf } from "./graph_view.js";
import { badge } from "./states.js";

const counters = [
  ["in", "Rows in"], ["added", "Added"], ["out", "Rows out"], ["filtered", "Filtered"], ["merged", "Merged"],
  ["rejected", "Rejected"], ["set_null", "Values set to null"], ["waiting", "Waiting on disk"], ["skipped", "Not needed"], ["batches", "Batches"],
];

const pressureTexts = {
  none: "not held back",
  some: "is held back at times by the units after it",
  high: "is held back by the units after it",
  bottleneck: "slows down the units before it",
};

function facts(unit, units) {
  const planned = unit.planned;
  const names = (indices) => indices.map((index) => units[index].name).join(", ");
  const all = [
    ["State", badge(unit.state).element],
    ["Component", `${unit.component} (${unit.role})`],
    ["Node", unit.node],
    ["In parallel", unit.parallelism > 1 ? count(unit.parallelism) : ""],
    ["Rows from", names(unit.inputs)],
    ["Rows to", names(unit.outputs)],
    ["Done", share(unit.done)],
    ["Speed", rate(unit.rate)],
    ["Back-pressure", unit.heldBack === undefined ? ""
      : `${pressureTexts[pressureOf(unit)]} (${share(unit.heldBack)} of the last seconds)`],
    ...counters.map(([key, title]) => [title, key === "in" || key === "out" || unit.counters[key] > 0 ? count(unit.counters[key]) : ""]),
    ["Bytes", unit.counters.bytes > 0 ? bytes(unit.counters.bytes) : ""],
    ["Target", unit.target],
    ["Filter while reading", planned.filter],
  ];
  return all.filter(([, value]) => value !== "" && value !== undefined);
}

function columnsOf(planned) {
  if (planned.columns) return [{ title: "Columns", columns: planned.columns }];
  return (planned.outputs ?? []).map((output) => ({ title: output.port ? `Columns of ${output.port}` : "Columns", columns: output.columns }));
}

export function unitPanel(close) {
  const heading = h("h2", { tabindex: "-1" });
  const list = h("dl", { class: "facts" });
  const columns = h("div", {});
  const element = h("aside", { class: "unit-panel", hidden: true, "aria-label": "The chosen unit", keydown: (event) => event.key === "Escape" && close() },
    h("div", { class: "panel-head" }, heading, h("button", { type: "button", class: "quiet", click: () => close() }, "Close")),
    list, columns);
  let of = null;
  return {
    element,
    show(unit, units) {
      element.hidden = !unit;
      if (!unit) {
        of = null;
        return;
      }
      fill(heading, shown(unit.name));
      fill(list, facts(unit, units).map(([title, value]) => [h("dt", {}, title), h("dd", {}, value instanceof Node ? value : shown(value))]));
      if (of === unit) return;
      of = unit;
      fill(columns, columnsOf(unit.planned).map((port) => h("details", {}, h("summary", {}, `${port.title} (${port.columns.length})`),
        h("table", { class: "plain" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Name"), h("th", { scope: "col" }, "Type"))),
          h("tbody", {}, port.columns.map((column) => h("tr", {}, h("th", { scope: "row" }, shown(column.name)), h("td", {}, shown(column.type)))))))));
    },
    focus: () => heading.focus(),
  };
}
