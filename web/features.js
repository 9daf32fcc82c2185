// What this node can do: the page offers only what the node's API has.

import { json } from "./api.js";

let asked = null;

async function readPaths() {
  const { paths } = await json("/v1/openapi.json");
  return new Set(Object.keys(paths));
}

/** Whether the API has a path, as its description writes it: "/v1/runs/{run}/checkpoints". */
export async function hasPath(path) {
  asked ??= readPaths();
  try {
    return (await asked).has(path);
  } catch {
    asked = null;
    return false;
  }
}
