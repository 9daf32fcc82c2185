// Why a run did not succeed: before everything else.

import { fill, h, shown } from "./dom.js";
import { count } from "./format.js";
import { problemText } from "./problem_box.js";

const titles = { failed: "Failed", partial: "Partly loaded", cancelled: "Cancelled" };

/** A run that has loaded its rows although too many were rejected has no cause of its own. */
function ofPartial(run) {
  if (run.state !== "partial") return null;
  return { message: `${count(run.summary?.rejected)} rows were rejected, more than the pipeline allows; the others are loaded`, hint: "Look at them below, under Rejects" };
}

export function causeBox() {
  const element = h("section", { class: "cause", hidden: true, "aria-label": "Cause" });
  let last = "";
  return {
    element,
    show(run) {
      const cause = run.cause?.message ? run.cause : ofPartial(run);
      const text = JSON.stringify([run.state, cause]);
      if (text === last) return;
      last = text;
      element.hidden = cause === null;
      element.dataset.state = run.state;
      if (cause) fill(element, h("h2", {}, shown(titles[run.state] ?? "Problem")), problemText(cause));
    },
  };
}
