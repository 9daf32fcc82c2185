// Where a pipeline is submitted: its text, its params, and where its relative paths start.

import { ApiError, json, runPath } from "./api.js";
import { fill, h, say, shown } from "./dom.js";
import { editor } from "./editor.js";
import { problemBox, problemText } from "./problem_box.js";

const draftKey = "sluice-draft";
const folderKey = "sluice-folder";

/** "day=2024-05-01" per line -> { day: "2024-05-01" }. Errors: ApiError. */
export function paramsFrom(text) {
  const params = {};
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const equals = line.indexOf("=");
    if (equals < 1) throw new ApiError(0, { code: "bad_param", message: `A param must be name=value, found '${line.trim()}'` });
    params[line.slice(0, equals).trim()] = line.slice(equals + 1);
  }
  return params;
}

const paramsText = (params) => Object.entries(params ?? {}).map(([name, value]) => `${name}=${value}`).join("\n");

export function submitView(fromRun) {
  const problem = problemBox();
  const faultList = h("ol", { class: "faults" });
  const faultBox = h("section", { id: "faults", role: "alert", hidden: true }, h("h2", {}, "Faults"), faultList);
  const text = editor({ id: "text", label: "The pipeline's text", describedby: "faults", changed: () => sessionStorage.setItem(draftKey, text.text) });
  const folder = h("input", { id: "folder", type: "text", autocomplete: "off", spellcheck: "false", placeholder: "/data/pipelines" });
  const params = h("textarea", { id: "params", rows: "3", spellcheck: "false", autocomplete: "off", placeholder: "day=2024-05-01" });
  const fresh = h("input", { id: "fresh", type: "checkbox" });
  const button = h("button", { type: "submit", class: "main" }, "Submit");
  const checkButton = h("button", { type: "button", click: () => void check() }, "Check");
  const good = h("div", { class: "good", role: "status" });
  const form = h("form", { class: "submit", submit: (event) => void submit(event), input: () => (key = null) },
    h("label", { for: "text" }, "Pipeline (YAML)"), text.element,
    h("div", { class: "fields" },
      h("div", {}, h("label", { for: "folder" }, "Folder where relative paths start (absolute, on the node)"), folder),
      h("div", {}, h("label", { for: "params" }, "Params, one name=value per line"), params)),
    h("p", { class: "check" }, fresh, h("label", { for: "fresh" }, "Read everything again, also what incremental sources have read before")),
    problem.element, faultBox, good, h("div", { class: "buttons" }, button, checkButton));
  const element = h("div", { class: "page" }, h("h1", { tabindex: "-1" }, "Submit a pipeline"), form);
  const asked = new AbortController();
  let key = null; // of a submission that was not answered

  folder.value = sessionStorage.getItem(folderKey) ?? "";
  if (fromRun) void takeOver();
  else text.text = sessionStorage.getItem(draftKey) ?? "";

  /** Starts with what a run was made of. */
  async function takeOver() {
    try {
      const [run, plan] = await Promise.all([json(runPath(fromRun), { signal: asked.signal }), json(`${runPath(fromRun)}/plan`, { signal: asked.signal })]);
      text.text = plan.text ?? "";
      params.value = paramsText(run.params);
      if (plan.base_folder) folder.value = plan.base_folder;
    } catch (why) {
      if (!asked.signal.aborted) problem.show(why);
    }
  }

  function show(why) {
    fill(good);
    const faults = why?.faults ?? [];
    problem.show(faults.length > 0 ? null : why);
    text.mark(faults);
    faultBox.hidden = faults.length === 0;
    fill(faultList, faults.map((fault) => h("li", {}, problemText(fault), fault.line
      ? h("button", { type: "button", class: "link", click: () => text.goTo(fault.line, fault.column) }, `Go to line ${fault.line}`)
      : null)), why?.more > 0 ? h("li", {}, `and ${why.more} more`) : null);
    if (faults.length > 0) say(`${faults.length} faults: ${shown(faults[0].message)}`);
  }

  /** Sends what is written to a path; shows what is wrong with it. Gives nothing then. */
  async function post(path, headers = {}) {
    button.disabled = checkButton.disabled = true;
    show(null);
    sessionStorage.setItem(folderKey, folder.value);
    try {
      const body = { text: text.text, file: "pipeline.yaml", base_folder: folder.value.trim() || "/", params: paramsFrom(params.value) };
      if (fresh.checked) body.fresh = true;
      return await json(path, { method: "POST", body, headers, signal: asked.signal });
    } catch (why) {
      if (!asked.signal.aborted) show(why);
      // Where there was no answer the run may have started: the next try must be the same submission.
      if (why.status !== 0) key = null;
      return null;
    } finally {
      button.disabled = checkButton.disabled = false;
    }
  }

  /** Plans without running. */
  async function check() {
    const plan = await post("/v1/plan");
    if (!plan) return;
    fill(good, h("p", {}, `No faults. The pipeline has ${plan.units.length} units.`),
      (plan.warnings ?? []).map((warning) => [h("h2", {}, "Warning"), problemText(warning)]));
  }

  async function submit(event) {
    event.preventDefault();
    key ??= crypto.randomUUID();
    const taken = await post("/v1/runs", { "Idempotency-Key": key });
    if (!taken) return;
    sessionStorage.removeItem(draftKey);
    say("The run was submitted");
    location.hash = `#/runs/${encodeURIComponent(taken.run)}`;
  }

  return {
    title: "Submit a pipeline",
    element,
    dispose: () => asked.abort(),
  };
}
