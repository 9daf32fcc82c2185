// One run: its record, plan, units and events, kept up to date.

import { json, lines, runPath, withQuery } from "./api.js";
import { isFinal } from "./states.js";

const eventsAtOnce = 2_000;

export class RunModel {
  constructor(id, changed) {
    this.id = id;
    this.changed = changed;
    this.run = null;
    this.plan = null;
    this.units = [];
    this.edges = [];
    this.events = [];
    this.nodes = new Map(); // of each unit
    this.problem = null;
    this.version = 0; // of what the units are; numbers in them change without
    this.asked = new AbortController();
    this.reading = null;
  }

  dispose() {
    this.asked.abort();
  }

  get live() {
    return this.run !== null && !isFinal(this.run.state);
  }

  /** Reads all that is not known yet; calls that come meanwhile are one more. */
  read() {
    if (this.reading) {
      this.again = true;
      return this.reading;
    }
    this.reading = this.readNow().finally(() => {
      this.reading = null;
      if (this.again && !this.asked.signal.aborted) void this.read();
      this.again = false;
    });
    return this.reading;
  }

  async readNow() {
    const { signal } = this.asked;
    try {
      this.run = await json(runPath(this.id), { signal });
      this.id = this.run.id;
      if (this.planOf !== this.run.state && (this.plan === null || this.planOf === "queued")) await this.readPlan(signal);
      await this.readEvents(signal);
      this.problem = null;
    } catch (problem) {
      if (signal.aborted) return;
      this.problem = problem;
    }
    this.update();
    this.changed();
  }

  /** A run that waited may be planned again when it starts. */
  async readPlan(signal) {
    this.planOf = this.run.state;
    try {
      this.plan = await json(`${runPath(this.id)}/plan`, { signal });
    } catch (problem) {
      if (signal.aborted) throw problem;
      this.plan = { units: [], edges: [], problem };
    }
    this.version += 1;
  }

  /** Reads the events above the newest known one. */
  async readEvents(signal) {
    for (;;) {
      const after = this.events.at(-1)?.data.cursor ?? 0;
      const more = await lines(withQuery(`${runPath(this.id)}/events`, { after, follow: false }), { signal });
      this.take(more);
      if (more.length < eventsAtOnce) return;
    }
  }

  /** Takes events in order; those that are known already are dropped. */
  take(more) {
    let newest = this.events.at(-1)?.data.cursor ?? 0;
    for (const event of more) {
      if (event.data.cursor <= newest) continue;
      newest = event.data.cursor;
      this.events.push(event);
      if (event.type === "unit.started" && event.data.node) this.nodes.set(event.subject, event.data.node);
    }
  }

  /** Only numbers: asked often while the run is at work. */
  async readProgress() {
    const { signal } = this.asked;
    try {
      this.run = await json(runPath(this.id), { signal });
      this.problem = null;
    } catch (problem) {
      if (signal.aborted) return;
      this.problem = problem;
    }
    this.update();
    this.changed();
  }

  /** Joins what the plan, the progress or the summary, and the events say of each unit. */
  update() {
    if (this.run === null) return;
    const told = this.run.progress?.units ?? this.run.summary?.units ?? [];
    if (this.joined !== this.version || (this.units.length === 0 && told.length > 0)) this.join(told);
    const numbers = new Map(told.map((unit) => [unit.unit, unit]));
    const failed = this.failedUnit();
    const done = new Set(this.live ? [] : this.events.filter((event) => event.type === "unit.finished").map((event) => event.subject));
    for (const unit of this.units) {
      const now = numbers.get(unit.name) ?? {};
      unit.counters = now;
      unit.rate = this.live ? now.rows_per_second ?? 0 : 0;
      unit.done = now.done;
      unit.heldBack = this.live ? now.held_back : undefined;
      unit.starved = this.live ? now.starved : undefined;
      unit.target = now.target ?? "";
      unit.node = this.nodes.get(unit.name) ?? "";
      unit.state = this.stateOf(unit, now, failed, done);
      // A source counts what it reads, a sink what it loads (nothing before the run's end), others what passes through.
      unit.rows = unit.role === "load" && !this.live ? now.out : now.in;
    }
    for (const unit of this.units) unit.bottleneck = this.isBottleneck(unit);
  }

  stateOf(unit, now, failed, done) {
    if (unit.name === failed) return "failed";
    if (now.state) return now.state;
    if (this.live) return "waiting";
    const good = this.run.state === "succeeded" || this.run.state === "partial";
    return good || done.has(unit.name) ? "finished" : "stopped";
  }

  failedUnit() {
    return /^unit (\S+?)(?:,|$)/.exec(this.run.cause?.where ?? "")?.[1] ?? this.run.cause?.unit;
  }

  /** Slows others down, and neither waits for rows nor is slowed down itself. */
  isBottleneck(unit) {
    return this.live && unit.state === "running" && !(unit.heldBack > 0.3) && !(unit.starved > 0.5)
      && unit.inputs.some((index) => this.units[index].heldBack > 0.5);
  }

  join(told) {
    this.version += 1;
    this.joined = this.version;
    const planned = this.plan?.units ?? [];
    const known = planned.length > 0 ? planned : told;
    this.units = known.map((unit, index) => ({
      index,
      name: unit.unit,
      role: unit.role ?? "",
      component: unit.component ?? "",
      parallelism: unit.parallelism ?? 1,
      planned: unit,
      inputs: [],
      outputs: [],
      counters: {},
      state: "waiting",
    }));
    const byName = new Map(this.units.map((unit) => [unit.name, unit.index]));
    this.edges = (this.plan?.edges ?? []).flatMap((edge) => {
      const [from, to] = [byName.get(edge.from), byName.get(edge.to)];
      if (from === undefined || to === undefined) return [];
      this.units[from].outputs.push(to);
      this.units[to].inputs.push(from);
      return [{ ...edge, from, to }];
    });
  }

  sum(role, counter) {
    return this.units.filter((unit) => unit.role === role).reduce((sum, unit) => sum + (unit.counters[counter] ?? 0), 0);
  }

  rejected() {
    if (Number.isFinite(this.run.summary?.rejected) && !this.live) return this.run.summary.rejected;
    return this.units.reduce((sum, unit) => sum + (unit.counters.rejected ?? 0), 0);
  }
}
