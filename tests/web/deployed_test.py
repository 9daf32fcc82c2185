"""The page lists deployed pipelines with schedule, next run, last success and lateness; they are triggered, paused and resumed there."""

import pathlib
import tempfile
import unittest

from browser import Browser
from page_node import PageNode

PIPELINE = """\
pipeline: {name}
schedule: {schedule}
extract: {{ numbers: {{ generate: {{ rows: 10, columns: {{ id: sequence }} }} }} }}
load: {{ out: {{ from: numbers, ndjson: {{ path: out/{name}.ndjson }} }} }}
"""
NIGHTLY = PIPELINE.format(name="nightly", schedule='{ cron: "0 5 * * *", timezone: Europe/Berlin }')
# Its run can't be planned, so that it misses its deadline.
LATE = PIPELINE.format(name="late", schedule="{ every: 1s, deadline: 1s }").replace(
    "generate: { rows: 10, columns: { id: sequence } }", "csv: { path: missing.csv }")


class Deployed(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.node = PageNode(self.path)
        self.addCleanup(self.node.stop)
        self.browser = Browser()
        self.addCleanup(self.browser.close)

    def deploy(self, text):
        self.node.ask("/v1/pipelines", {"text": text, "file": "p.yaml", "base_folder": str(self.path)})

    def cell(self, name, which):
        for row in self.browser.all("table.deployed tbody tr"):
            if row.find_element("css selector", "th").text == name:
                return row.find_element("css selector", f"td.{which}").text
        return None

    def press(self, name, title, answer):
        for row in self.browser.all("table.deployed tbody tr"):
            if row.find_element("css selector", "th").text == name:
                for button in row.find_elements("css selector", "button"):
                    if button.text == title:
                        button.click()
        self.browser.see("dialog")
        self.browser.button(answer).click()

    def test_schedules_are_seen_and_steered(self):
        browser = self.browser
        self.deploy(NIGHTLY)
        browser.open(f"{self.node.url}/#token={self.node.token}")
        browser.see("h1", "Runs")
        browser.go("#/pipelines")
        browser.until(lambda: self.cell("nightly", "schedule") == "0 5 * * * Europe/Berlin", "the schedule")
        self.assertEqual((self.cell("nightly", "success"), self.cell("nightly", "state")), ("never", "in time"))
        self.assertTrue(self.cell("nightly", "next"))

        self.press("nightly", "Trigger", "Start a run")
        browser.until(lambda: (self.path / "out/nightly.ndjson").exists(), "the output of the run")
        browser.until(lambda: self.cell("nightly", "success") not in ("never", None), "the last success")

        self.press("nightly", "Pause", "Pause the schedule")
        browser.until(lambda: self.cell("nightly", "state") == "paused", "that it is paused")
        self.assertEqual(self.cell("nightly", "next"), "")
        self.press("nightly", "Resume", "Resume the schedule")
        browser.until(lambda: self.cell("nightly", "state") == "in time", "that it is resumed")

        self.deploy(LATE)
        browser.until(lambda: (self.cell("late", "state") or "").startswith("late by"), "that a run is late")
        self.assertEqual(self.cell("nightly", "state"), "in time")
        self.assertEqual(browser.console(), [])


if __name__ == "__main__":
    unittest.main()
