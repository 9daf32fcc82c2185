// What the states of runs and units are called and how they look. Colour never says anything alone.

import { h, setAttribute, setText } from "./dom.js";

export const activeStates = ["queued", "starting", "running", "draining", "committing", "paused", "restarting"];
export const finalStates = ["succeeded", "partial", "failed", "cancelled"];

const marks = {
  queued: "◌", starting: "◌", waiting: "◌", running: "▸", draining: "▸", committing: "▸", paused: "‖", restarting: "↻", finished: "✓",
  succeeded: "✓", partial: "◐", failed: "✕", cancelled: "■", stopped: "■",
};

export const isFinal = (state) => finalStates.includes(state);

/** A badge; `update` gives it another state. */
export function badge(state) {
  const mark = h("span", { class: "mark", "aria-hidden": "true" });
  const name = h("span", {});
  const element = h("span", { class: "badge" }, mark, name);
  const update = (next) => {
    setAttribute(element, "data-state", next);
    setText(mark, marks[next] ?? "·");
    setText(name, next);
  };
  if (state) update(state);
  return { element, update };
}

export const markOf = (state) => marks[state] ?? "·";
