// Asks before something is done that can't be undone.

import { h, prose } from "./dom.js";
import { problemBox } from "./problem_box.js";

/** Shows a question; calls `work` if the answer is yes, and says what went wrong with it. Escape is no. */
export function confirm({ title, text, yes, no = "No", danger = false, work }) {
  const before = document.activeElement;
  const problem = problemBox();
  const yesButton = h("button", { type: "button", class: danger ? "danger" : "main", click: () => void go() }, yes);
  const dialog = h("dialog", {
    "aria-labelledby": "question",
    close: () => {
      dialog.remove();
      before?.focus();
    },
  }, h("h2", { id: "question" }, title), h("p", {}, prose(text)), problem.element,
  h("div", { class: "buttons" }, h("button", { type: "button", click: () => dialog.close() }, no), yesButton));
  document.body.append(dialog);
  dialog.showModal();

  async function go() {
    yesButton.disabled = true;
    try {
      await work();
      dialog.close();
    } catch (why) {
      problem.show(why);
      yesButton.disabled = false;
    }
  }
}
