// A text area with line numbers, in which lines can be marked.

import { h, setAttribute } from "./dom.js";

/** `changed` is called when somebody has typed. `marks`: lines with what is wrong there. */
export function editor({ id, label, describedby, changed }) {
  const numbers = h("div", { class: "line-numbers", "aria-hidden": "true" });
  const area = h("textarea", {
    id, "aria-label": label, "aria-describedby": describedby, spellcheck: "false", autocomplete: "off", autocapitalize: "off", wrap: "off", rows: "18",
    input: () => {
      draw();
      changed?.();
    },
    scroll: () => (numbers.style.transform = `translateY(${-area.scrollTop}px)`),
  });
  const element = h("div", { class: "editor" }, h("div", { class: "gutter" }, numbers), area);
  let marks = new Map();

  function draw() {
    const lines = area.value.split("\n").length;
    while (numbers.childElementCount > lines) numbers.lastChild.remove();
    for (let line = numbers.childElementCount + 1; line <= lines; ++line) numbers.append(h("span", {}, line));
    [...numbers.children].forEach((number, index) => {
      const faults = marks.get(index + 1);
      setAttribute(number, "data-fault", faults !== undefined);
      setAttribute(number, "title", faults);
    });
  }

  /** The place of a line and column, both from 1, in the text. */
  function offsetOf(line, column) {
    const lines = area.value.split("\n");
    const before = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
    return before + Math.min(Math.max(0, column - 1), lines[line - 1]?.length ?? 0);
  }

  draw();
  return {
    element,
    area,
    get text() {
      return area.value;
    },
    set text(text) {
      area.value = text;
      draw();
    },
    /** `faults`: [{ line, message }] */
    mark(faults) {
      marks = new Map();
      for (const { line, message } of faults) if (line) marks.set(line, [marks.get(line), message].filter(Boolean).join("\n"));
      setAttribute(area, "aria-invalid", faults.length > 0 ? "true" : null);
      draw();
    },
    /** Puts the caret at a place and brings it into sight. */
    goTo(line, column) {
      const at = offsetOf(line, column);
      area.focus();
      area.setSelectionRange(at, at);
      const height = parseFloat(getComputedStyle(area).lineHeight);
      area.scrollTop = Math.max(0, (line - 5) * height);
    },
  };
}
