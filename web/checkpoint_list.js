// The checkpoints of a run, newest first: another run can continue from each of them.

import { json, runPath } from "./api.js";
import { h, setAttribute, setText, shown } from "./dom.js";
import { bytes, count, time } from "./format.js";
import { problemBox } from "./problem_box.js";
import { VirtualList } from "./virtual_list.js";

const columns = [
  { name: "epoch number", title: "Epoch" },
  { name: "when", title: "Completed" },
  { name: "visible", title: "Outputs" },
  { name: "rows number", title: "Rows" },
  { name: "size number", title: "State" },
  { name: "held number", title: "Rows held" },
  { name: "kind", title: "Kind" },
];

/** What a reader of the targets sees of it. */
function outputsOf(checkpoint) {
  if (checkpoint.visible) return "visible";
  return checkpoint.committed ? "visible at the run's end" : "commits are due";
}

export function checkpointList(id) {
  const make = () => {
    const cells = columns.map(() => h("span", {}));
    const element = h("div", {}, columns.map(({ name, title }, index) => h("span", { class: name, role: "cell", "data-title": title }, cells[index])));
    const update = (checkpoint) => {
      const rows = (checkpoint.sinks ?? []).reduce((sum, sink) => sum + sink.rows, 0);
      const texts = [count(checkpoint.epoch), time(checkpoint.completed), outputsOf(checkpoint), count(rows), bytes(checkpoint.state_bytes),
        count(checkpoint.rows_held), checkpoint.savepoint ? "savepoint" : "checkpoint"];
      texts.forEach((text, index) => setText(cells[index], shown(text)));
      setAttribute(element, "data-savepoint", checkpoint.savepoint);
    };
    return { element, update };
  };
  const list = new VirtualList({ label: "Checkpoints", columns, make, keyOf: (checkpoint) => checkpoint.epoch, kind: "checkpoints" });
  const problem = problemBox();
  const empty = h("p", { class: "empty" }, "There are no checkpoints.");
  const asked = new AbortController();
  let known = -1;

  async function read() {
    try {
      const { checkpoints } = await json(`${runPath(id)}/checkpoints`, { signal: asked.signal });
      problem.show(null);
      empty.hidden = checkpoints.length > 0;
      list.element.hidden = checkpoints.length === 0;
      list.set(checkpoints);
    } catch (why) {
      if (!asked.signal.aborted) problem.show(why);
    }
  }

  return {
    element: h("div", {}, problem.element, list.element, empty),
    /** Reads them again where `completed`, the number that was reported, has changed. */
    set(completed, seen) {
      if (!seen || completed === known) return;
      known = completed;
      void read();
    },
    dispose() {
      asked.abort();
      list.dispose();
    },
  };
}
