// Why a run was tried again: the causes of its earlier tries, oldest first.

import { fill, h, shown } from "./dom.js";
import { clock } from "./format.js";

const isRestart = (event) => event.type === "run.restarting";

export function tryList() {
  const title = h("summary", {});
  const list = h("ol", {});
  const element = h("details", { class: "tries", hidden: true }, title, list);
  let known = 0;
  return {
    element,
    show(events) {
      const restarts = events.filter(isRestart);
      if (restarts.length === known) return;
      known = restarts.length;
      element.hidden = known === 0;
      fill(title, known === 1 ? "Tried again once" : `Tried again ${known} times`);
      fill(list, restarts.map((event) => h("li", {}, h("time", { datetime: event.time }, clock(Date.parse(event.time) * 1000)), " ",
        shown(event.data.cause?.message ?? event.data.cause?.code ?? "for an unknown cause"))));
    },
  };
}
