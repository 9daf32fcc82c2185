// Rules of notifications with their channels, and what became of their messages.

import { json, withQuery } from "./api.js";
import { deliveryList } from "./delivery_list.js";
import { h, prose, setText, shown } from "./dom.js";
import { onEvent, onResync } from "./live.js";
import { problemBox } from "./problem_box.js";
import { every, gathered } from "./repeat.js";
import { allows } from "./role.js";
import { ruleTable } from "./rule_table.js";

const mostDeliveries = 500;

export function notificationsView() {
  const problem = problemBox();
  const asked = new AbortController();
  const rules = ruleTable(read, choose);
  const list = deliveryList();
  const pending = h("input", { type: "checkbox", id: "pending", change: () => void read() });
  const chosenText = h("span", {});
  const all = h("button", { type: "button", class: "small", hidden: true, click: () => choose(null) }, "All rules");
  const noRules = h("p", { class: "empty", hidden: true }, prose("No rule of notifications is known. `notify` in a pipeline, or `sluice notify add FILE`, makes one."));
  const noDeliveries = h("p", { class: "empty", hidden: true }, "Nothing was sent yet.");
  let mayAct = false;
  let chosen = null;
  let reading = null;

  function choose(rule) {
    chosen = rule && `${rule.pipeline}/${rule.rule}`;
    setText(chosenText, chosen ? ` of ${shown(chosen)}` : "");
    all.hidden = !chosen;
    void read();
  }

  async function readOnce() {
    try {
      const query = { limit: mostDeliveries, pipeline: chosen?.split("/")[0], pending: pending.checked || null };
      const [{ subscriptions }, { deliveries }] = await Promise.all([
        json("/v1/subscriptions", { signal: asked.signal }), json(withQuery("/v1/deliveries", query), { signal: asked.signal })]);
      problem.show(null);
      rules.show(subscriptions, mayAct);
      rules.element.hidden = subscriptions.length === 0;
      noRules.hidden = subscriptions.length > 0;
      const wanted = chosen ? deliveries.filter((one) => one.subscription === chosen) : deliveries;
      list.set(wanted);
      list.element.hidden = wanted.length === 0;
      noDeliveries.hidden = wanted.length > 0;
    } catch (why) {
      if (!asked.signal.aborted) problem.show(why);
    }
  }
  /** One request at a time: whoever asks meanwhile waits for one more. */
  async function read() {
    while (reading) await reading;
    reading = readOnce();
    await reading;
    reading = null;
  }

  const changed = gathered(500, read);
  // Tries that fail are no events: the list is read again all the same.
  const ends = [onEvent(changed), onResync(changed), every(5000, read)];
  void allows("operator").then((may) => {
    mayAct = may;
    void read();
  });
  return {
    title: "Notifications",
    element: h("div", { class: "page" }, h("h1", { tabindex: "-1" }, "Notifications"), problem.element,
      h("section", { "aria-label": "Rules of notifications" }, h("h2", {}, "Rules"), rules.element, noRules),
      h("section", { "aria-label": "Deliveries" }, h("h2", {}, "Deliveries", chosenText, " ", all),
        h("label", { class: "check", for: "pending" }, pending, " Only those that wait"), list.element, noDeliveries)),
    dispose() {
      asked.abort();
      changed.cancel();
      for (const end of ends) end();
      list.dispose();
    },
  };
}
