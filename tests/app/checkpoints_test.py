"""Runs without end: they commit with each checkpoint, are drained, killed with -9, and continue after the last checkpoint."""

import gzip
import json
import os
import random
import signal
import sqlite3
import subprocess
import time
import unittest

import pyarrow
import pyarrow.parquet
from command_line import BINARY, PATIENCE, CommandLine, eventually
from processes import children, kill

PARTS = """\
version: 1
pipeline: live
run: { checkpoint: 200ms }
extract:
  numbers:
    generate: { rate: 20000, columns: { id: sequence, k: { random: [0, 9] } } }
transform:
  some:
    from: numbers
    filter: "id % 3 <> 0"
load:
  out:
    from: some
    ndjson: { path: out/live/ }
"""

UPSERT = """\
version: 1
pipeline: sums
run: { checkpoint: 200ms }
extract:
  numbers:
    generate: { rate: 20000, columns: { id: sequence, k: { random: [0, 99] } } }
transform:
  by_k:
    from: numbers
    aggregate: { by: [k], compute: { n: "count(*)", s: "sum(id)", top: "max(id)" } }
load:
  table:
    from: by_k
    sqlite: { path: out/sums.db, table: sums }
    mode: upsert
    key: [k]
"""


# One row in a hundred is rejected.
REJECTING = """\
version: 1
pipeline: rejecting
run: {{ checkpoint: 100ms }}
rejects: {{ allow: {allow}, fail_above: "{share}", per: {per} }}
extract:
  numbers:
    generate: {{ rate: 20000, columns: {{ id: sequence }} }}
transform:
  some: {{ from: numbers, derive: {{ x: "10 / (id % 100)" }}, on_error: reject }}
load:
  out: {{ from: some, ndjson: {{ path: out/live/ }} }}
"""


# Each row once in each file, whatever the format does at its end.
FILES = """\
version: 1
pipeline: files
run: { checkpoint: 50ms }
extract:
  numbers:
    generate: { rows: 30000, rate: 30000, columns: { id: sequence, t: { text: 20 } } }
transform:
  nested: { from: numbers, nest: { as: both, columns: [id, t] } }
load:
  a: { from: numbers, csv: { path: out/a.csv } }
  b: { from: numbers, csv: { path: out/b.csv.gz } }
  c: { from: numbers, ndjson: { path: out/c.ndjson.zst } }
  d: { from: numbers, parquet: { path: out/d.parquet } }
  e: { from: nested, parquet: { path: out/e.parquet } }
"""


class Checkpoints(CommandLine):
    def newest(self):
        runs = json.loads(self.sluice("runs", "-n", "1", "--json").stdout or "[]")
        return runs[0] if runs else {"id": "", "state": ""}

    def begin(self, file="p.yaml", *more):
        self.before = self.newest()["id"]
        process = subprocess.Popen([BINARY, "run", file, "--progress", "none", *more], cwd=self.folder, env=self.environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process

    def engine_of(self, process):
        """The engine is the child of the process that was started."""
        return eventually(lambda: children(process.pid), "the engine's process")[0]

    def kill(self, process, both=True):
        engine = self.engine_of(process)
        if both:
            kill(process.pid)
        kill(engine)
        process.communicate(timeout=PATIENCE)

    def rows(self):
        """All rows that a reader of the folder sees, by the names of the parts."""
        folder = self.folder / "out/live"
        if not folder.exists():
            return []
        rows = []
        for part in sorted(folder.glob("part-*")):
            try:
                rows += [json.loads(line) for line in part.read_text().splitlines()]
            except FileNotFoundError:
                pass  # another run has replaced the parts since the folder was listed
        return rows

    def last_run(self):
        return json.loads(self.sluice("runs", "-n", "1", "--json").stdout)[0]

    def events(self, run="last"):
        return [json.loads(line) for line in self.sluice("events", run, "--json").stdout.splitlines()]

    def check_rows(self, rows):
        ids = [row["id"] for row in rows]
        self.assertEqual(ids, [i for i in range(1, max(ids, default=0) + 1) if i % 3], "lost or repeated rows")

    def until_running(self, process):
        """A signal that comes before the program takes signals ends it at once, as it ends any program."""
        def look():
            if process.poll() is not None:
                self.fail(process.communicate()[0])
            run = self.newest()  # one that was killed is still on record as running
            return run["id"] != self.before and run["state"] == "running"
        eventually(look, "the run is running")

    def drain(self, process, how):
        self.until_running(process)
        how(process)
        out, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, out)
        run = self.last_run()
        self.assertEqual(run["state"], "succeeded", out)
        types = [event["type"] for event in self.events()]
        self.assertIn("run.drained", types)
        self.assertEqual(types[-1], "run.succeeded")
        return run

    def test_rows_become_visible_with_each_checkpoint_and_a_drained_run_goes_on(self):
        self.write("p.yaml", PARTS)
        process = self.begin()
        eventually(lambda: len(self.rows()) > 10000, "rows are visible while the run goes on")
        first = self.drain(process, lambda p: p.send_signal(signal.SIGINT))
        rows = self.rows()
        self.check_rows(rows)
        units = {unit["unit"]: unit for unit in first["summary"]["units"]}
        self.assertEqual(units["out"]["out"], len(rows))
        self.assertTrue(first["summary"]["balanced"])
        # The next run continues after it, and `sluice drain` ends it as well.
        process = self.begin()
        eventually(lambda: len(self.rows()) > len(rows) + 10000, "the next run goes on")
        second = self.drain(process, lambda p: self.assertEqual(self.sluice("drain", "live").returncode, 0))
        self.assertEqual(self.events()[1]["data"].get("continues"), first["id"])
        rows = self.rows()
        self.check_rows(rows)
        units = {unit["unit"]: unit for unit in second["summary"]["units"]}
        self.assertEqual(units["out"]["out"], len(rows), "counts go on")
        listed = json.loads(self.sluice("checkpoints", "last", "--json").stdout)["checkpoints"]
        self.assertTrue(1 <= len(listed) <= 3, listed)
        self.assertTrue(all(one["visible"] for one in listed))
        # SIGTERM drains too; --fresh begins again, and replaces the parts.
        process = self.begin("p.yaml", "--fresh")
        eventually(lambda: 0 < len(self.rows()) < len(rows), "the parts of the earlier runs are gone")
        self.drain(process, lambda p: p.send_signal(signal.SIGTERM))
        self.check_rows(self.rows())

    def test_every_row_once_after_kills_at_any_moment(self):
        self.write("p.yaml", PARTS)
        moments = random.Random(int(os.environ.get("SLUICE_SEED", "1")))
        for number in range(int(os.environ.get("SLUICE_KILLS", "6"))):
            before = len(self.rows())
            process = self.begin()
            if number % 2 == 0:
                eventually(lambda: len(self.rows()) > before or process.poll() is not None, "a checkpoint")
            time.sleep(moments.random() * 0.5)
            self.kill(process, both=number % 3 != 2)
        process = self.begin()
        before = len(self.rows())
        eventually(lambda: len(self.rows()) > before, "rows come again")
        self.drain(process, lambda p: p.send_signal(signal.SIGINT))
        self.check_rows(self.rows())
        self.assertTrue(self.last_run()["summary"]["balanced"])
        left = [name for name in os.listdir(self.folder / "out/live") if name.startswith(".")]
        self.assertEqual(left, [], "nothing is left beside the parts")

    def test_an_aggregate_upserts_what_has_changed_and_keeps_its_state(self):
        self.write("p.yaml", UPSERT)
        moments = random.Random(int(os.environ.get("SLUICE_SEED", "1")))

        def table():
            if not (self.folder / "out/sums.db").exists():
                return []
            with sqlite3.connect(self.folder / "out/sums.db") as db:
                # The file is there before the first commit.
                made = db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'sums'").fetchone()[0]
                return db.execute("SELECT n, s, top FROM sums").fetchall() if made else []

        def read():
            return sum(n for n, _, _ in table())

        for _ in range(int(os.environ.get("SLUICE_KILLS", "4"))):
            before = read()
            process = self.begin()
            eventually(lambda: read() > before, "a checkpoint")
            time.sleep(moments.random() * 0.4)
            self.kill(process)
        process = self.begin()
        self.drain(process, lambda p: p.send_signal(signal.SIGINT))
        # All rows up to some row, each once: their number and their sum tell.
        rows = read()
        self.assertEqual(sum(s for _, s, _ in table()), rows * (rows + 1) // 2)
        self.assertEqual(max(top for _, _, top in table()), rows)

    def test_a_damaged_state_is_found_and_nothing_is_loaded_twice(self):
        self.write("p.yaml", UPSERT)
        process = self.begin()
        eventually(lambda: (self.folder / "out/sums.db").exists(), "a checkpoint")
        self.drain(process, lambda p: p.send_signal(signal.SIGINT))
        states = sorted(self.folder.glob("state/runs/*/checkpoints/*/by_k-0.state"), key=lambda path: int(path.parent.name))
        whole = states[-1].read_bytes()
        states[-1].write_bytes(whole[:-10] + b"0123456789")
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("checkpoint_damaged", done.stderr)
        self.assertIn("--fresh", done.stderr)
        states[-1].write_bytes(whole)
        process = self.begin()
        self.drain(process, lambda p: p.send_signal(signal.SIGINT))

    def test_what_can_not_work_without_end_is_refused_with_the_line_that_mends_it(self):
        for change, code, hint in [
            (("out/live/", "out/live.ndjson"), "one_epoch", "a folder"),
            (('filter: "id % 3 <> 0"', "sort: [id]"), "needs_end", "sort"),
            (('filter: "id % 3 <> 0"', 'aggregate: { by: [k], compute: { n: "count(*)" } }'), "needs_upsert", "upsert"),
            (("rate: 20000, ", ""), "missing_option", "rows"),
        ]:
            self.write("p.yaml", PARTS.replace(*change))
            done = self.sluice("validate", "p.yaml")
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(code, done.stderr)
            self.assertIn(hint, done.stderr)

    def test_a_checkpoint_must_not_be_longer_than_kafka_keeps_a_transaction(self):
        sink = "    from: some\n    kafka: { brokers: \"127.0.0.1:1\", topic: t, format: json, transaction_timeout: 30s }\n"
        text = PARTS[:PARTS.index("    from: some\n")] + sink
        self.write("p.yaml", text.replace("checkpoint: 200ms", "checkpoint: 11s"))
        done = self.sluice("explain", "p.yaml")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("checkpoint_too_long", done.stderr)
        self.assertIn("10 s", done.stderr)
        self.write("p.yaml", text.replace("checkpoint: 200ms", "checkpoint: 10s"))
        self.assertEqual(self.sluice("explain", "p.yaml").returncode, 0)

    def hidden(self):
        return sorted((self.folder / "out").glob(".*.part"))

    def test_single_files_of_a_bounded_run_go_on_behind_its_last_checkpoint(self):
        self.write("p.yaml", FILES)
        for _ in range(2):
            process = self.begin()
            self.until_running(process)
            eventually(lambda: process.poll() is not None or
                       len([one for one in self.events() if one["type"] == "checkpoint.completed"]) >= 3, "checkpoints")
            self.assertIsNone(process.poll())
            self.kill(process)
            self.assertEqual(len(self.hidden()), 5)
            self.assertFalse((self.folder / "out/a.csv").exists())
            # What is behind the checkpoint does not count.
            for path in self.hidden():
                with path.open("ab") as file:
                    file.write(b"half a row")
        done = self.sluice("run", "p.yaml", "--progress", "none")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("continuing after checkpoint", done.stderr)
        self.assertTrue(self.run_record("last")["summary"]["balanced"])
        self.assertEqual(self.hidden(), [])
        out = self.folder / "out"
        expected = list(range(1, 30_001))
        text = (out / "a.csv").read_text()
        self.assertEqual([line.split(",")[0] for line in text.splitlines()], ["id"] + [str(one) for one in expected])
        self.assertEqual(gzip.open(out / "b.csv.gz", "rt").read(), text)
        packed = pyarrow.input_stream(str(out / "c.ndjson.zst"), compression="zstd")
        self.assertEqual([json.loads(line)["id"] for line in packed.read().splitlines()], expected)
        flat = pyarrow.parquet.read_table(out / "d.parquet")
        self.assertEqual(flat["id"].to_pylist(), expected)
        self.assertEqual([row["both"]["id"] for row in pyarrow.parquet.read_table(out / "e.parquet").to_pylist()], expected)
        # Pages are found by their index, also those of row groups that an earlier process has written.
        self.write("q.yaml", FILES[:FILES.index("run:")].replace("pipeline: files", "pipeline: few") + """extract:
  d: { parquet: { path: out/d.parquet } }
transform:
  few: { from: d, filter: "id in (5, 12345, 29999)" }
load:
  shown: { from: few, csv: { path: few.csv, header: false } }
""")
        self.assertEqual(self.sluice("run", "q.yaml").returncode, 0)
        self.assertEqual([line.split(",")[0] for line in (self.folder / "few.csv").read_text().splitlines()], ["5", "12345", "29999"])

    def test_single_files_that_nobody_goes_on_with_are_removed(self):
        self.write("p.yaml", FILES)
        for more in [(), ()]:
            process = self.begin("p.yaml", *more)
            self.until_running(process)
            eventually(lambda: process.poll() is not None or "checkpoint.completed" in [one["type"] for one in self.events()], "a checkpoint")
            self.kill(process)
        self.write("p.yaml", FILES.replace("rate: 30000, ", ""))
        done = self.sluice("run", "p.yaml", "--fresh", "--progress", "none")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.hidden(), [])
        self.assertEqual(len((self.folder / "out/a.csv").read_text().splitlines()), 30_001)
        for change in [("path: out/a.csv }", "path: out/a.csv }, mode: append"), ("path: out/a.csv }", "path: out/a.csv }, commit: checkpoint"),
                       ("path: out/a.csv }", "path: out/a.csv }, reconcile: { with: numbers, key: [id] }"),
                       ("csv: { path: out/a.csv }", "ipc: { path: out/a.arrow }")]:
            self.write("p.yaml", FILES.replace(*change))
            done = self.sluice("validate", "p.yaml")
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("one_epoch", done.stderr)

    def test_rejects_of_a_run_without_end_are_judged_by_the_last_of_them(self):
        self.write("p.yaml", REJECTING.format(allow=50, share="5%", per="10m"))
        process = self.begin()
        # Killed and continued, it counts on.
        eventually(lambda: process.poll() is not None or self.rows(), "rows")
        self.kill(process)
        process = self.begin()
        eventually(lambda: process.poll() is not None or
                   any(event["type"] == "run.warned" for event in self.events()), "the warning")
        self.drain(process, lambda one: one.send_signal(signal.SIGINT))
        warned = [event["data"] for event in self.events() if event["type"] == "run.warned"]
        self.assertEqual(len(warned), 1)
        self.assertGreater(warned[0]["rejected"], 50)
        self.assertEqual((warned[0]["allow"], warned[0]["per_microseconds"]), (50, 600_000_000))
        # Too large a share fails it; what was visible before stays.
        self.write("p.yaml", REJECTING.format(allow=0, share="0.5%", per="2s"))
        before = len(self.rows())
        process = self.begin()
        out, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 1, out)
        self.assertIn("error[too_many_rejects]", out)
        self.assertIn("of the last 2 seconds were rejected", out)
        self.assertGreaterEqual(len(self.rows()), before)


if __name__ == "__main__":
    unittest.main()
