// What can be done with a run: only what the node's API has, and what the run's state allows.

import { json, runPath } from "./api.js";
import { confirm } from "./confirm.js";
import { h, say, setAttribute, shown } from "./dom.js";
import { hasPath } from "./features.js";

const actions = [
  {
    how: "savepoint", title: "Savepoint", yes: "Take a savepoint", said: "The savepoint is being taken",
    question: (name) => `Take a savepoint of ${name}?`,
    text: "The run continues. A savepoint is kept until it is removed, and another run can start from it.",
  },
  {
    how: "drain", title: "Drain", yes: "Drain the run", said: "The run is being drained",
    question: (name) => `Drain the run of ${name}?`,
    text: "It ends at a checkpoint, as succeeded. The next run of the pipeline continues from there.",
  },
  {
    how: "cancel", title: "Cancel", yes: "Cancel the run", said: "The run is being cancelled", danger: true,
    question: (name) => `Cancel the run of ${name}?`,
    text: "Its units stop, and nothing unfinished is published.",
  },
];

/** The buttons of a run; `done` is called when the node has taken an action. */
export function runActions(model, done) {
  const again = h("a", { class: "button", hidden: true }, "Submit again");
  const buttons = actions.map((action) => {
    const button = h("button", { type: "button", class: action.danger ? "danger" : null, hidden: true, click: () => ask(action) }, action.title);
    button.dataset.how = action.how;
    return button;
  });
  const offered = new Set();

  function ask(action) {
    confirm({
      title: action.question(shown(model.run.pipeline)),
      text: action.text,
      yes: action.yes,
      no: "Keep it running",
      danger: action.danger,
      work: async () => {
        await json(`${runPath(model.id)}/${action.how}`, { method: "POST" });
        say(action.said);
        await done();
      },
    });
  }

  function show() {
    for (const button of buttons) button.hidden = !model.live || !offered.has(button.dataset.how);
    again.hidden = !model.plan?.text;
    if (model.run) setAttribute(again, "href", `#/submit/${encodeURIComponent(model.run.id)}`);
  }

  for (const { how } of actions) {
    void hasPath(`/v1/runs/{run}/${how}`).then((has) => {
      if (has) offered.add(how);
      show();
    });
  }
  return { element: h("div", { class: "buttons" }, again, buttons), show };
}
