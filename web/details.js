// Shows all of something of which a table has room for the beginning only.

import { h, shown } from "./dom.js";

/** `parts`: [[title, text]]; empty ones are left out. Escape closes it. */
export function showDetails(title, parts) {
  const before = document.activeElement;
  const dialog = h("dialog", {
    class: "details", "aria-labelledby": "details-title",
    click: (event) => event.target === dialog && dialog.close(),
    close: () => {
      dialog.remove();
      before?.focus();
    },
  }, h("h2", { id: "details-title" }, title),
  h("dl", {}, parts.filter(([, text]) => text !== "" && text !== undefined && text !== null)
    .map(([name, text]) => [h("dt", {}, name), h("dd", {}, h("pre", {}, shown(text)))])),
  h("div", { class: "buttons" }, h("button", { type: "button", autofocus: true, click: () => dialog.close() }, "Close")));
  document.body.append(dialog);
  dialog.showModal();
}
