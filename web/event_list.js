// A run's events, oldest first.

import { showDetails } from "./details.js";
import { h, setAttribute, setText, shown } from "./dom.js";
import { clock, count, duration, time } from "./format.js";
import { VirtualList } from "./virtual_list.js";

const columns = [
  { name: "when", title: "Time" },
  { name: "type", title: "Event" },
  { name: "unit", title: "Unit" },
  { name: "text", title: "What it says" },
];

/** Members of an event's data that are said elsewhere. */
const known = new Set(["cursor", "sequence", "cause", "state", "unit", "units", "balanced", "batches", "pipeline", "role", "run", "owner", "tags",
  "rejects_path"]);

/** "out 12, rejected 3": what an event's data holds. */
export function eventText(event) {
  const data = event.data ?? {};
  const parts = [];
  if (data.cause?.message) parts.push(data.cause.message);
  for (const [name, value] of Object.entries(data)) {
    if (known.has(name) || value === null || value === 0 || value === "" || typeof value === "object") continue;
    if (name === "duration_microseconds") parts.push(`in ${duration(value / 1e6)}`);
    else parts.push(`${name.replaceAll("_", " ")} ${typeof value === "number" ? count(value) : value}`);
  }
  return parts.join(", ");
}

const isAlarm = (type) => /\.(failed|lost|rejected)$/.test(type);

function showEvent(event) {
  showDetails(shown(event.type), [
    ["Time", event.time], ["Unit", event.subject], ["What it says", eventText(event)], ["The whole event", JSON.stringify(event, null, 2)],
  ]);
}

export function eventList() {
  const make = () => {
    const when = h("time", {});
    let last = null;
    const type = h("button", { type: "button", class: "link", click: () => showEvent(last) });
    const [unit, text] = [h("span", {}), h("span", {})];
    const element = h("div", {}, h("span", { class: "when", role: "cell", "data-title": "Time" }, when),
      h("span", { class: "type", role: "cell", "data-title": "Event" }, type), h("span", { class: "unit", role: "cell", "data-title": "Unit" }, unit),
      h("span", { class: "text", role: "cell", "data-title": "What it says" }, text));
    const update = (event) => {
      last = event;
      const at = Date.parse(event.time) * 1000;
      setText(when, clock(at));
      setAttribute(when, "title", time(at));
      setAttribute(when, "datetime", event.time);
      setText(type, shown(event.type));
      setText(unit, shown(event.subject ?? ""));
      const said = shown(eventText(event));
      setText(text, said);
      setAttribute(text, "title", said.length > 60 ? said : null);
      setAttribute(element, "data-alarm", isAlarm(event.type));
    };
    return { element, update };
  };
  const list = new VirtualList({ label: "Events", columns, make, keyOf: (event) => event.data.cursor, kind: "events" });
  const find = h("input", { type: "search", id: "find-event", placeholder: "Type, unit or text", autocomplete: "off", input: () => show() });
  const element = h("div", {}, h("div", { class: "bar" }, h("label", { class: "unseen", for: "find-event" }, "Search in the events"), find), list.element);
  let events = [];
  function show() {
    const wanted = find.value.trim().toLowerCase();
    list.set(wanted === "" ? events : events.filter((event) =>
      `${event.type} ${event.subject ?? ""} ${eventText(event)}`.toLowerCase().includes(wanted)));
  }
  return {
    element,
    set(next) {
      events = next;
      show();
    },
    dispose: () => list.dispose(),
  };
}
