// A table of many rows of which only those are in the document that can be seen. It scrolls with the page.

import { h, setAttribute } from "./dom.js";

const beyond = 8; // rows above and below what is seen

/**
 * `columns`: [{ name, title }]. `make()` gives { element, update(item, index) } of a row, whose element has one link or
 * button that the arrow keys move between. `keyOf(item)` names an item for as long as it exists. `nearEnd` is called
 * when the last rows come into sight. Its rows are as high as the custom property --row-height of its element says.
 */
export class VirtualList {
  constructor({ label, columns, make, keyOf, nearEnd = () => {}, kind = "" }) {
    this.make = make;
    this.keyOf = keyOf;
    this.nearEnd = nearEnd;
    this.items = [];
    this.rows = new Map();
    this.asked = false;
    this.body = h("div", { class: "rows", role: "rowgroup", keydown: (event) => this.onKey(event) });
    this.head = h("div", { class: "heads", role: "rowgroup" },
      h("div", { class: "row head", role: "row", "aria-rowindex": "1" },
        columns.map(({ name, title }) => h("span", { class: name, role: "columnheader" }, title))));
    this.element = h("div", { class: `table ${kind}`, role: "table", "aria-label": label }, this.head, this.body);
    this.ask = () => this.drawSoon();
    window.addEventListener("scroll", this.ask, { passive: true });
    window.addEventListener("resize", this.ask, { passive: true });
  }

  dispose() {
    window.removeEventListener("scroll", this.ask);
    window.removeEventListener("resize", this.ask);
  }

  /** Shows `items`; `total` where it is known that there are more. */
  set(items, total = items.length) {
    this.items = items;
    this.total = total;
    this.draw();
  }

  drawSoon() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      if (this.element.isConnected) this.draw();
    });
  }

  draw() {
    const height = this.rowHeight();
    const { top } = this.body.getBoundingClientRect();
    const first = Math.max(0, Math.floor(-top / height) - beyond);
    const last = Math.min(this.items.length, Math.ceil((innerHeight - top) / height) + beyond);
    this.body.style.height = `${this.items.length * height}px`;
    setAttribute(this.element, "aria-rowcount", this.total + 1);
    const wanted = new Set();
    for (let index = first; index < last; ++index) wanted.add(this.place(index, height));
    const focused = document.activeElement;
    for (const [key, row] of this.rows) {
      if (wanted.has(key)) continue;
      // What has the focus stays, or the keyboard would start again at the top of the page.
      if (row.element.contains(document.activeElement) && this.holds(key)) continue;
      row.element.remove();
      this.rows.delete(key);
    }
    this.order(wanted);
    if (focused !== document.activeElement && this.body.contains(focused)) focused.focus({ preventScroll: true });
    if (last >= this.items.length - beyond) this.nearEnd();
  }

  /** Screen readers and the tab key take rows as they follow each other in the document. */
  order(keys) {
    let next = this.body.firstChild;
    for (const key of keys) {
      const { element } = this.rows.get(key);
      if (element === next) next = next.nextSibling;
      else this.body.insertBefore(element, next);
    }
  }

  place(index, height) {
    const item = this.items[index];
    const key = this.keyOf(item);
    let row = this.rows.get(key);
    if (!row) {
      row = this.make();
      row.element.classList.add("row");
      row.element.setAttribute("role", "row");
      this.rows.set(key, row);
      this.body.append(row.element);
    }
    if (row.index !== index || row.height !== height) {
      row.index = index;
      row.height = height;
      row.element.style.transform = `translateY(${index * height}px)`;
      row.element.setAttribute("aria-rowindex", index + 2);
    }
    row.update(item, index);
    return key;
  }

  holds(key) {
    return this.items.some((item) => this.keyOf(item) === key);
  }

  rowHeight() {
    return parseFloat(getComputedStyle(this.element).getPropertyValue("--row-height")) || 40;
  }

  onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, Home: -Infinity, End: Infinity }[event.key];
    const from = [...this.rows.values()].find((row) => row.element.contains(document.activeElement));
    if (step === undefined || !from) return;
    event.preventDefault();
    this.focus(Math.min(this.items.length - 1, Math.max(0, from.index + step)));
  }

  /** Brings a row into sight and gives it the focus. */
  focus(index) {
    const height = this.rowHeight();
    const top = this.body.getBoundingClientRect().top + index * height;
    const covered = this.head.getBoundingClientRect().height;
    if (top < covered) window.scrollBy(0, top - covered - height);
    else if (top + height > innerHeight) window.scrollBy(0, top + 2 * height - innerHeight);
    this.draw();
    this.rows.get(this.keyOf(this.items[index]))?.element.querySelector("a, button")?.focus({ preventScroll: true });
  }
}
