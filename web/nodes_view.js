// The nodes of the cluster.

import { json } from "./api.js";
import { h, shown } from "./dom.js";
import { problemBox } from "./problem_box.js";
import { every } from "./repeat.js";

const textOf = (value) => (value && typeof value === "object"
  ? Object.entries(value).map(([name, text]) => `${name}=${text}`).join(", ")
  : String(value ?? ""));

export function nodesView() {
  const problem = problemBox();
  const body = h("tbody", {});
  const asked = new AbortController();
  const element = h("div", { class: "page" },
    h("h1", { tabindex: "-1" }, "Nodes"), problem.element,
    h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Nodes" }, h("table", { class: "plain" },
      h("thead", {}, h("tr", {}, ["Name", "Cluster", "HTTP", "Labels"].map((title) => h("th", { scope: "col" }, title)))), body)));

  async function read() {
    try {
      const { nodes } = await json("/v1/nodes", { signal: asked.signal });
      problem.show(null);
      body.replaceChildren(...nodes.map((node) => h("tr", {},
        h("th", { scope: "row" }, shown(node.name)), h("td", {}, shown(node.cluster ?? node.listen)), h("td", {}, shown(node.http)),
        h("td", {}, shown(textOf(node.labels))))));
    } catch (why) {
      if (!asked.signal.aborted) problem.show(why);
    }
  }
  void read();
  const end = every(5000, read);
  return {
    title: "Nodes",
    element,
    dispose() {
      asked.abort();
      end();
    },
  };
}
