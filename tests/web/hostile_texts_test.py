"""Names, rows, errors and file names are written by others: in the page they are text, whatever is in them."""

import pathlib
import tempfile
import unittest

from browser import Browser
from command_line import eventually
from page_node import PageNode

EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"
PIPELINE = f"""\
version: 1
pipeline: evil
owner: "{EVIL}"
tags: ["{EVIL}"]
description: "{EVIL}"
params: {{ note: {{ type: text, default: "x" }} }}
rejects: {{ allow: 5 }}
extract:
  rows:
    csv: {{ path: "evil*.csv" }}
    types: {{ id: bigint, "{EVIL}": text }}
load:
  out:
    from: rows
    ndjson: {{ path: out.ndjson }}
"""


class HostileTexts(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.node = PageNode(self.path)
        self.addCleanup(self.node.stop)
        self.browser = Browser()
        self.addCleanup(self.browser.close)

    def nothing_has_run(self):
        self.assertEqual(self.browser.script(
            "return [...document.querySelectorAll('main img, main script, main iframe, main object')].map((each) => each.outerHTML)"), [])
        self.assertEqual(self.browser.console(), [])

    def test_they_are_shown_and_do_nothing(self):
        browser = self.browser
        # A file name can't hold a slash.
        name = EVIL.replace("/", "")
        (self.path / f"evil{name}.csv").write_text(f'id,"{EVIL}"\n1,a\nx{EVIL},\u202eb\n')
        run = self.node.submit(PIPELINE, note=EVIL)
        browser.open(f"{self.node.url}/#token={self.node.token}")
        browser.see(".rows .owner", EVIL)
        self.nothing_has_run()
        browser.go(f"#/runs/{run}")
        browser.see("h1", "evil")
        for part, selector in (("units", ".graph"), ("events", ".events .row"), ("rejects", ".rejects .row"), ("pipeline", "pre")):
            browser.go(f"#/runs/{run}/{part}")
            browser.see(selector)
            self.nothing_has_run()
        self.assertIn(EVIL, browser.text())
        browser.go(f"#/runs/{run}/rejects")
        browser.see(".rejects .row", "⟨U+202E⟩")
        browser.see(".rejects .row .link", "evil").click()
        browser.see("dialog", EVIL)
        self.nothing_has_run()

    def test_hostile_addresses_and_faults_do_nothing(self):
        browser = self.browser
        browser.open(f"{self.node.url}/#token={self.node.token}")
        browser.see("h1", "Runs")
        for route in (f"#/runs/{EVIL}", "#/runs/%3Cimg%20src=x%20onerror=alert(1)%3E", "#/runs/%", f"#/submit/{EVIL}", f"#/{EVIL}",
                      "#javascript:alert(1)", "#token="):
            browser.go(route)
            browser.see("h1")
            self.nothing_has_run()
        browser.go("#/submit")
        area = browser.see("#text")
        browser.script("arguments[0].value = arguments[1]", area, f"version: 1\npipeline: x\n'{EVIL}': 1\n")
        browser.see("#folder").send_keys("/tmp")
        browser.button("Submit").click()
        browser.see("#faults", EVIL)
        self.nothing_has_run()

    def test_no_other_site_can_frame_the_page(self):
        (self.path / "frame.html").write_text(f'<iframe id="frame" src="{self.node.url}/"></iframe>')
        self.browser.open((self.path / "frame.html").as_uri())
        refused = eventually(lambda: [entry["message"] for entry in self.browser.driver.get_log("browser")
                                      if "frame-ancestors" in entry["message"] or "X-Frame-Options" in entry["message"]], "a refusal")
        self.assertTrue(refused)


if __name__ == "__main__":
    unittest.main()
