// Reads the text format of Prometheus, as far as the node writes it.

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const label = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const escapes = { n: "\n", '"': '"', "\\": "\\" };

/** Gives [{ name, labels, value }]; comments and what can't be read are left out. */
export function parseMetrics(text) {
  return text.split("\n").flatMap((each) => {
    const found = each.startsWith("#") ? null : line.exec(each);
    if (!found || !Number.isFinite(Number(found[3]))) return [];
    const labels = {};
    for (const [, key, value] of (found[2] ?? "").matchAll(label)) labels[key] = value.replace(/\\(.)/g, (all, letter) => escapes[letter] ?? all);
    return [{ name: found[1], labels, value: Number(found[3]) }];
  });
}
