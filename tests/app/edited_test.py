"""Edited pipelines without end, and runs from savepoints: what is kept, what is refused, and that no row is lost or repeated."""

import json
import signal
import sqlite3
import subprocess
import unittest

from command_line import BINARY, PATIENCE, CommandLine, eventually

PARTS = """\
version: 1
pipeline: live
run: { checkpoint: 200ms }
extract:
  numbers:
    generate: { rate: 20000, columns: { id: sequence } }
transform:
  some:
    from: numbers
    filter: "id % 3 <> 0"
load:
  out:
    from: some
    ndjson: { path: out/live/ }
"""

SUMS = """\
version: 1
pipeline: sums
run: { checkpoint: 200ms }
extract:
  numbers:
    generate: { rate: 20000, columns: { id: sequence, k: { random: [0, 99] } } }
transform:
  by_k:
    from: numbers
    aggregate: { by: [k], compute: { n: "count(*)", s: "sum(id)" } }
load:
  table:
    from: by_k
    sqlite: { path: out/sums.db, table: sums }
    mode: upsert
    key: [k]
"""


class Edited(CommandLine):
    def begin(self, *more):
        before = len(self.runs())
        process = subprocess.Popen([BINARY, "run", "p.yaml", "--progress", "none", *more], cwd=self.folder,
                                   env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.started.append(process)

        def look():
            if process.poll() is not None:
                self.fail("ended early: " + "".join(process.communicate()))
            runs = self.runs()
            return len(runs) > before and runs[0]["state"] == "running"
        eventually(look, "the run is running")
        return process

    def drain(self, process):
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, err)
        return err

    def runs(self):
        return json.loads(self.sluice("runs", "--json").stdout or "[]")

    def ids(self, folder="out/live"):
        return [json.loads(line)["id"] for part in sorted((self.folder / folder).glob("part-*"))
                for line in part.read_text().splitlines()]

    def sums(self):
        if not (self.folder / "out/sums.db").exists():
            return 0, 0
        with sqlite3.connect(self.folder / "out/sums.db") as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'sums'").fetchone():
                return 0, 0  # the file appears before its table
            return db.execute("SELECT coalesce(sum(n), 0), coalesce(sum(s), 0) FROM sums").fetchone()

    def test_an_edited_filter_takes_effect_behind_the_checkpoint_and_counts_go_on(self):
        self.write("p.yaml", PARTS)
        process = self.begin()
        eventually(lambda: len(self.ids()) > 1000, "rows")
        self.drain(process)
        first = self.ids()
        read = {unit["unit"]: unit for unit in self.runs()[0]["summary"]["units"]}["numbers"]["in"]
        self.write("p.yaml", PARTS.replace("id % 3 <> 0", "id % 3 = 0"))
        process = self.begin()
        eventually(lambda: len(self.ids()) > len(first) + 1000, "rows come again")
        err = self.drain(process)
        self.assertIn("some: changed", err)
        self.assertIn("continuing after checkpoint", err)
        more = self.ids()[len(first):]
        begun = read - read % 3 + 3
        self.assertEqual(more, list(range(begun, max(more) + 1, 3)), "each row behind the checkpoint once, none left out")
        units = {unit["unit"]: unit for unit in self.runs()[0]["summary"]["units"]}
        self.assertEqual(units["out"]["out"], len(self.ids()), "counts go on")

    def test_a_new_sink_begins_and_an_aggregate_keeps_its_state(self):
        self.write("p.yaml", SUMS)
        process = self.begin()
        eventually(lambda: self.sums()[0] > 1000, "rows")
        self.drain(process)
        self.write("p.yaml", SUMS + "  all: { from: numbers, ndjson: { path: out/live/ } }\n")
        process = self.begin()
        eventually(lambda: len(self.ids()) > 1000, "rows of the new sink")
        err = self.drain(process)
        self.assertIn("all: new", err)
        rows, total = self.sums()
        self.assertEqual(total, rows * (rows + 1) // 2, "all rows up to some row, each once")
        self.assertEqual(max(self.ids()), rows)
        self.assertTrue(self.runs()[0]["summary"]["balanced"])
        self.assertGreater(min(self.ids()), 1000, "the new sink begins where the others stand")
        # And once more as it is.
        process = self.begin()
        eventually(lambda: self.sums()[0] > rows, "rows come again")
        self.drain(process)
        rows, total = self.sums()
        self.assertEqual(total, rows * (rows + 1) // 2)

    def test_a_state_that_does_not_fit_is_refused_by_unit_and_can_be_dropped(self):
        self.write("p.yaml", SUMS)
        process = self.begin()
        eventually(lambda: self.sums()[0] > 1000, "rows")
        self.drain(process)
        rows = self.sums()[0]
        self.write("p.yaml", SUMS.replace("sum(id)", "sum(id + 1000000)"))
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("pipeline_changed", done.stderr)
        self.assertIn("--drop-state by_k", done.stderr)
        self.assertEqual(len(self.runs()), 1)
        wrong = self.sluice("run", "p.yaml", "--drop-state", "by_q")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("by_k", wrong.stderr)
        process = self.begin("--drop-state", "by_k")

        def afresh():
            n, total = self.sums()  # all groups have come again, with the rows behind the checkpoint only
            return n > 0 and total == n * rows + n * (n + 1) // 2 + n * 1000000
        eventually(afresh, "the state began afresh, the position did not")
        self.drain(process)
        self.assertTrue(afresh())

    def test_a_source_that_reads_something_else_is_refused_or_forgets_its_position(self):
        self.write("p.yaml", PARTS)
        process = self.begin()
        eventually(lambda: len(self.ids()) > 1000, "rows")
        self.drain(process)
        self.write("p.yaml", PARTS.replace("id: sequence", "id: { sequence: { start: 1000000000, step: 1 } }"))
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("unit numbers", done.stderr)
        before = len(self.ids())
        process = self.begin("--drop-state", "numbers")
        eventually(lambda: len(self.ids()) > before, "rows of the other sequence")
        self.drain(process)
        more = self.ids()[before:]
        self.assertEqual(more, [i for i in range(1000000000, max(more) + 1) if i % 3], "from its beginning")

    def test_a_run_from_an_older_savepoint_asks_before_it_loads_rows_again(self):
        self.write("p.yaml", SUMS)
        process = self.begin()
        eventually(lambda: self.sums()[0] > 1000, "rows")
        name = self.sluice("savepoint", "sums").stdout.strip()
        then = self.sums()[0]
        eventually(lambda: self.sums()[0] > then + 5000, "rows behind it")
        self.drain(process)
        done = self.sluice("run", "p.yaml", "--from", name)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("rows_again", done.stderr)
        self.assertIn("table", done.stderr)
        for words, code in [(("--from", name + "9"), "checkpoint_not_found"), (("--from", "sums"), "bad_arguments"),
                            (("--again",), "bad_arguments"), (("--from", name, "--fresh"), "bad_arguments")]:
            done = self.sluice("run", "p.yaml", *words)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(code, done.stderr)
        process = self.begin("--from", name, "--again")
        self.assertEqual(self.runs()[0]["state"], "running")
        self.drain(process)
        rows, total = self.sums()
        self.assertEqual(total, rows * (rows + 1) // 2, "an upsert from an older state is right again")


if __name__ == "__main__":
    unittest.main()
