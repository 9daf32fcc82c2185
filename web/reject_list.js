// The rows that a run has rejected, in pages as they are asked for.

import { lines, runPath, withQuery } from "./api.js";
import { showDetails } from "./details.js";
import { h, setAttribute, setText, shown } from "./dom.js";
import { problemBox } from "./problem_box.js";
import { VirtualList } from "./virtual_list.js";

const pageSize = 200;
const columns = [
  { name: "place", title: "Place" },
  { name: "code", title: "Code" },
  { name: "unit", title: "Unit" },
  { name: "text", title: "Why" },
  { name: "record", title: "Row" },
];

function placeOf(reject) {
  if (!reject.file) return "";
  return reject.line ? `${reject.file}:${reject.line}` : reject.file;
}

/** The same for a narrow column: without folders, so that the line is seen. */
const shortPlaceOf = (reject) => placeOf(reject).replace(/^.*\//, "");

/** The row as it was read; bytes that are no text are in base64. */
function recordOf(reject) {
  if (reject.record_base64) return `(not UTF-8, base64) ${reject.record_base64}`;
  return typeof reject.record === "string" ? reject.record : JSON.stringify(reject.record ?? "");
}

function showReject(reject) {
  showDetails("Rejected row", [
    ["Place", placeOf(reject)], ["Unit", reject.unit], ["Code", reject.code], ["Column", reject.column], ["Why", reject.message],
    ["Row", recordOf(reject)],
  ]);
}

export function rejectList(id) {
  const make = () => {
    let last = null;
    const cells = columns.map(({ name }) => (name === "place"
      ? h("button", { type: "button", class: "link", click: () => showReject(last) })
      : h("span", {})));
    const element = h("div", {}, columns.map(({ name, title }, index) => h("span", { class: name, role: "cell", "data-title": title }, cells[index])));
    const update = (reject) => {
      last = reject;
      const texts = [shortPlaceOf(reject) || "Details", reject.code, reject.unit, reject.message, recordOf(reject)].map(shown);
      cells.forEach((cell, index) => {
        setText(cell, texts[index]);
        setAttribute(cell, "title", texts[index].length > 30 ? texts[index] : null);
      });
    };
    return { element, update };
  };
  const list = new VirtualList({ label: "Rejected rows", columns, make, keyOf: (reject) => reject.number, nearEnd: () => void more(), kind: "rejects" });
  const problem = problemBox();
  const empty = h("p", { class: "empty", hidden: true }, "No row was rejected.");
  const element = h("div", {}, problem.element, list.element, empty);
  const asked = new AbortController();
  let rejects = [];
  let total = 0;
  let reading = false;
  let wanted = false;

  async function more() {
    if (reading || !wanted || rejects.length >= total) return;
    reading = true;
    try {
      const page = await lines(withQuery(`${runPath(id)}/rejects`, { skip: rejects.length, limit: pageSize }), { signal: asked.signal });
      rejects = rejects.concat(page.map((reject, index) => ({ ...reject, number: rejects.length + index })));
      // Those of a run at work may not be written yet.
      if (page.length === 0) total = rejects.length;
      problem.show(null);
    } catch (why) {
      if (asked.signal.aborted) return;
      total = rejects.length;
      problem.show(why);
    } finally {
      reading = false;
    }
    show();
  }

  function show() {
    empty.hidden = total > 0;
    list.element.hidden = total === 0;
    list.set(rejects, Math.max(total, rejects.length));
  }

  return {
    element,
    /** How many there are; `seen`: whether somebody looks at them. */
    set(count, seen) {
      total = Math.max(count, rejects.length);
      wanted = seen;
      if (seen) show();
    },
    dispose() {
      asked.abort();
      list.dispose();
    },
  };
}
