// The node's events as they come: one stream for the whole page. After a break it continues by its cursor, so that no
// event is missing. While the tab is hidden there is no stream: a browser has only six connections for a node.

import { ApiError, json } from "./api.js";
import { readEvents } from "./events.js";

const firstPause = 250;
const longestPause = 5_000;
/** Events that are caught up with one by one. */
const mostMissed = 1_000;

const listeners = new Set();
const resyncs = new Set();
const states = new Set();

let cursor = null;
let running = null;
let state = "off";

function become(next) {
  if (state === next) return;
  state = next;
  for (const listener of states) listener(state);
}

/** Calls `listener` with each event (a CloudEvents object); gives a function that ends it. */
export function onEvent(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Calls `listener` when the stream starts anew and what is shown must be read again. */
export function onResync(listener) {
  resyncs.add(listener);
  return () => resyncs.delete(listener);
}

/** Calls `listener` with "off", "connecting", "live" or "lost". */
export function onState(listener) {
  states.add(listener);
  listener(state);
  return () => states.delete(listener);
}

/** Starts the stream; the promise is kept when it is known where it starts, or that the node does not answer. */
export function start() {
  stop();
  if (document.hidden) return Promise.resolve();
  running = new AbortController();
  const { signal } = running;
  return new Promise((begun) => void follow(signal, begun));
}

export function stop() {
  running?.abort();
  running = null;
  become("off");
}

/** Forgets where the stream was: the next one is that of another node or user. */
export function reset() {
  stop();
  cursor = null;
}

/** Streams while the tab is seen, from now on. */
export function followVisibility() {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop();
    else void start();
  });
}

function pause(milliseconds, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      done();
    });
  });
}

async function follow(signal, begun) {
  become("connecting");
  let wait = firstPause;
  while (!signal.aborted) {
    try {
      await begin(signal);
      begun();
      await readEvents(cursor, {
        signal,
        opened: () => {
          wait = firstPause;
          become("live");
        },
        take: (event) => {
          cursor = event.data.cursor;
          for (const listener of listeners) listener(event);
        },
      });
    } catch (problem) {
      begun();
      if (signal.aborted) return;
      if (problem instanceof ApiError && problem.status === 401) return stop();
    }
    if (signal.aborted) return;
    become("lost");
    await pause(wait * (0.75 + Math.random() / 2), signal);
    wait = Math.min(longestPause, wait * 2);
  }
}

/**
 * Decides where the stream starts. At first: where the log ends; what is shown is read after that. After a break: where
 * it broke, unless that is long ago, or the log is shorter than before because the node has another Store.
 */
async function begin(signal) {
  // Of runs that have ended: what runs do now is asked of them, which takes time where they are large.
  const { cursor: newest } = await json("/v1/runs?limit=1&brief=true&states=succeeded", { signal });
  const first = cursor === null;
  const missed = newest - cursor;
  if (!first && missed >= 0 && missed <= mostMissed) return;
  cursor = newest;
  if (!first) for (const listener of resyncs) listener();
}
