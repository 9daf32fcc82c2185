// What the token allows: buttons are offered to those who may use them. The node decides all the same.

import { json } from "./api.js";
import { hasPath } from "./features.js";

const ranks = ["viewer", "operator", "admin"];

/** Whether the token has a role, or more. A node that does not tell is taken to allow everything. */
export async function allows(role) {
  if (!(await hasPath("/v1/identity"))) return true;
  try {
    const { role: own } = await json("/v1/identity");
    return ranks.indexOf(own) >= ranks.indexOf(role);
  } catch {
    return true;
  }
}
