"""The page's own modules: where the units of a graph are placed, how events are cut out of a stream, how numbers are written,
and what is done with hostile texts."""
import pathlib
import tempfile
import unittest

from browser import Browser
from page_node import PageNode


class Modules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.node = PageNode(pathlib.Path(cls.folder.name))
        cls.browser = Browser()
        cls.browser.open(cls.node.url)

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.node.stop()
        cls.folder.cleanup()

    def layout(self, count, edges):
        return self.browser.module(
            "const { layOut } = await import('/graph_layout.js');"
            "return layOut(given[0], given[1].map(([from, to]) => ({ from, to })), { width: 100, height: 50, across: 40, down: 10 });", count, edges)

    def overlaps(self, laid):
        places = laid["places"]
        return [(one, other) for one in range(len(places)) for other in range(one)
                if places[one]["x"] == places[other]["x"] and abs(places[one]["y"] - places[other]["y"]) < 50]

    def test_rows_flow_to_the_right(self):
        edges = [[0, 2], [2, 3], [1, 3], [3, 4], [4, 5], [4, 6], [0, 7], [0, 6]]
        laid = self.layout(8, edges)
        for one, other in edges:
            self.assertGreaterEqual(laid["places"][other]["x"] - laid["places"][one]["x"], 140)
        self.assertEqual(self.overlaps(laid), [])
        self.assertTrue(all(place["y"] >= 0 for place in laid["places"]))

    def test_a_source_is_placed_beside_what_reads_it(self):
        laid = self.layout(5, [[0, 1], [1, 2], [2, 3], [4, 3]])
        self.assertEqual(laid["places"][4]["x"], laid["places"][2]["x"])

    def test_lines_begin_and_end_at_their_units(self):
        laid = self.layout(4, [[0, 1], [1, 2], [2, 3], [0, 3]])
        for edge, line in zip([[0, 1], [1, 2], [2, 3], [0, 3]], laid["lines"]):
            one, other = (laid["places"][index] for index in edge)
            self.assertEqual((line[0]["x"], line[0]["y"]), (one["x"] + 100, one["y"] + 25))
            self.assertEqual((line[-1]["x"], line[-1]["y"]), (other["x"], other["y"] + 25))

    def test_straight_chains_stay_straight(self):
        laid = self.layout(9, [[chain * 3 + step, chain * 3 + step + 1] for chain in range(3) for step in range(2)])
        for chain in range(3):
            self.assertEqual(len({laid["places"][chain * 3 + step]["y"] for step in range(3)}), 1)

    def test_an_order_without_crossings_is_found(self):
        laid = self.layout(6, [[0, 5], [1, 4], [2, 3]])
        y = [place["y"] for place in laid["places"]]
        self.assertEqual((y[0], y[1], y[2]), (y[5], y[4], y[3]))

    def test_nothing_and_one_unit(self):
        self.assertEqual(self.layout(0, [])["places"], [])
        self.assertEqual(len(self.layout(1, [])["places"]), 1)

    def test_events_are_found_however_the_stream_is_cut(self):
        stream = 'id: 1\nevent: a\ndata: {"n": 1}\n\n: keep-alive\n\nid: 2\r\ndata: {"text": "ü\\n\\n"}\r\n\r\ndata: {"n":\ndata: 3}\n\n'
        wanted = [{"n": 1}, {"text": "ü\n\n"}, {"n": 3}]
        for size in (1, 2, 3, 7, 1000):
            parts = [stream[at:at + size] for at in range(0, len(stream), size)]
            found = self.browser.module(
                "const { eventParser } = await import('/events.js'); const found = [];"
                "const take = eventParser((event) => found.push(event)); for (const part of given[0]) take(part); return found;", parts)
            self.assertEqual(found, wanted, size)

    def test_numbers(self):
        written = self.browser.module(
            "const f = await import('/format.js');"
            "return [f.count(1234567), f.count(undefined), f.short(999), f.short(1234567), f.short(999950), f.rate(0), f.rate(1500),"
            "f.bytes(1536), f.duration(0.85), f.duration(12.34), f.duration(65), f.duration(7380), f.share(0.9999), f.share(1), f.share(undefined)];")
        self.assertEqual(written, ["1,234,567", "", "999", "1.2M", "1M", "", "1.5k rows/s", "1.5 KiB", "850 ms", "12 s", "1 min 5 s",
                                   "2 h 3 min", "99%", "100%", ""])

    def test_metrics(self):
        text = ('# HELP x y\nsluice_runs{state="failed"} 3\nbroken {\nsluice_pipeline_runs_total{pipeline="a \\"b\\"",state="failed"} 2\n'
                'sluice_pipeline_last_end_timestamp_seconds{pipeline="a \\"b\\""} 17.5\nup 1\n')
        found = self.browser.module("const { parseMetrics } = await import('/metrics.js'); return parseMetrics(given[0]);", text)
        self.assertEqual([(each["name"], each["value"]) for each in found], [
            ("sluice_runs", 3), ("sluice_pipeline_runs_total", 2), ("sluice_pipeline_last_end_timestamp_seconds", 17.5), ("up", 1)])
        self.assertEqual(found[1]["labels"], {"pipeline": 'a "b"', "state": "failed"})
        pipelines = self.browser.module("const { pipelinesIn } = await import('/pipelines_view.js'); return pipelinesIn(given[0]);", found)
        self.assertEqual(pipelines, [{"pipeline": 'a "b"', "runs": {"failed": 2}, "end": 17.5}])

    def test_marks_that_hide_or_reorder_text_are_shown(self):
        self.assertEqual(self.browser.module("const { shown } = await import('/dom.js'); return given[0].map(shown);",
                                             ["a\u202eb", "a\x00\x1b[31m", "tab\tline\n", None]),
                         ["a⟨U+202E⟩b", "a␀␛[31m", "tab\tline\n", ""])

    def test_elements_are_made_of_text_alone(self):
        made = self.browser.module(
            "const { h } = await import('/dom.js'); const made = h('p', { title: given[0] }, given[0]);"
            "return [made.children.length, made.textContent, made.title];", "<img src=x onerror=alert(1)>")
        self.assertEqual(made, [0, "<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"])

    def test_params_are_read_as_the_command_line_reads_them(self):
        self.assertEqual(self.browser.module("const { paramsFrom } = await import('/submit_view.js'); return paramsFrom(given[0]);",
                                             "day=2024-05-01\n\n where = a=b \n"), {"day": "2024-05-01", "where": " a=b "})
        refused = self.browser.module(
            "const { paramsFrom } = await import('/submit_view.js'); try { paramsFrom('day'); } catch (why) { return why.problem.message; }")
        self.assertIn("name=value", refused)


if __name__ == "__main__":
    unittest.main()
