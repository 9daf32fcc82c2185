// The page of all runs: those at work now, and those before.

import { h, prose, say, setAttribute, setText, shown } from "./dom.js";
import { count, duration, rate, share, shortId, time } from "./format.js";
import { onEvent, onResync } from "./live.js";
import { problemBox } from "./problem_box.js";
import { every, gathered, settled } from "./repeat.js";
import { RunsModel, secondsOf } from "./runs_model.js";
import { activeStates, badge } from "./states.js";
import { VirtualList } from "./virtual_list.js";

const columns = [
  { name: "state", title: "State" },
  { name: "name", title: "Pipeline" },
  { name: "owner", title: "Owner" },
  { name: "began", title: "Started" },
  { name: "took number", title: "Duration" },
  { name: "read number", title: "Read" },
  { name: "loaded number", title: "Loaded" },
  { name: "rejected number", title: "Rejected" },
  { name: "note", title: "What happened" },
];

const chips = [
  { title: "All", states: [] },
  { title: "Active", states: activeStates },
  { title: "Succeeded", states: ["succeeded"] },
  { title: "Partial", states: ["partial"] },
  { title: "Failed", states: ["failed"] },
  { title: "Cancelled", states: ["cancelled"] },
];

/** What a list says of a run beyond its numbers. */
function noteOf(run) {
  if (run.cause?.message) return run.cause.message;
  const progress = run.progress;
  if (!progress) return "";
  return [share(progress.done), rate(progress.rows_per_second),
    progress.left_seconds >= 1 ? `${duration(progress.left_seconds)} left` : ""].filter(Boolean).join(" · ");
}

function runRow() {
  const state = badge();
  const name = h("a", {});
  const id = h("small", {});
  const cells = Object.fromEntries(["owner", "began", "took", "read", "loaded", "rejected", "note"].map((cell) => [cell, h("span", {})]));
  const began = h("time", {});
  cells.began.append(began);
  const of = (key, kind, ...children) => h("span", { class: kind, role: "cell", "data-title": key }, children);
  const element = h("div", {},
    of("State", "state", state.element),
    of("Pipeline", "name", name, id),
    of("Owner", "owner", cells.owner),
    of("Started", "began", cells.began),
    of("Duration", "took number", cells.took),
    of("Read", "read number", cells.read),
    of("Loaded", "loaded number", cells.loaded),
    of("Rejected", "rejected number", cells.rejected),
    of("What happened", "note", cells.note));
  const update = (run) => {
    state.update(run.state);
    setText(name, shown(run.pipeline));
    setAttribute(name, "href", `#/runs/${encodeURIComponent(run.id)}`);
    setText(id, shortId(run.id));
    setAttribute(name, "title", run.id);
    setText(cells.owner, shown(run.owner));
    const at = run.started || run.created;
    setText(began, time(at));
    setAttribute(began, "datetime", at ? new Date(at / 1000).toISOString() : null);
    setText(cells.took, duration(secondsOf(run)));
    for (const key of ["read", "loaded", "rejected"]) setText(cells[key], count(run.rows?.[key]));
    // What a failed run has written is not loaded.
    if (run.state === "failed" || run.state === "cancelled") setText(cells.loaded, "");
    setAttribute(cells.rejected, "class", run.rows?.rejected > 0 ? "warn" : null);
    const note = noteOf(run);
    setText(cells.note, shown(note));
    setAttribute(cells.note, "title", note.length > 40 ? shown(note) : null);
  };
  return { element, update };
}

/** `wanted` is what is searched for at first. */
export function runsView(wanted = "") {
  const lists = {
    now: new VirtualList({ label: "Active runs", columns, make: runRow, keyOf: (run) => run.id, kind: "runs" }),
    before: new VirtualList({
      label: "Ended runs", columns, make: runRow, keyOf: (run) => run.id, kind: "runs", nearEnd: () => void model.more(),
    }),
  };
  const model = new RunsModel(show);
  const search = h("input", {
    type: "search", id: "search", placeholder: "Pipeline, owner, tag or id", autocomplete: "off", spellcheck: "false",
    input: settled(120, () => filter()),
    keydown: (event) => {
      if (event.key !== "Escape" || search.value === "") return;
      search.value = "";
      filter();
      event.preventDefault();
    },
  });
  let chosen = chips[0];
  const buttons = chips.map((chip) =>
    h("button", { type: "button", class: "chip", "aria-pressed": String(chip === chosen), click: () => choose(chip) }, chip.title));
  const problem = problemBox();
  const nowTitle = h("h2", { id: "now" }, "Active");
  const beforeTitle = h("h2", {}, "Ended");
  const empty = h("div", { class: "empty", hidden: true });
  const nowPart = h("section", { "aria-label": "Active runs" }, nowTitle, lists.now.element);
  const beforePart = h("section", { "aria-label": "Ended runs" }, beforeTitle, lists.before.element);
  const element = h("div", { class: "page" },
    h("h1", { tabindex: "-1" }, "Runs"),
    h("div", { class: "bar", role: "search" },
      h("label", { class: "unseen", for: "search" }, "Search for a pipeline, an owner, a tag or the beginning of an id"), search,
      h("div", { class: "chips", role: "group", "aria-label": "State" }, buttons)),
    problem.element, nowPart, beforePart, empty);

  function choose(chip) {
    chosen = chip;
    buttons.forEach((button, index) => setAttribute(button, "aria-pressed", String(chips[index] === chip)));
    filter();
  }

  async function filter() {
    await model.ask({ search: search.value, states: chosen.states });
    say(`${count(model.now.length)} active, ${count(model.before.length)}${model.next ? " or more" : ""} ended`);
  }

  function show() {
    problem.show(model.problem);
    lists.now.set(model.now);
    lists.before.set(model.before, model.next ? -2 : model.before.length);
    nowPart.hidden = model.now.length === 0;
    beforePart.hidden = model.before.length === 0;
    setText(nowTitle, `Active (${count(model.now.length)})`);
    setText(beforeTitle, `Ended (${count(model.before.length)}${model.next ? "+" : ""})`);
    const nothing = model.loaded && model.now.length + model.before.length === 0;
    empty.hidden = !nothing;
    if (nothing) showEmpty();
  }

  function showEmpty() {
    const filtered = chosen.states.length > 0 || search.value.trim() !== "";
    empty.replaceChildren(h("p", {}, filtered
      ? "No run matches."
      : prose("There are no runs yet. Submit one here, or in a terminal with `sluice submit FILE`.")));
  }

  const changed = gathered(250, () => model.refresh());
  const ends = [
    onEvent((event) => {
      if (event.type.startsWith("run.")) changed();
    }),
    onResync(changed),
    every(1000, () => model.now.length > 0 && model.refresh()),
  ];
  search.value = wanted;
  void model.ask({ search: wanted, states: [] });
  return {
    title: "Runs",
    element,
    dispose() {
      model.dispose();
      changed.cancel();
      for (const end of ends) end();
      lists.now.dispose();
      lists.before.dispose();
    },
  };
}
