// The page of one run.

import { causeBox } from "./cause_box.js";
import { checkpointList } from "./checkpoint_list.js";
import { fill, h, say, setText, shown } from "./dom.js";
import { eventList } from "./event_list.js";
import { hasPath } from "./features.js";
import { bytes, count, duration, rate, shortId, time } from "./format.js";
import { onEvent, onResync } from "./live.js";
import { problemBox } from "./problem_box.js";
import { rejectList } from "./reject_list.js";
import { every, gathered } from "./repeat.js";
import { runActions } from "./run_actions.js";
import { RunModel } from "./run_model.js";
import { secondsOf } from "./runs_model.js";
import { badge } from "./states.js";
import { tabs } from "./tabs.js";
import { tryList } from "./try_list.js";
import { unitsPart } from "./units_part.js";

const title = (run) => `${shown(run.pipeline)} ${run.state}`;

/** Rows are loaded when their run has succeeded, or with a checkpoint: before that they are only written. */
function writtenBy(model) {
  if (model.live) return ["Written", count(model.sum("load", "in"))];
  const loaded = model.run.state === "succeeded" || model.run.state === "partial";
  return [loaded ? "Loaded" : "Written", count(model.sum("load", "out"))];
}

/** The numbers at the top, of a run that has them. */
function numbersOf(model) {
  const { run } = model;
  const progress = run.progress;
  const sourceRate = model.units.filter((unit) => unit.role === "extract").reduce((sum, unit) => sum + unit.rate, 0);
  const memory = progress?.memory;
  return [
    ["Duration", duration(secondsOf(run))],
    ["Time left", progress?.left_seconds >= 1 ? duration(progress.left_seconds) : ""],
    ["Read", count(model.sum("extract", "in"))],
    writtenBy(model),
    ["Rejected", count(model.rejected())],
    ["Speed", rate(sourceRate)],
    ["Memory", memory ? `${bytes(memory.reserved + memory.queued)} of ${bytes(memory.limit)}` : ""],
  ].filter(([, value]) => value !== "");
}

/** Where it came from. */
function factsOf(run) {
  const params = Object.entries(run.params ?? {});
  return [
    ["Run", run.id],
    ["Owner", run.owner],
    ["Tags", (run.tags ?? []).join(", ")],
    ["Created", time(run.created)],
    ["Started", time(run.started)],
    ["Ended", time(run.ended)],
    ["Node", run.node],
    ["Process", run.pid ? `${run.pid}${run.endpoint ? `, ${run.endpoint}` : ""}` : ""],
    ...params.map(([name, value]) => [`Param ${name}`, typeof value === "string" ? value : JSON.stringify(value)]),
  ].filter(([, value]) => value);
}

export function runView(id, firstTab = "units") {
  const model = new RunModel(id, show);
  const state = badge();
  const heading = h("h1", { tabindex: "-1" }, "Run");
  const problem = problemBox();
  const cause = causeBox();
  const tries = tryList();
  const numbers = h("dl", { class: "numbers" });
  const facts = h("dl", { class: "facts" });
  const actions = runActions(model, () => model.read());
  const text = h("pre", { class: "text", tabindex: "0", "aria-label": "The pipeline's text" });
  const units = unitsPart();
  const events = eventList();
  const rejects = rejectList(id);
  const checkpoints = checkpointList(id);
  const parts = tabs({
    label: "Parts of the run",
    address: (name) => `#/runs/${encodeURIComponent(id)}/${name}`,
    parts: [
      { name: "units", title: "Units", element: units.element },
      { name: "events", title: "Events", element: events.element },
      { name: "rejects", title: "Rejects", element: rejects.element },
      { name: "checkpoints", title: "Checkpoints", element: checkpoints.element, hidden: true },
      { name: "pipeline", title: "Pipeline", element: h("div", {}, facts, text) },
    ],
  });
  const element = h("div", { class: "page" },
    h("p", { class: "path" }, h("a", { href: "#/runs" }, "Runs"), " / ", h("code", {}, shown(shortId(id)))),
    h("div", { class: "run-head" }, heading, state.element, actions.element),
    problem.element, cause.element, tries.element, numbers, parts.element);
  const view = { title: "Run", element, change, dispose };
  let last = "";

  function change(tab = "units") {
    parts.choose(tab);
    show();
  }

  function show() {
    problem.show(model.problem);
    const { run } = model;
    if (!run) return;
    if (run.state !== last) announce(run);
    setText(heading, shown(run.pipeline));
    state.update(run.state);
    cause.show(run);
    tries.show(model.events);
    fill(numbers, numbersOf(model).map(([name, value]) =>
      h("div", {}, h("dt", {}, name), h("dd", { class: name === "Rejected" && value !== "0" ? "warn" : null }, value))));
    actions.show();
    parts.count("rejects", model.rejected());
    parts.count("events", model.events.length);
    showPart(run);
  }

  /** Only what is seen is drawn. */
  function showPart(run) {
    const seen = parts.chosen;
    if (seen === "units") units.set(model);
    if (seen === "events") events.set(model.events);
    rejects.set(model.rejected(), seen === "rejects");
    checkpoints.set(model.events.filter((event) => event.type.startsWith("checkpoint.")).length, seen === "checkpoints");
    if (seen === "pipeline") {
      fill(facts, factsOf(run).map(([name, value]) => [h("dt", {}, shown(name)), h("dd", {}, shown(value))]));
      setText(text, shown(model.plan?.text ?? ""));
      text.hidden = !model.plan?.text;
    }
  }

  function announce(run) {
    if (last !== "") say(`Run of ${shown(run.pipeline)}: ${run.state}`);
    last = run.state;
    view.title = title(run);
    window.dispatchEvent(new CustomEvent("titlechange", { detail: view.title }));
  }

  const changed = gathered(200, () => model.read());
  const ends = [
    onEvent((event) => {
      if (event.source?.endsWith(`/${model.id}`)) changed();
    }),
    onResync(changed),
    every(1000, () => model.live && model.readProgress()),
  ];
  function dispose() {
    model.dispose();
    changed.cancel();
    for (const end of ends) end();
    units.dispose();
    events.dispose();
    rejects.dispose();
    checkpoints.dispose();
  }

  parts.choose(firstTab);
  void hasPath("/v1/runs/{run}/checkpoints").then((has) => has && parts.offer("checkpoints"));
  void model.read();
  return view;
}
