// Parts of a page of which one is seen. Each has an address, so that it can be linked and gone back to.

import { h, setAttribute, setText } from "./dom.js";
import { count as countText } from "./format.js";

/** `parts`: [{ name, title, element, hidden }]; `address(name)` is where a part is. One that is hidden waits for `offer`. */
export function tabs({ label, parts, address }) {
  const buttons = parts.map((part, index) => h("a", {
    role: "tab", id: `tab-${part.name}`, "aria-controls": `part-${part.name}`, href: address(part.name), hidden: part.hidden, keydown: (event) => onKey(event, index),
  }, part.title, h("span", { class: "count" })));
  const panels = parts.map((part) => h("div", { role: "tabpanel", id: `part-${part.name}`, "aria-labelledby": `tab-${part.name}`, hidden: true }, part.element));
  const made = {
    element: h("div", { class: "tabs" }, h("div", { role: "tablist", "aria-label": label }, buttons), panels),
    chosen: parts[0].name,
    choose(name) {
      made.chosen = parts.some((part) => part.name === name) ? name : parts[0].name;
      parts.forEach((part, index) => {
        const chosen = part.name === made.chosen;
        setAttribute(buttons[index], "aria-selected", String(chosen));
        setAttribute(buttons[index], "tabindex", chosen ? "0" : "-1");
        panels[index].hidden = !chosen;
      });
    },
    offer(name) {
      buttons[parts.findIndex((part) => part.name === name)].hidden = false;
    },
    count(name, value) {
      const index = parts.findIndex((part) => part.name === name);
      setText(buttons[index].lastChild, value > 0 ? ` ${countText(value)}` : "");
    },
  };

  function onKey(event, index) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined && event.key !== " ") return;
    event.preventDefault();
    const seen = buttons.filter((button) => !button.hidden);
    const to = step === undefined ? buttons[index] : seen[(seen.indexOf(buttons[index]) + step + seen.length) % seen.length];
    to.focus();
    // A tab is no step of the history.
    location.replace(to.getAttribute("href"));
  }
  return made;
}
