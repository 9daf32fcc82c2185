"""Somebody opens the page, submits a pipeline with faults, corrects it, follows its run, sees why it failed, repairs its input and
sees it succeed; and cancels a run that would not end. On a real node."""

import pathlib
import tempfile
import unittest

from browser import Browser, Keys
from command_line import ENDLESS
from page_node import PageNode

PIPELINE = """\
version: 1
pipeline: shop-orders
owner: data@shop.example
tags: [finance]
rejects: { allow: 1, fail_above: "40%" }
extract:
  orders:
    csv: { path: orders.csv }
    types: { id: bigint, amount: "decimal(12,2)", status: text }
transform:
  paid:
    from: orders
    filter: "status = 'paid'"
load:
  out:
    from: paid
    ndjson: { path: out/paid.ndjson }
"""
GOOD = "id,amount,status\n1,10.00,paid\n2,20.00,open\n3,thirty,paid\n"
BAD = GOOD + "4,four,paid\n5,five,paid\n"


class FollowRun(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.node = PageNode(self.path)
        self.addCleanup(self.node.stop)
        self.browser = Browser()
        self.addCleanup(self.browser.close)

    def enter(self):
        self.browser.open(f"{self.node.url}/#token={self.node.token}")
        self.browser.see("h1", "Runs")

    def submit(self, text, folder=None):
        self.browser.go("#/submit")
        self.browser.see("h1", "Submit a pipeline")
        area, place = self.browser.see("#text"), self.browser.see("#folder")
        area.clear()
        # Typed as a paste is: a key at a time would let the browser indent nothing and take long.
        self.browser.script("arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))", area, text)
        place.clear()
        place.send_keys(str(folder or self.path))
        self.browser.button("Submit").click()

    def state(self, wanted):
        self.browser.see(".run-head .badge", wanted)

    def test_the_token_is_asked_for_and_kept_out_of_addresses(self):
        browser = self.browser
        browser.open(self.node.url)
        browser.see("h1", "Token of this node")
        browser.see("#token").send_keys("wrong")
        browser.button("Open").click()
        browser.see("[role=alert]", "the token is wrong")
        browser.see("#token").send_keys(self.node.token, Keys.ENTER)
        browser.see("h1", "Runs")
        browser.see("#live", "Live")
        browser.button("Forget the token").click()
        browser.see("h1", "Token of this node")
        self.assertIsNone(browser.script("return sessionStorage.getItem('sluice-token')"))
        browser.open(f"{self.node.url}/#token={self.node.token}")
        browser.see("h1", "Runs")
        browser.see("#live", "Live")
        self.assertNotIn(self.node.token, browser.driver.current_url)
        self.assertNotIn(self.node.token, browser.script("return performance.getEntriesByType('resource').map((entry) => entry.name).join(' ')"))
        self.assertEqual(browser.script("return [localStorage.length, document.cookie]"), [0, ""])
        self.assertEqual(browser.console(), [])

    def test_from_the_first_fault_to_a_repaired_run(self):
        browser = self.browser
        (self.path / "orders.csv").write_text(BAD)
        self.enter()
        browser.see(".empty", "There are no runs yet")

        self.submit(PIPELINE.replace("status = 'paid'", "state = 'paid'").replace("from: paid", "from: payed"))
        browser.see("#faults", "payed")
        marked = browser.until(lambda: browser.script(
            "return [...document.querySelectorAll('.line-numbers [data-fault=true]')].map((line) => line.textContent)"), "marked lines")
        self.assertIn("16", marked)
        browser.button("Go to line 16").click()
        caret = browser.script("const area = document.getElementById('text'); return area.value.slice(0, area.selectionStart).split('\\n').length")
        self.assertEqual(caret, 16)

        area = browser.see("#text")
        browser.script("arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))", area, PIPELINE)
        browser.button("Check").click()
        browser.see(".good", "No faults. The pipeline has 3 units.")
        self.assertEqual([box for box in browser.all("#faults") if box.is_displayed()], [])
        self.assertEqual(self.node.ask("/v1/runs")["runs"], [])

        self.submit(PIPELINE)
        browser.see("h1", "shop-orders")
        self.state("failed")
        cause = browser.see(".cause")
        self.assertIn("3 of 5 records were rejected", cause.text)
        self.assertIn("What to do: look at them with sluice rejects", browser.script("return getComputedStyle(arguments[0], '::before').content.slice(1, -1)"
                      " + arguments[0].textContent", browser.see(".cause .hint")))
        above = browser.script("return document.querySelector('.cause').compareDocumentPosition(document.querySelector('.tabs')) & 4")
        self.assertTrue(above, "the cause comes before everything else")
        self.assertEqual(browser.script("return document.querySelectorAll('.graph .unit').length"), 3)

        browser.button("Rejects").click()
        browser.see(".rejects .row", "orders.csv:6")
        self.assertIn("5,five,paid", browser.text())
        self.assertIn("Written", browser.see(".numbers").text)
        self.assertNotIn("Loaded", browser.see(".numbers").text)
        browser.button("Events").click()
        browser.see(".events .row", "run.failed")
        browser.button("Pipeline").click()
        browser.see("pre", "pipeline: shop-orders")

        (self.path / "orders.csv").write_text(GOOD)
        browser.button("Submit again").click()
        browser.until(lambda: "shop-orders" in browser.script("return document.getElementById('text').value"), "the text of the run")
        self.assertEqual(browser.script("return document.getElementById('folder').value"), str(self.path))
        browser.button("Submit").click()
        self.state("succeeded")
        self.assertEqual((self.path / "out/paid.ndjson").read_text().count("\n"), 1)
        browser.button("Table").click()
        browser.see(".units .row", "paid")

        browser.go("#/pipelines")
        row = browser.see(".pipelines .row", "shop-orders")
        browser.until(lambda: [cell.text for cell in row.find_elements("css selector", ".good, .bad")] == ["1", "1"], "one good run and a bad one")
        row.find_element("css selector", "a").click()
        browser.until(lambda: browser.script("return document.getElementById('search')?.value") == "shop-orders", "the runs of the pipeline")
        browser.go("#/runs")
        browser.until(lambda: [row.text.split()[1] for row in browser.all(".rows .state")] == ["succeeded", "failed"], "both runs, the newest first")
        browser.button("Failed").click()
        browser.until(lambda: len(browser.all(".rows .state")) == 1, "only the failed run")
        self.assertEqual(browser.console(), [])

    def test_a_run_that_was_tried_again_shows_each_cause(self):
        text = PIPELINE.replace("version: 1", "version: 1\nrun: { retry: { attempts: 2, backoff: 50ms } }").replace(
            "ndjson: { path: out/paid.ndjson }", "csv: { path: /dev/full }")
        (self.path / "orders.csv").write_text("id,amount,status\n1,10.00,paid\n")
        run = self.node.submit(text)
        self.node.ended(run)
        self.enter()
        self.browser.go(f"#/runs/{run}")
        self.state("failed")
        self.browser.see(".tries summary", "Tried again 2 times").click()
        causes = self.browser.script("return [...document.querySelectorAll('.tries li')].map((one) => one.innerText)")
        self.assertEqual(len(causes), 2)
        for cause in causes:
            self.assertRegex(cause, r"^\d\d:\d\d:\d\d.* .*/dev/full")
        self.assertEqual(self.browser.console(), [])

    def test_a_run_is_seen_at_work_and_cancelled(self):
        browser = self.browser
        self.enter()
        self.submit(ENDLESS)
        self.state("running")
        rows = lambda: browser.script("return document.querySelector('.graph .unit .rows')?.textContent ?? ''")
        first = browser.until(rows, "rows in the graph")
        browser.until(lambda: rows() != first, "more rows")
        browser.until(lambda: "rows/s" in browser.script("return document.querySelector('.graph .speed').textContent"), "a speed")
        browser.go("#/runs")
        browser.see("h2", "Active (1)")
        browser.see(".rows .name", "endless").find_element("css selector", "a").click()
        browser.button("Cancel").click()
        browser.see("dialog", "Cancel the run of endless?")
        browser.press(Keys.ESCAPE)
        browser.until(lambda: not browser.all("dialog"), "no question")
        self.assertEqual(browser.focused().text, "Cancel")
        self.state("running")
        browser.button("Cancel").click()
        browser.button("Cancel the run").click()
        self.state("cancelled")
        browser.until(lambda: not [button for button in browser.all(".danger") if button.is_displayed()], "nothing to cancel")
        self.assertEqual(browser.console(), [])

    def test_a_run_without_end_is_saved_and_drained(self):
        browser = self.browser
        run = self.node.submit("version: 1\npipeline: endless\nrun: { checkpoint: 1s }\nextract:\n  numbers: { generate: { rate: 2000, columns: { id: sequence } } }\n"
                               "load:\n  out: { from: numbers, ndjson: { path: out/ } }\n")
        self.enter()
        browser.go(f"#/runs/{run}/checkpoints")
        browser.see(".checkpoints .row .kind", "checkpoint")
        browser.button("Savepoint").click()
        browser.button("Take a savepoint").click()
        browser.see(".checkpoints .row .kind", "savepoint")
        browser.button("Drain").click()
        browser.button("Drain the run").click()
        self.state("succeeded")
        browser.go(f"#/runs/{run}/events")
        browser.see(".events .row", "run.drained")
        self.assertEqual(browser.console(), [])

    def test_the_page_goes_on_when_the_node_comes_back(self):
        browser = self.browser
        (self.path / "orders.csv").write_text(GOOD)
        self.enter()
        browser.see("#live", "Live")
        self.node.kill()
        browser.see("#live", "No connection")
        self.node.start()
        browser.see("#live", "Live")
        self.submit(PIPELINE)
        self.state("succeeded")
        browser.go("#/runs")
        browser.see(".rows .row", "shop-orders")
        # What another client does is seen without a click.
        self.node.submit(PIPELINE.replace("shop-orders", "from-elsewhere"))
        browser.see(".rows .row", "from-elsewhere")
        self.assertEqual(browser.console(), [])


if __name__ == "__main__":
    unittest.main()
