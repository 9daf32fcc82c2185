// The pipelines that are deployed, and those that have run: when each last succeeded, and what all of its runs have done. The node counts it for
// monitors, so it is kept when runs are forgotten.

import { send } from "./api.js";
import { deployedTable } from "./deployed_table.js";
import { h, setAttribute, setText, shown } from "./dom.js";
import { count, duration, time } from "./format.js";
import { onEvent, onResync } from "./live.js";
import { parseMetrics } from "./metrics.js";
import { problemBox } from "./problem_box.js";
import { gathered } from "./repeat.js";
import { VirtualList } from "./virtual_list.js";

const columns = [
  { name: "name", title: "Pipeline" },
  { name: "success", title: "Last success" },
  { name: "end", title: "Last end" },
  { name: "took number", title: "Duration" },
  { name: "good number", title: "Succeeded" },
  { name: "bad number", title: "Failed" },
  { name: "loaded number", title: "Loaded" },
  { name: "rejected number", title: "Rejected" },
];

const prefix = "sluice_pipeline_";

/** The node's metrics -> [{ pipeline, success, end, took, runs: { state: count }, loaded, rejected }], by name. */
export function pipelinesIn(metrics) {
  const all = new Map();
  for (const { name, labels, value } of metrics) {
    if (!name.startsWith(prefix) || !labels.pipeline) continue;
    if (!all.has(labels.pipeline)) all.set(labels.pipeline, { pipeline: labels.pipeline, runs: {} });
    const of = all.get(labels.pipeline);
    const what = name.slice(prefix.length);
    if (what === "last_success_timestamp_seconds") of.success = value;
    if (what === "last_end_timestamp_seconds") of.end = value;
    if (what === "last_duration_seconds") of.took = value;
    if (what === "runs_total") of.runs[labels.state] = value;
    if (what === "rows_loaded_total") of.loaded = value;
    if (what === "rows_rejected_total") of.rejected = value;
  }
  return [...all.values()].sort((one, other) => (one.pipeline < other.pipeline ? -1 : 1));
}

function row() {
  const name = h("a", {});
  const cells = Object.fromEntries(columns.slice(1).map((column) => [column.name.split(" ")[0], h("span", {})]));
  const element = h("div", {}, h("span", { class: "name", role: "cell", "data-title": "Pipeline" }, name),
    columns.slice(1).map((column) => h("span", { class: column.name, role: "cell", "data-title": column.title }, cells[column.name.split(" ")[0]])));
  const update = (of) => {
    setText(name, shown(of.pipeline));
    setAttribute(name, "href", `#/runs?search=${encodeURIComponent(of.pipeline)}`);
    // A run that ended after the last success has not succeeded.
    const late = of.end > 0 && !(of.success >= of.end);
    setText(cells.success, of.success > 0 ? time(of.success * 1e6) : "never");
    setAttribute(cells.success, "class", late ? "warn" : null);
    setText(cells.end, of.end > 0 ? time(of.end * 1e6) : "");
    setText(cells.took, duration(of.took));
    setText(cells.good, count((of.runs.succeeded ?? 0) + (of.runs.partial ?? 0)));
    setText(cells.bad, count(of.runs.failed ?? 0));
    setAttribute(cells.bad, "class", of.runs.failed > 0 ? "warn" : null);
    setText(cells.loaded, count(of.loaded));
    setText(cells.rejected, count(of.rejected));
  };
  return { element, update };
}

export function pipelinesView() {
  const problem = problemBox();
  const list = new VirtualList({ label: "Pipelines", columns, make: row, keyOf: (of) => of.pipeline, kind: "pipelines" });
  const empty = h("p", { class: "empty", hidden: true }, "No run of a pipeline has ended yet.");
  const asked = new AbortController();
  const deployed = deployedTable(asked.signal);

  async function read() {
    try {
      await deployed.read();
      const text = await (await send("/metrics", { signal: asked.signal, accept: "text/plain" })).text();
      const pipelines = pipelinesIn(parseMetrics(text));
      problem.show(null);
      empty.hidden = pipelines.length > 0;
      list.element.hidden = pipelines.length === 0;
      list.set(pipelines);
    } catch (why) {
      if (!asked.signal.aborted) problem.show(why);
    }
  }

  const changed = gathered(500, read);
  const ends = [
    onEvent((event) => {
      if (/^(run|pipeline|schedule)\./.test(event.type)) changed();
    }),
    onResync(changed),
  ];
  void read();
  return {
    title: "Pipelines",
    element: h("div", { class: "page" }, h("h1", { tabindex: "-1" }, "Pipelines"), problem.element, deployed.element,
      h("section", { "aria-label": "Pipelines that have run" }, h("h2", {}, "Have run"), list.element, empty)),
    dispose() {
      asked.abort();
      changed.cancel();
      for (const end of ends) end();
      list.dispose();
    },
  };
}
