// Messages to channels: who got what, when, after how many tries, and what the receiver answered.

import { h, setAttribute, setText, shown } from "./dom.js";
import { duration, time } from "./format.js";
import { VirtualList } from "./virtual_list.js";

const columns = [
  { name: "made", title: "Made" },
  { name: "rule", title: "Rule" },
  { name: "channel", title: "Channel" },
  { name: "what", title: "What" },
  { name: "state", title: "State" },
  { name: "tries number", title: "Tries" },
  { name: "took number", title: "Took" },
  { name: "answer", title: "Answer" },
];
const stateClasses = { delivered: "works", open: "warn", held: "warn", given_up: "bad", dropped: "dim" };

/** "run.failed", "group of run.failed", "replay of run.failed". */
export const whatOf = (one) => (one.kind === "event" ? one.type : `${one.kind} of ${one.type}`);

/** What became of a delivery, in words. */
export function stateText(one) {
  if (one.state === "open") {
    const left = (one.next - Date.now() * 1000) / 1e6;
    return one.tries === 0 || left <= 0 ? "is due" : `again in ${duration(left)}`;
  }
  return { held: "waits", delivered: "delivered", given_up: "given up", dropped: "not sent" }[one.state] ?? one.state;
}

function row() {
  const cells = Object.fromEntries(columns.map((column) => [column.name.split(" ")[0], h("span", {})]));
  const run = h("a", {});
  const element = h("div", {}, columns.map((column) => h("span", { class: column.name, role: "cell", "data-title": column.title },
    column.name === "what" ? run : cells[column.name.split(" ")[0]])));
  const update = (one) => {
    setText(cells.made, time(one.created));
    setText(cells.rule, shown(one.subscription.split("/").slice(1).join("/")));
    setText(cells.channel, shown(one.channel));
    setText(run, shown(whatOf(one)));
    setAttribute(run, "href", one.run ? `#/runs/${encodeURIComponent(one.run)}/events` : null);
    setText(cells.state, stateText(one));
    setAttribute(cells.state, "title", one.state === "open" && one.tries > 0 ? `again at ${time(one.next)}` : null);
    setAttribute(cells.state, "class", stateClasses[one.state] ?? null);
    setText(cells.tries, String(one.tries));
    setText(cells.took, one.last_try ? duration((one.last_try - one.created) / 1e6) : "");
    setText(cells.answer, shown(one.answer ?? ""));
    setAttribute(cells.answer, "title", one.answer ? shown(one.answer) : null);
  };
  return { element, update };
}

export function deliveryList() {
  return new VirtualList({ label: "Deliveries", columns, make: row, keyOf: (one) => one.number, kind: "deliveries" });
}
