// The deployed pipelines: when each runs next, when it last succeeded, whether it is late; with what can be done.

import { json } from "./api.js";
import { confirm } from "./confirm.js";
import { h, say, setAttribute, setText, shown } from "./dom.js";
import { hasPath } from "./features.js";
import { duration, time } from "./format.js";
import { allows } from "./role.js";

const path = (name, how) => `/v1/pipelines/${encodeURIComponent(name)}/${how}`;

/** What is said of a pipeline's lateness: "late by 5 min 3 s", "paused", "in time". */
export function standing(of) {
  if (of.late) return `late by ${duration(of.late_by_seconds)}`;
  return of.paused ? "paused" : "in time";
}

function row(of, changed, mayAct) {
  const cells = ["schedule", "next", "success", "state", "waiting"].map((name) => h("td", { class: name }));
  const trigger = h("button", { type: "button", click: () => start() }, "Trigger");
  const pause = h("button", { type: "button", click: () => hold() });
  let now = of;

  function start() {
    confirm({
      title: `Trigger ${shown(now.pipeline)}?`,
      text: "A run is started now, with the params of the deployment. Its schedule goes on as it is.",
      yes: "Start a run",
      no: "Not now",
      work: async () => {
        const { run } = await json(path(now.pipeline, "trigger"), { method: "POST", body: {} });
        say(`Run ${run.slice(0, 18)} will be started`);
        await changed();
      },
    });
  }

  function hold() {
    const how = now.paused ? "resume" : "pause";
    confirm({
      title: `${now.paused ? "Resume" : "Pause"} ${shown(now.pipeline)}?`,
      text: now.paused ? "It runs by its schedule again." : "What is due meanwhile is not run, also not later.",
      yes: now.paused ? "Resume the schedule" : "Pause the schedule",
      no: "Leave it as it is",
      work: async () => {
        await json(path(now.pipeline, how), { method: "POST" });
        say(how === "pause" ? "The pipeline is paused" : "The pipeline is resumed");
        await changed();
      },
    });
  }

  const element = h("tr", {}, h("th", { scope: "row" }, h("a", { href: `#/runs?search=${encodeURIComponent(of.pipeline)}` }, shown(of.pipeline))),
    cells, h("td", { class: "buttons" }, mayAct ? [trigger, pause] : null));
  const update = (next) => {
    now = next;
    setText(cells[0], shown(now.schedule));
    setText(cells[1], now.next ? time(now.next) : "");
    setText(cells[2], now.last_success ? time(now.last_success) : "never");
    setText(cells[3], standing(now));
    setAttribute(cells[3], "class", now.late ? "state bad" : now.paused ? "state warn" : "state");
    setText(cells[4], now.waiting > 0 ? String(now.waiting) : "");
    setText(pause, now.paused ? "Resume" : "Pause");
  };
  return { element, update };
}

/** A table that is hidden while nothing is deployed; `read` asks the node again. */
export function deployedTable(signal) {
  const body = h("tbody", {});
  const rows = new Map();
  const may = allows("operator");
  const element = h("section", { hidden: true, "aria-label": "Deployed pipelines" }, h("h2", {}, "Deployed"),
    h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Schedules" }, h("table", { class: "plain deployed" },
      h("thead", {}, h("tr", {}, ["Pipeline", "Schedule", "Next run", "Last success", "State", "Waiting", "Actions"].map((title) => h("th", { scope: "col" }, title)))),
      body)));

  async function read() {
    if (!(await hasPath("/v1/pipelines"))) return;
    const { pipelines } = await json("/v1/pipelines", { signal });
    const names = new Set(pipelines.map((of) => of.pipeline));
    for (const [name, { element: gone }] of rows) {
      if (names.has(name)) continue;
      gone.remove();
      rows.delete(name);
    }
    for (const of of pipelines) {
      if (!rows.has(of.pipeline)) {
        rows.set(of.pipeline, row(of, read, await may));
        // In the order of the node, which is that of the names.
        const behind = pipelines.slice(pipelines.indexOf(of) + 1).find((other) => rows.has(other.pipeline));
        body.insertBefore(rows.get(of.pipeline).element, behind ? rows.get(behind.pipeline).element : null);
      }
      rows.get(of.pipeline).update(of);
    }
    element.hidden = pipelines.length === 0;
  }
  return { element, read };
}
