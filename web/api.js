// Requests to the node that served the page.

import { token } from "./token.js";

/** What the node refused, or why it could not be asked. `problem` is { code, message, hint, ... } as the API gives it. */
export class ApiError extends Error {
  constructor(status, problem, faults = []) {
    super(problem.message ?? problem.code ?? `status ${status}`);
    this.status = status;
    this.problem = problem;
    this.faults = faults;
  }
}

const onUnauthorized = new Set();
/** Calls `listener` when the node no longer takes the token. */
export function whenUnauthorized(listener) {
  onUnauthorized.add(listener);
}

function notReached() {
  return new ApiError(0, { code: "not_reached", message: "The node does not answer", hint: "Check that `sluice node` is running" });
}

/** Sends a request; gives the response where its status is good. Errors: ApiError, AbortError. */
export async function send(path, { method = "GET", body, signal, accept = "application/json", headers = {} } = {}) {
  let response;
  const used = token();
  try {
    response = await fetch(path, {
      method,
      signal,
      body: body === undefined ? undefined : JSON.stringify(body),
      headers: { ...headers, Authorization: `Bearer ${used}`, Accept: accept },
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw notReached();
  }
  if (response.ok) return response;
  const text = await response.text().catch(() => "");
  let answer = {};
  try {
    answer = JSON.parse(text) ?? {};
  } catch {
    // Not the API's answer: its status is all that is known.
  }
  const problem = new ApiError(
    response.status,
    answer.error ?? { code: "unexpected_answer", message: `The node answered with status ${response.status}` },
    answer.faults ?? [],
  );
  problem.more = answer.more_faults ?? 0;
  if (response.status === 401 && used === token()) for (const listener of onUnauthorized) listener(problem);
  throw problem;
}

async function read(response, how) {
  try {
    return await response[how]();
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw notReached();
  }
}

/** A request whose answer is JSON. */
export async function json(path, options) {
  return read(await send(path, options), "json");
}

/** A request whose answer is one JSON value per line; a line that was cut off is left out. */
export async function lines(path, options) {
  const text = await read(await send(path, { ...options, accept: "application/x-ndjson" }), "text");
  const values = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    try {
      values.push(JSON.parse(line));
    } catch {
      // The last line of a file that is being written.
    }
  }
  return values;
}

/** "/v1/runs" and { state: "failed" } -> "/v1/runs?state=failed"; what is empty is left out. */
export function withQuery(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

export const runPath = (id) => `/v1/runs/${encodeURIComponent(id)}`;
