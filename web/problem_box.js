// Says what went wrong with a request, and what to do.

import { fill, h, prose, shown } from "./dom.js";

/** A place for a problem that has none at first. `show(null)` takes it away. */
export function problemBox() {
  const element = h("div", { class: "problem", role: "alert", hidden: true });
  let last = "";
  const show = (problem) => {
    const said = problem?.problem ?? (problem ? { message: problem.message } : null);
    const text = said ? JSON.stringify(said) : "";
    if (text === last) return;
    last = text;
    element.hidden = !said;
    if (said) fill(element, problemText(said));
  };
  return { element, show };
}

/** An error of the API: what happened, where, what to do, and its code. */
export function problemText(said) {
  const place = said.file ? `${shown(said.file)}${said.line ? `:${said.line}` : ""}${said.line && said.column ? `:${said.column}` : ""}` : "";
  return [
    h("p", { class: "what" }, shown(said.message)),
    said.hint ? h("p", { class: "hint" }, prose(said.hint)) : null,
    h("p", { class: "facts" }, [said.code ? h("code", {}, shown(said.code)) : null, said.where ? shown(said.where) : null, place]
      .filter(Boolean).flatMap((part, index) => (index > 0 ? [" · ", part] : [part]))),
  ];
}
