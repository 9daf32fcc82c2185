"""The page by keyboard and screen reader, in light and dark, wide and narrow: axe-core finds nothing, every action is reached
without a mouse, what has the focus is seen."""

import pathlib
import tempfile
import unittest

from browser import Browser, Keys
from command_line import ENDLESS
from page_node import PageNode

PIPELINE = """\
version: 1
pipeline: orders
extract:
  orders: { csv: { path: orders.csv }, types: { id: bigint } }
transform:
  one: { from: orders, filter: "id > 0" }
  two: { from: orders, filter: "id < 0" }
load:
  all: { from: one, ndjson: { path: one.ndjson } }
  none: { from: two, ndjson: { path: two.ndjson } }
"""


class Accessible(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        cls.node = PageNode(cls.path)
        (cls.path / "orders.csv").write_text("id\n1\nx\n")
        cls.failed = cls.node.submit(PIPELINE)
        cls.node.ended(cls.failed)
        cls.endless = cls.node.submit(ENDLESS)

    @classmethod
    def tearDownClass(cls):
        cls.node.kill()
        cls.folder.cleanup()

    def browser(self, **how):
        browser = Browser(**how)
        self.addCleanup(browser.close)
        return browser

    def enter(self, browser):
        browser.open(f"{self.node.url}/#token={self.node.token}")
        browser.see("h1", "Runs")

    def views(self, browser):
        """Shows each part of the page; gives its name."""
        browser.open(self.node.url)
        browser.see("h1", "Token of this node")
        yield "token"
        self.enter(browser)
        browser.see(".rows .row", "orders")
        yield "runs"
        for part, selector in (("units", ".graph .unit"), ("events", ".events .row"), ("rejects", ".rejects .row"), ("pipeline", "pre")):
            browser.go(f"#/runs/{self.failed}/{part}")
            browser.see(selector)
            yield part
        browser.go(f"#/runs/{self.endless}")
        browser.see(".run-head .badge", "running")
        browser.button("Table").click()
        browser.see(".units .row .link").click()
        browser.see(".unit-panel")
        yield "units as a table, and one unit"
        browser.button("Cancel").click()
        browser.see("dialog")
        yield "question"
        browser.press(Keys.ESCAPE)
        browser.go("#/submit")
        browser.see("#text").send_keys("nonsense: 1")
        browser.see("#folder").send_keys("/tmp")
        browser.button("Submit").click()
        browser.see("#faults li")
        yield "submit"
        text = "pipeline: orders\nschedule: { cron: '0 5 * * *' }\nextract: { a: { generate: { rows: 1, columns: { id: sequence } } } }\n"
        text += "load: { out: { from: a, ndjson: { path: out/a.ndjson } } }\n"
        self.node.ask("/v1/pipelines", {"text": text, "file": "p.yaml", "base_folder": "/tmp"})
        browser.go("#/pipelines")
        browser.see(".pipelines .row", "orders")
        browser.see("table.deployed tr", "orders")
        yield "pipelines"
        text += f"channels: {{ log: {{ file: {self.path}/told.ndjson }} }}\nnotify: [{{ name: all, to: [log] }}]\n"
        self.node.ended(self.node.submit(text.replace("pipeline: orders", "pipeline: told")))
        browser.go("#/notifications")
        browser.see("table.rules tr", "all")
        browser.see(".deliveries .row", "run.succeeded")
        yield "notifications"
        browser.go("#/nodes")
        browser.see("tbody tr")
        yield "nodes"

    def test_nothing_keeps_people_out(self):
        for how in ({}, {"dark": True}, {"width": 400}, {"width": 400, "dark": True}):
            browser = self.browser(**how)
            for name in self.views(browser):
                with self.subTest(name, **how):
                    self.assertEqual(browser.barriers(), [])
                    wide = browser.script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
                    self.assertLessEqual(wide, 0, "the page can be scrolled sideways")

    def test_from_the_list_to_a_question_by_keyboard_alone(self):
        browser = self.browser()
        self.enter(browser)
        browser.see(".rows .row", "endless")
        browser.press(Keys.TAB)
        self.assertEqual(browser.focused().text, "Skip to the content")
        browser.press(Keys.ENTER)
        names = []
        for _ in range(12):
            browser.press(Keys.TAB)
            names.append(browser.focused().text)
            if names[-1] == "endless":
                break
        self.assertEqual(names[-1], "endless", names)
        browser.press(Keys.ENTER)
        browser.see("h1", "endless")
        browser.until(lambda: browser.focused().tag_name == "h1", "the focus goes along to the new part")
        for _ in range(6):
            browser.press(Keys.TAB)
            if browser.focused().text == "Cancel":
                break
        self.assertEqual(browser.focused().text, "Cancel")
        outline = browser.script("return getComputedStyle(document.activeElement).outlineStyle")
        self.assertEqual(outline, "solid")
        browser.press(Keys.ENTER)
        browser.see("dialog", "Cancel the run of endless?")
        browser.press(Keys.ESCAPE)
        browser.until(lambda: browser.focused().text == "Cancel", "the focus comes back")

    def test_arrow_keys_move_between_runs_and_between_units(self):
        browser = self.browser()
        self.enter(browser)
        browser.see(".rows .row", "endless")
        browser.script("document.querySelector('[aria-label=\"Ended runs\"] .rows a').focus()")
        browser.press(Keys.END)
        self.assertEqual(browser.focused().text, "orders")
        browser.go(f"#/runs/{self.failed}")
        browser.see(".graph .unit")
        browser.script("document.querySelector('.graph .unit[tabindex=\"0\"]').focus()")
        unit = lambda: browser.focused().get_attribute("aria-label").split(",")[0]
        self.assertEqual(unit(), "orders")
        browser.press(Keys.ARROW_RIGHT)
        first = unit()
        self.assertIn(first, ("one", "two"))
        browser.press(Keys.ARROW_DOWN if first == "one" else Keys.ARROW_UP)
        self.assertEqual({first, unit()}, {"one", "two"})
        browser.press(Keys.ARROW_LEFT)
        self.assertEqual(unit(), "orders")
        browser.press(Keys.ENTER)
        browser.see(".unit-panel h2", "orders")
        browser.press(Keys.ESCAPE)
        browser.until(lambda: not browser.see(".graph") or browser.focused().get_attribute("aria-label").startswith("orders"), "the focus comes back")
        self.assertFalse([panel for panel in browser.all(".unit-panel") if panel.is_displayed()])

    def test_tabs_are_tabs_and_tables_are_tables(self):
        browser = self.browser()
        self.enter(browser)
        browser.go(f"#/runs/{self.failed}")
        browser.see(".graph .unit")
        browser.button("Units").send_keys(Keys.ARROW_RIGHT)
        browser.see(".events .row")
        self.assertEqual(browser.focused().get_attribute("aria-selected"), "true")
        self.assertEqual(browser.focused().accessible_name.split()[0], "Events")
        table = browser.see("[role=table][aria-label=Events]")
        self.assertGreater(int(table.get_attribute("aria-rowcount")), 3)
        self.assertEqual([head.text for head in browser.all("[aria-label=Events] [role=columnheader]")], ["Time", "Event", "Unit", "What it says"])

    def test_what_changes_is_said_to_screen_readers(self):
        browser = self.browser()
        self.enter(browser)
        self.assertEqual(browser.see("#live").get_attribute("role"), "status")
        run = self.node.submit(ENDLESS.replace("endless", "short-lived"))
        browser.go(f"#/runs/{run}")
        browser.see(".run-head .badge", "running")
        self.node.cancel(run)
        browser.until(lambda: "cancelled" in browser.script("return document.getElementById('said').textContent"), "a word about the end")

    def test_nothing_moves_for_those_who_want_no_motion(self):
        moving = "return document.getAnimations().filter((each) => each.playState === 'running').length"
        for reduced in (False, True):
            browser = self.browser(reduced_motion=reduced)
            self.enter(browser)
            browser.go(f"#/runs/{self.endless}")
            browser.until(lambda: browser.all(".lines path[data-flows=true]"), "a line on which rows flow")
            self.assertEqual(browser.script(moving) == 0, reduced)


if __name__ == "__main__":
    unittest.main()
