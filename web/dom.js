// Builds elements. Everything that comes from the node is put in as text, never as markup: names of pipelines, rows and
// files are written by others. The page's Content-Security-Policy refuses innerHTML as well.

const svgNames = new Set(["svg", "g", "path", "rect", "circle", "line", "text", "title", "defs", "marker"]);

/**
 * Makes an element. An attribute that is a function is a listener for the event of its name; null, undefined and false
 * leave an attribute out, true sets it without a value. Children are elements, texts or numbers; null and false are
 * left out.
 */
export function h(name, attributes = {}, ...children) {
  const made = svgNames.has(name)
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(key, value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  add(made, children);
  return made;
}

/** Appends children as `h` does. */
export function add(to, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    to.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Replaces everything in an element. */
export function fill(element, ...children) {
  element.replaceChildren();
  add(element, children);
  return element;
}

/** Sets an element's text, and touches the document only where it differs. */
export function setText(element, text) {
  const wanted = String(text ?? "");
  if (element.textContent !== wanted) element.textContent = wanted;
}

/** Sets or removes an attribute, and touches the document only where it differs. */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(value)) {
    element.setAttribute(name, value);
  }
}

/** Text with `commands` in it, as the node's hints are written. */
export function prose(text) {
  return shown(text).split("`").map((part, index) => (index % 2 === 1 ? h("code", {}, part) : part));
}

/**
 * Makes characters visible that would hide or reorder others: controls become pictures of themselves, marks that change
 * the direction of writing their number.
 */
export function shown(text) {
  return String(text ?? "").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, (mark) => {
    const code = mark.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}

let sayTimer = 0;
/** Tells screen readers what has changed. What comes within a moment is replaced by the last. */
export function say(text) {
  clearTimeout(sayTimer);
  sayTimer = setTimeout(() => setText(document.getElementById("said"), text), 150);
}
