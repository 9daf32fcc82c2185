// The page: its parts by address, the token, and whether the node's events arrive.

import { whenUnauthorized } from "./api.js";
import { h, say, setAttribute, setText } from "./dom.js";
import { gateView } from "./gate.js";
import * as live from "./live.js";
import { nodesView } from "./nodes_view.js";
import { notificationsView } from "./notifications_view.js";
import { pipelinesView } from "./pipelines_view.js";
import { runView } from "./run_view.js";
import { runsView } from "./runs_view.js";
import { submitView } from "./submit_view.js";
import { forget, takeFromAddress, token } from "./token.js";

const main = document.getElementById("main");
const forgetButton = document.getElementById("forget");

const pages = [
  { title: "Runs", address: "#/runs" },
  { title: "Pipelines", address: "#/pipelines" },
  { title: "Notifications", address: "#/notifications" },
  { title: "Submit", address: "#/submit" },
  { title: "Nodes", address: "#/nodes" },
];

const routes = [
  { path: /^#\/runs(?:\?search=(.*))?$/, page: "#/runs", make: (search) => runsView(search) },
  { path: /^#\/pipelines$/, page: "#/pipelines", make: () => pipelinesView() },
  { path: /^#\/runs\/([^/]+)(?:\/([a-z]+))?$/, page: "#/runs", make: (run, tab) => runView(run, tab) },
  { path: /^#\/submit(?:\/([^/]+))?$/, page: "#/submit", make: (run) => submitView(run) },
  { path: /^#\/notifications$/, page: "#/notifications", make: () => notificationsView() },
  { path: /^#\/nodes$/, page: "#/nodes", make: () => nodesView() },
];

const links = pages.map((page) => h("a", { href: page.address }, page.title));
document.getElementById("pages").append(...links);

let shown = null; // the view in the page: { title, element, dispose, change?, focus? }
let shownRoute = null;
let shownId = "";

function mount(view) {
  shown?.dispose();
  shown = view;
  main.replaceChildren(view.element);
  window.scrollTo(0, 0);
  named(view.title);
}

function named(title) {
  document.title = `${title} · Sluice`;
}

function decoded(part) {
  try {
    return part === undefined ? undefined : decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Shows what the address names. A view that can change to another part of itself is asked to. */
function route(first = false) {
  if (takeFromAddress()) return void open();
  if (token() === null) return showGate(null);
  const found = routes.find(({ path }) => path.test(location.hash));
  if (!found) return location.replace("#/runs");
  const [id, ...rest] = found.path.exec(location.hash).slice(1).map(decoded);
  links.forEach((link, index) => setAttribute(link, "aria-current", pages[index].address === found.page ? "page" : null));
  if (shownRoute === found && shownId === id && shown.change) return shown.change(...rest);
  shownRoute = found;
  shownId = id;
  mount(found.make(id, ...rest));
  // Whoever follows a link by keyboard or screen reader goes on at its target.
  if (!first) main.querySelector("h1")?.focus({ preventScroll: true });
}

function showGate(refused) {
  shownRoute = null;
  forgetButton.hidden = true;
  live.reset();
  mount(gateView(() => void open(), refused));
  shown.focus.focus();
}

async function open() {
  forgetButton.hidden = false;
  live.reset();
  await live.start();
  route(true);
}

const stateTexts = { off: "", connecting: "Connecting", live: "Live", lost: "No connection, trying again" };
live.onState((state) => {
  const element = document.getElementById("live");
  setAttribute(element, "data-state", state);
  setText(element, token() === null ? "" : stateTexts[state]);
});

whenUnauthorized((problem) => {
  forget();
  if (shownRoute) showGate(problem);
});

forgetButton.addEventListener("click", () => {
  forget();
  showGate(null);
  say("The token is forgotten");
});
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  const heading = main.querySelector("h1");
  heading?.scrollIntoView();
  heading?.focus();
});
window.addEventListener("hashchange", () => route());
window.addEventListener("titlechange", (event) => named(event.detail));

takeFromAddress();
live.followVisibility();
if (token() === null) showGate(null);
else void open();
