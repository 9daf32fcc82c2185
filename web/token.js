// The token that opens the node's data. It is kept for this tab only, and goes to the node in a header, never in an
// address.

const key = "sluice-token";
const inAddress = /^#token=([^&]+)/;

/** Takes the token out of a link like http://127.0.0.1:7071/#token=..., so that it is in no history; gives whether it did. */
export function takeFromAddress() {
  const found = inAddress.exec(location.hash);
  if (!found) return false;
  history.replaceState(null, "", `${location.pathname}#/runs`);
  try {
    keep(decodeURIComponent(found[1]));
  } catch {
    keep(found[1]);
  }
  return true;
}

export function token() {
  return sessionStorage.getItem(key);
}

export function keep(value) {
  sessionStorage.setItem(key, value.trim());
}

export function forget() {
  sessionStorage.removeItem(key);
}
