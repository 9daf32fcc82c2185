// Asks for the token where the tab has none, or the node does not take it.

import { h, prose } from "./dom.js";
import { ApiError, json } from "./api.js";
import { problemBox } from "./problem_box.js";
import { forget, keep, token } from "./token.js";

/** `opened` is called when the node has taken a token. */
export function gateView(opened, refused) {
  const problem = problemBox();
  problem.show(refused);
  const field = h("input", {
    id: "token", type: "password", autocomplete: "off", spellcheck: "false", required: true, "aria-describedby": "token-where",
  });
  const button = h("button", { type: "submit", class: "main" }, "Open");
  const form = h("form", { class: "gate", submit: (event) => void open(event) },
    h("h1", { tabindex: "-1" }, "Token of this node"),
    h("p", { id: "token-where" }, prose("The node shows its data to those who have its token. It is in the file `token` in the node's state folder. "
      + "A `sluice node` that was started in a terminal prints a link with the token in it.")),
    h("label", { for: "token" }, "Token"), field, button,
    h("p", { class: "dim" }, "This tab keeps the token until it is closed."),
    problem.element);

  async function open(event) {
    event.preventDefault();
    button.disabled = true;
    keep(field.value);
    try {
      await json("/v1/runs?limit=1&brief=true");
    } catch (why) {
      if (token() !== null) forget();
      problem.show(why instanceof ApiError ? why : new ApiError(0, { code: "not_possible", message: why.message }));
      button.disabled = false;
      field.select();
      return;
    }
    opened();
  }

  return { title: "Token", element: h("div", { class: "page narrow" }, form), focus: field, dispose() {} };
}
