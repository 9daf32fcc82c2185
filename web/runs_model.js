// The list of runs: pages of it as they are asked for, kept up to date by events.

import { json, runPath, withQuery } from "./api.js";
import { activeStates, finalStates, isFinal } from "./states.js";

const pageSize = 200;

/** Runs that match `filter` ({ search, states }): those at work, and those that have ended, newest first. */
export class RunsModel {
  constructor(changed) {
    this.changed = changed;
    this.filter = { search: "", states: [] };
    this.forget();
  }

  forget() {
    this.now = [];
    this.before = [];
    this.next = undefined; // cursor of the next page; undefined: there is none
    this.loaded = false;
    this.problem = null;
    this.asked?.abort();
    this.asked = new AbortController();
    this.loadingMore = null;
    this.refreshing = null;
    this.again = false;
  }

  dispose() {
    this.asked.abort();
  }

  query(of, more) {
    const chosen = this.filter.states.length === 0 ? of : of.filter((state) => this.filter.states.includes(state));
    if (chosen.length === 0) return null;
    return withQuery("/v1/runs", { brief: true, states: chosen.join(","), search: this.filter.search.trim(), ...more });
  }

  async page(of, more, signal) {
    const path = this.query(of, more);
    return path === null ? { runs: [] } : json(path, { signal });
  }

  /** Reads the beginning of both lists anew; what was read of older runs stays. Calls that come meanwhile are one more. */
  refresh() {
    if (this.refreshing) {
      this.again = true;
      return this.refreshing;
    }
    const { signal } = this.asked;
    this.refreshing = this.readBegin(signal).finally(() => {
      if (signal.aborted) return;
      this.refreshing = null;
      if (this.again) void this.refresh();
      this.again = false;
    });
    return this.refreshing;
  }

  async readBegin(signal) {
    try {
      const [now, before] = await Promise.all([
        this.page(activeStates, { limit: 1000 }, signal),
        this.page(finalStates, { limit: pageSize }, signal),
      ]);
      if (signal.aborted) return;
      const active = new Set(now.runs.map((run) => run.id));
      const ended = this.now.filter((run) => !active.has(run.id));
      this.now = now.runs;
      this.mergeBegin(before, ended);
      this.problem = null;
      this.loaded = true;
    } catch (problem) {
      if (signal.aborted) return;
      this.problem = problem;
    }
    this.changed();
  }

  /** Older runs that were read stay, unless one that has ended belongs among them. */
  mergeBegin(page, ended) {
    const known = new Set(page.runs.map((run) => run.id));
    const oldest = this.before.findIndex((run) => run.id === page.runs.at(-1)?.id);
    const complete = page.next && oldest >= 0 && ended.every((run) => known.has(run.id));
    const older = complete ? this.before.slice(oldest + 1) : [];
    this.before = page.runs.concat(older);
    if (older.length === 0) this.next = page.next;
  }

  /** Reads the next page of older runs. */
  async more() {
    if (!this.loaded || !this.next || this.loadingMore) return;
    const { signal } = this.asked;
    this.loadingMore = this.next;
    try {
      const page = await this.page(finalStates, { limit: pageSize, after: this.next }, signal);
      if (signal.aborted) return;
      this.before = this.before.concat(page.runs);
      this.next = page.next;
    } catch (problem) {
      if (signal.aborted) return;
      this.problem = problem;
    } finally {
      if (!signal.aborted) this.loadingMore = null;
    }
    this.changed();
  }

  /** Other runs are wanted. */
  ask(filter) {
    this.filter = filter;
    this.forget();
    return this.refresh();
  }
}

/** Seconds that a run has worked, or worked. */
export function secondsOf(run, now = Date.now() * 1000) {
  const begin = run.started || (isFinal(run.state) ? 0 : run.created);
  if (!begin) return NaN;
  return Math.max(0, (run.ended || now) - begin) / 1e6;
}

export const readRun = (id, signal) => json(runPath(id), { signal });
