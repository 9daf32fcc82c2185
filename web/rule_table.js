// The rules of notifications: whom they tell, and how their channels do; with what can be done.

import { json } from "./api.js";
import { confirm } from "./confirm.js";
import { h, prose, say, shown } from "./dom.js";
import { duration } from "./format.js";

const part = encodeURIComponent;
export const everyPipeline = "*";
export const pipelineName = (name) => (name === everyPipeline ? "all pipelines" : shown(name));

/** "failing", "disabled", "3 pending" or "ok". */
export function channelState(channel) {
  if (channel.disabled) return "disabled";
  if (channel.failing) return "failing";
  return channel.pending > 0 ? `${channel.pending} pending` : "ok";
}

function dialogOf(title, ...content) {
  const before = document.activeElement;
  const close = h("button", { type: "button", class: "main", click: () => dialog.close() }, "Close");
  const dialog = h("dialog", { "aria-labelledby": "answer", close: () => { dialog.remove(); before?.focus(); } },
    h("h2", { id: "answer" }, title), content, h("div", { class: "buttons" }, close));
  document.body.append(dialog);
  dialog.showModal();
}

function test(rule, channel, changed) {
  confirm({
    title: `Test ${shown(channel.channel)}?`,
    text: "A message of type notification.test is sent to the channel now.",
    yes: "Send a test",
    no: "Not now",
    work: async () => {
      const made = await json(`/v1/channels/${part(rule.pipeline)}/${part(channel.channel)}/test`, { method: "POST" });
      await changed();
      say(made.delivered ? "The test was delivered" : "The test was not delivered");
      setTimeout(() => dialogOf(made.delivered ? `${shown(channel.channel)} works` : `${shown(channel.channel)} does not work`,
        h("p", {}, `${made.delivered ? "Delivered" : "Not delivered"} after ${made.seconds.toFixed(2)} s. ${shown(made.answer)}`),
        h("ol", { class: "steps" }, made.steps.map((step) => h("li", {}, shown(step))))));
    },
  });
}

function replay(rule, changed) {
  const before = document.activeElement;
  const run = h("input", { id: "replay-run", type: "text", value: "last", spellcheck: "false", autocomplete: "off" });
  const again = h("input", { id: "replay-again", type: "checkbox" });
  const problem = h("p", { class: "bad", role: "alert" });
  const yes = h("button", { type: "submit", class: "main" }, "Send again");
  const form = h("form", { method: "dialog", submit: (event) => void go(event) },
    h("h2", { id: "replay" }, `Replay to ${shown(rule.rule)}`),
    h("p", {}, prose("The events of a run that match the rule are sent once more, with the ids that they have and the mark `replay`.")),
    h("label", { for: "replay-run" }, "Run (an id, or last)"), run,
    rule.channels.some((channel) => channel.kind === "start")
      ? h("label", { class: "check", for: "replay-again" }, again, " Start pipelines again") : null,
    problem,
    h("div", { class: "buttons" }, h("button", { type: "button", click: () => dialog.close() }, "Not now"), yes));
  const dialog = h("dialog", { "aria-labelledby": "replay", close: () => { dialog.remove(); before?.focus(); } }, form);
  document.body.append(dialog);
  dialog.showModal();

  async function go(event) {
    event.preventDefault();
    yes.disabled = true;
    try {
      const made = await json(`/v1/subscriptions/${part(rule.pipeline)}/${part(rule.rule)}/replay`,
        { method: "POST", body: { run: run.value.trim(), again: again.checked } });
      say(made.events === 1 ? "1 event is sent again" : `${made.events} events are sent again`);
      dialog.close();
      await changed();
    } catch (why) {
      problem.replaceChildren(...prose([why.problem?.message ?? why.message, why.problem?.hint].filter(Boolean).join(": ")));
      yes.disabled = false;
    }
  }
}

/** The events that a rule tells of, or, with `absent`, waits for. */
function when(rule) {
  const condition = rule.when ? h("code", {}, shown(rule.when)) : "every event";
  return rule.absent_microseconds ? [`none for ${duration(rule.absent_microseconds / 1e6)} of `, condition] : condition;
}

function row(rule, mayAct, changed, choose) {
  const channels = rule.channels.map((channel) => h("li", {},
    h("span", {}, `${shown(channel.channel)} (${shown(channel.kind)})`), " ",
    h("span", { class: channel.disabled || channel.failing ? "bad" : channel.pending > 0 ? "warn" : "works" }, channelState(channel)), " ",
    mayAct && channel.kind !== "start"
      ? h("button", { type: "button", class: "small", "aria-label": `Test ${shown(channel.channel)}`, click: () => test(rule, channel, changed) }, "Test") : null));
  return h("tr", {},
    h("th", { scope: "row" }, h("button", { type: "button", class: "link", click: () => choose(rule) }, shown(rule.rule)), rule.removed ? " (removed)" : ""),
    h("td", { class: "of" }, pipelineName(rule.pipeline)), h("td", { class: "when" }, when(rule)),
    h("td", { class: "channels" }, h("ul", { class: "channels" }, channels)),
    h("td", { class: "buttons" }, mayAct && !rule.removed
      ? h("button", { type: "button", "aria-label": `Replay to ${shown(rule.rule)}`, click: () => replay(rule, changed) }, "Replay") : null));
}

/** `choose(rule)` is called when somebody wants to see a rule's deliveries. */
export function ruleTable(changed, choose) {
  const body = h("tbody", {});
  const element = h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Rules" }, h("table", { class: "plain rules" },
    h("thead", {}, h("tr", {}, ["Rule", "Pipeline", "When", "Channels", "Actions"].map((title) => h("th", { scope: "col" }, title)))), body));
  let before = "";
  return {
    element,
    show(rules, mayAct) {
      // Only what has changed is drawn again: a button may have the focus.
      const now = JSON.stringify([rules.map(({ mark, ...rule }) => rule), mayAct]);
      if (now === before) return;
      before = now;
      body.replaceChildren(...rules.map((rule) => row(rule, mayAct, changed, choose)));
    },
  };
}
