#!/usr/bin/env python3
"""How fast the web page is with 10,000 runs in the state database and a run of 2,000 units at work, in headless Chromium:

    .deps/venv/bin/python benchmarks/web_page.py [--times 5] [--screenshots FOLDER]

The first paint and the first rows are counted from the start of the navigation. Of each click and key: `paint` is the time until
the page has painted its answer (Event Timing, as browsers report it for INP; what is below 16 ms is not reported), `done` the time
until what was asked for is in the page, the node's answer included; `work` the processor time of the page's main thread, which does
not depend on what else the machine does. Exit 1 where the first rows come after 1 s or a click is
painted after 100 ms (medians)."""

import argparse
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "benchmarks")]
from browser import Browser, Keys  # noqa: E402
from page_node import PageNode  # noqa: E402

RUNS = 10_000
UNITS = 2_000
SMALL = """\
version: 1
pipeline: NAME
owner: data@shop.example
extract:
  numbers: { generate: { rows: 100, columns: { id: sequence } } }
transform:
  even: { from: numbers, filter: "id % 2 = 0" }
load:
  out: { from: even, blackhole: {} }
"""


def wide_pipeline():
    """Sources that feed chains of three units each: UNITS in all."""
    sources, chains = 5, range((UNITS - 5) // 3)
    text = "version: 1\npipeline: wide\nextract:\n"
    text += "".join(f"  source_{i}: {{ generate: {{ rows: 1000000000, rate: 20, columns: {{ id: sequence }} }} }}\n" for i in range(sources))
    text += "transform:\n"
    for i in chains:
        text += f'  kept_{i}: {{ from: source_{i % sources}, filter: "id >= 0" }}\n  made_{i}: {{ from: kept_{i}, derive: {{ x: "id * 2" }} }}\n'
    return text + "load:\n" + "".join(f"  out_{i}: {{ from: made_{i}, blackhole: {{}} }}\n" for i in chains)


def copy_runs(state):
    """Makes RUNS of the runs that there are, by copying their records and events."""
    with sqlite3.connect(state / "sluice.db") as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(runs)") if row[1] not in ("position", "id")]
        known = [row[0] for row in database.execute("SELECT id FROM runs")]
        names = ", ".join(columns)
        for number in range(RUNS - len(known)):
            made, of = str(uuid.UUID(int=(number << 96) | number + 1)), known[number % len(known)]
            database.execute(f"INSERT INTO runs (id, {names}) SELECT ?, {names} FROM runs WHERE id = ?", (made, of))
            database.execute("INSERT INTO events (run, sequence, type, unit, time, data) SELECT ?, sequence, type, unit, time, data FROM events "
                             "WHERE run = ?", (made, of))


def prepared(folder):
    node = PageNode(folder)
    for name in ("orders", "customers", "revenue"):
        node.ended(node.submit(SMALL.replace("NAME", name)))
    node.ended(node.submit(SMALL.replace("NAME", "broken").replace("id % 2 = 0", "1 / (id - 50) > 0")))
    node.stop()
    copy_runs(node.state)
    node.start()
    return node, node.submit(wide_pipeline())


WATCH = """
window.seen = [];
new PerformanceObserver((list) => { for (const entry of list.getEntries()) seen.push(entry.duration); })
  .observe({ type: 'event', durationThreshold: 16 });
window.expect = (condition) => {
  window.took = new Promise((done) => {
    const begin = (event) => {
      removeEventListener('pointerdown', begin, true);
      removeEventListener('keydown', begin, true);
      const look = () => (condition() ? done(performance.now() - event.timeStamp) : requestAnimationFrame(look));
      requestAnimationFrame(look);
    };
    addEventListener('pointerdown', begin, true);
    addEventListener('keydown', begin, true);
  });
};
"""


def work(browser):
    """Milliseconds that the page's main thread has worked, whatever else the machine does."""
    metrics = browser.devtools("Performance.getMetrics")["metrics"]
    return 1000 * next(each["value"] for each in metrics if each["name"] == "TaskDuration")


class Measured:
    def __init__(self):
        self.figures = {}

    def note(self, what, kind, milliseconds):
        self.figures.setdefault(what, {}).setdefault(kind, []).append(milliseconds)

    def act(self, browser, what, condition, act):
        """Does something, and notes how long it took until the condition (an expression in the page) holds."""
        browser.script("seen.length = 0; expect(() => " + condition + ");")
        before = work(browser)
        act()
        done = browser.module("return await Promise.race([took, new Promise((late) => setTimeout(() => late(null), 20000))]);")
        if done is None:
            raise AssertionError(f"{what}: never saw {condition} in {browser.text()}")
        # The browser reports events after the frame that they caused.
        browser.module("await new Promise((go) => setTimeout(go, 150));")
        self.note(what, "paint", max(browser.script("return seen"), default=0))
        self.note(what, "done", done)
        self.note(what, "work", work(browser) - before)


def count(selector):
    return f"document.querySelectorAll('{selector}').length"


def once(node, wide, measured, screenshots):
    browser = Browser()
    try:
        browser.devtools("Performance.enable", timeDomain="threadTicks")
        browser.open(f"{node.url}/#token={node.token}")
        rows = browser.module("const look = (done) => (document.querySelectorAll('.rows .row').length > 5 ? done(performance.now()) "
                              ": requestAnimationFrame(() => look(done))); return await new Promise(look);")
        measured.note("open the list of runs", "first paint", browser.script("return performance.getEntriesByType('paint').at(-1).startTime"))
        measured.note("open the list of runs", "first rows", rows)
        browser.see("#live", "Live")
        browser.script(WATCH)
        act = lambda *what: measured.act(browser, *what)
        act("show the failed ones", f"{count('.rows .badge[data-state=failed]')} > 5 && {count('.rows .badge[data-state=succeeded]')} === 0",
            browser.button("Failed").click)
        act("show all", f"{count('.rows .badge[data-state=succeeded]')} > 5", browser.button("All").click)
        search = browser.see("#search")
        act("search for a pipeline", "[...document.querySelectorAll('[aria-label=\"Ended runs\"] .name a')].every((name) => name.textContent === 'customers')",
            lambda: search.send_keys("cust"))
        act("clear the search", "[...document.querySelectorAll('.name a')].some((name) => name.textContent === 'orders')",
            lambda: search.send_keys(Keys.ESCAPE))
        browser.script("document.querySelector('[aria-label=\"Ended runs\"] .rows a').focus()")
        for _ in range(3):
            act("jump to the last row that is there", "scrollY > 0", lambda: browser.press(Keys.END))
        browser.script("scrollTo(0, 0)")
        act("open the run of 2,000 units", f"{count('.graph .unit')} > 10", browser.see("[aria-label='Active runs'] .name a").click)
        if screenshots:
            browser.screenshot(screenshots / "wide.png")
        act("choose a unit", "!document.querySelector('.unit-panel').hidden", browser.see(".graph .unit .box").click)
        act("close it", "document.querySelector('.unit-panel').hidden", browser.button("Close").click)
        act("show all of the graph", "document.querySelector('.overview path[data-kind]')?.getAttribute('d').length > 10000", browser.button("All").click)
        browser.script("window.before = document.querySelector('.zoom output').textContent")
        act("larger", "document.querySelector('.zoom output').textContent !== before", browser.button("Larger").click)
        act("show the units as a table", f"{count('.units .row')} > 10", browser.button("Table").click)
        act("show the events", f"{count('.events .row')} > 10", browser.button("Events").click)
        act("show the pipeline", "document.querySelector('pre').textContent.length > 1000", browser.button("Pipeline").click)
        act("go back to the list", f"{count('.runs .row')} > 10", browser.see("nav a").click)
        wrong = browser.console()
        if wrong:
            raise AssertionError(wrong)
    finally:
        browser.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--screenshots", type=pathlib.Path)
    given = parser.parse_args()
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    measured = Measured()
    with tempfile.TemporaryDirectory() as folder:
        node, wide = prepared(pathlib.Path(folder))
        try:
            for _ in range(given.times):
                once(node, wide, measured, given.screenshots)
        finally:
            node.kill()
    print(f"{commit}, medians of {given.times} (most), milliseconds")
    slow = False
    for what, kinds in measured.figures.items():
        print(f"{what:36}" + "  ".join(f"{kind} {statistics.median(all_):.0f} ({max(all_):.0f})" for kind, all_ in kinds.items()))
        slow = slow or statistics.median(kinds.get("first rows", [0])) > 1000 or statistics.median(kinds.get("paint", [0])) > 100
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
