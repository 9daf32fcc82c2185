"""The page shows rules of notifications, their channels and what became of messages; channels are tested there and events sent
once more, by those whose token allows it."""

import json
import pathlib
import subprocess
import tempfile
import unittest

from browser import Browser
from command_line import BINARY
from page_node import PageNode
from receiver import Receiver

PIPELINE = """\
pipeline: daily
extract: {{ numbers: {{ generate: {{ rows: 10, columns: {{ id: sequence }} }} }} }}
load: {{ out: {{ from: numbers, ndjson: {{ path: out/daily.ndjson }} }} }}
channels:
  good: {{ webhook: {{ url: "{good}", allow_private: true }} }}
  bad: {{ webhook: {{ url: "{bad}", allow_private: true }} }}
notify:
  - {{ name: ends, when: "type = 'run.succeeded'", to: [good] }}
  - {{ name: failing, when: "type = 'run.started'", to: [bad] }}
"""


class Notifications(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.receiver = Receiver()
        self.receiver.__enter__()
        self.addCleanup(self.receiver.__exit__)
        self.receiver.answers["/bad"] = lambda *_: (503, {})
        self.node = PageNode(self.path)
        self.addCleanup(self.node.stop)
        self.run_id = self.node.submit(PIPELINE.format(good=self.receiver.url("/good"), bad=self.receiver.url("/bad")))
        self.node.ended(self.run_id)
        self.browser = Browser()
        self.addCleanup(self.browser.close)

    def show(self, token=None):
        self.browser.open(f"{self.node.url}/#token={token or self.node.token}")
        self.browser.see("h1", "Runs")
        self.browser.go("#/notifications")
        self.browser.see("h1", "Notifications")
        self.browser.see("table.rules", "ends")

    def cells(self, which):
        # In one call: rows come and go while the page is looked at.
        return self.browser.script("return [...document.querySelectorAll(arguments[0])].map((cell) => cell.innerText)",
                                   f".deliveries .rows .{which}")

    def test_rules_deliveries_a_test_and_a_replay(self):
        browser = self.browser
        self.show()
        browser.until(lambda: sorted(self.cells("what")) == ["run.started", "run.succeeded"], "both deliveries")
        browser.until(lambda: "delivered" in self.cells("state"), "the one that was delivered")
        self.assertTrue(any("503" in text for text in self.cells("answer")))
        browser.see("table.rules", "1 pending")

        browser.button("Test good").click()
        browser.see("dialog", "Test good?")
        browser.button("Send a test").click()
        browser.see("dialog", "good works")
        browser.button("Close").click()
        self.assertEqual(self.receiver.taken_of("/good")[-1].json["type"], "notification.test")
        browser.button("Test bad").click()
        browser.button("Send a test").click()
        browser.see("dialog", "bad does not work")
        browser.see("dialog", "503")
        browser.button("Close").click()

        browser.button("Replay to ends").click()
        browser.see("dialog", "Replay to ends")
        browser.button("Send again").click()
        browser.until(lambda: "replay of run.succeeded" in self.cells("what"), "the replay")
        browser.until(lambda: "replay" in self.receiver.taken_of("/good")[-1].json, "the replayed event")

        # Only those of one rule, and only those that wait.
        browser.button("failing").click()
        browser.until(lambda: self.cells("rule") and set(self.cells("rule")) == {"failing"}, "only one rule")
        browser.button("All rules").click()
        browser.all("#pending")[0].click()
        browser.until(lambda: self.cells("what") == ["run.started"], "only what waits")
        self.assertEqual(browser.console(), [])

    def test_a_viewer_sees_all_and_is_offered_nothing(self):
        made = subprocess.run([BINARY, "tokens", "create", "guest", "--role", "viewer", "--state", self.node.state, "--json"],
                              capture_output=True, text=True, check=True)
        self.show(json.loads(made.stdout)["token"])
        self.browser.until(lambda: len(self.cells("what")) == 2, "both deliveries")
        self.assertEqual([button.text for button in self.browser.all("table.rules button")], ["ends", "failing"])


if __name__ == "__main__":
    unittest.main()
