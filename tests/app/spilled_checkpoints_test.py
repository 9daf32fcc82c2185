#!/usr/bin/env python3
"""Runs that need more than run.memory, take checkpoints, are killed with -9 and continue: the same rows as without a break. What
else a checkpoint holds: a build side that is still being read, rows that wait for their place, limits, inputs that have ended."""

import json
import sqlite3
import unittest

from command_line import PATIENCE, SIGINT, CommandLine, eventually
from processes import kill_with_children

ROWS = 60_000
PIPELINE = """\
version: 1
pipeline: spilling
run: {{ memory: {memory}, checkpoint: 100ms }}
extract:
  numbers:
    generate: {{ rows: {rows}, rate: {rate}, columns: {{ id: sequence, k: {{ random: [0, 30000] }}, t: {{ text: 60 }} }} }}
{more}
load:
  out: {{ from: {last}, ndjson: {{ path: out/ }} }}
"""

SPILLING = {
    "aggregate": ('made: { from: numbers, aggregate: { by: [k], compute: { n: "count(*)", t: "max(t)", d: "count(distinct t)" } } }', ""),
    "sort": ("made: { from: numbers, sort: [t, id] }", ""),
    "first": ("made: { from: numbers, deduplicate: [k] }", ""),
    "best": ('made: { from: numbers, deduplicate: { by: [k], order: ["t desc"] } }', ""),
    "join": ("made: { from: [numbers, others], join: { how: left, using: [k] } }",
             "  others: { generate: { rows: 30000, columns: { k: sequence, u: { text: 80 } } } }"),
    # Which rows of the right have had a match; rows without one come in another order where they were spilled.
    "full join": ("made: { from: [numbers, others], join: { how: full, using: [k] } }",
                  "  others: { generate: { rows: 30000, columns: { k: sequence, u: { text: 80 } } } }"),
    "windows": ('made: { from: numbers, derive: { at: "row_number() over (partition by k order by t, id)" } }', ""),
}


class SpilledCheckpoints(CommandLine):
    def out(self, folder="out"):
        return [line for part in sorted((self.folder / folder).glob("part-*")) for line in part.read_text().splitlines()]

    def write_pipeline(self, transform, more="", memory="6MiB", rows=ROWS, rate=12_000, last="made"):
        text = f"{more}\ntransform:\n  {transform}" if transform else more
        self.write("p.yaml", PIPELINE.format(memory=memory, rows=rows, rate=rate, more=text, last=last))

    def checkpoints(self):
        done = self.sluice("checkpoints", "last", "--json")
        return json.loads(done.stdout)["checkpoints"] if done.returncode == 0 else []

    def killed_after(self, condition, *more):
        process = self.start("run", "p.yaml", "--progress", "none", *more)
        eventually(lambda: process.poll() is not None or condition(), "the checkpoint")
        self.assertIsNone(process.poll(), process.poll() is not None and process.communicate()[1])
        kill_with_children(process.pid)
        process.communicate()

    def go_on(self):
        done = self.sluice("run", "p.yaml", "--progress", "none")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("continuing after checkpoint", done.stderr)
        self.assertTrue(self.run_record("last")["summary"]["balanced"])
        return self.out()

    def unbroken(self):
        text = (self.folder / "p.yaml").read_text()
        self.write("p.yaml", text.replace("rate: 12000, ", "").replace(", checkpoint: 100ms", "").replace("3MiB", "1GiB").replace("1MiB", "1GiB"))
        done = self.sluice("run", "p.yaml", "--fresh")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = self.out()
        self.write("p.yaml", text)
        return lines

    def test_operators_that_have_spilled_go_on_behind_a_checkpoint(self):
        for name, (transform, more) in SPILLING.items():
            with self.subTest(name):
                # Keys alone are small.
                self.write_pipeline(transform, more, memory="1MiB" if name == "first" else "3MiB")
                expected = self.unbroken()
                first = len(self.run_ids())
                self.killed_after(lambda: len(self.run_ids()) > first and
                                  any(one.get("state_bytes", 0) > 100_000 and one.get("rows_held", 0) > 0 for one in self.checkpoints()))
                found = self.go_on()
                if name == "full join":
                    found, expected = sorted(found), sorted(expected)
                self.assertEqual(found, expected)

    def test_values_that_rows_refer_to_are_part_of_a_checkpoint_on_disk_too(self):
        self.write_pipeline('made: { from: numbers, validate: { known: { references: { k: "others.k" } } } }\nrejects: { allow: 100000 }',
                            "  others: { generate: { rows: 200000, columns: { k: { random: [10000, 1000000] } } } }", memory="1MiB")
        expected = self.unbroken()
        self.assertTrue(0 < len(expected) < ROWS)
        self.killed_after(lambda: any(one.get("state_bytes", 0) > 2_000_000 for one in self.checkpoints()))
        self.assertEqual(self.go_on(), expected)

    def test_groups_below_a_source_without_end_that_are_on_disk_are_given_when_they_change(self):
        self.write("p.yaml", """\
version: 1
pipeline: groups
run: { memory: 6MiB, checkpoint: 200ms }
extract:
  numbers: { generate: { rate: 60000, columns: { id: sequence, k: { random: [0, 40000] }, t: { text: 40 } } } }
transform:
  made: { from: numbers, aggregate: { by: [k], compute: { n: "count(*)", s: "sum(id)", top: "max(t)", d: "count(distinct id % 7)" } } }
load:
  out: { from: made, sqlite: { path: out.db, table: sums }, mode: upsert, key: [k] }
""")
        for _ in range(2):
            before = max((one["epoch"] for one in self.checkpoints()), default=0)
            self.killed_after(lambda: any(one["epoch"] >= before + 2 and one.get("state_bytes", 0) > 5_000_000 for one in self.checkpoints()))
        runs = len(self.run_ids())
        process = self.start("run", "p.yaml", "--progress", "none")
        eventually(lambda: process.poll() is not None or len(self.run_ids()) > runs and len(self.checkpoints()) >= 2, "checkpoints")
        process.send_signal(SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, err)
        with sqlite3.connect(self.folder / "out.db") as db:
            rows, total, groups, most = db.execute("SELECT sum(n), sum(s), count(*), max(d) FROM sums").fetchone()
        self.assertEqual(total, rows * (rows + 1) // 2)
        self.assertGreater(groups, 30_000)
        self.assertLessEqual(most, 7)
        self.assertTrue(self.run_record("last")["summary"]["balanced"])

    def run_ids(self):
        return [run["id"] for run in json.loads(self.sluice("runs", "--json").stdout or "[]")]

    def test_a_build_side_that_is_still_being_read(self):
        # The right takes longer than the left: rows of both are held.
        self.write_pipeline("made: { from: [numbers, others], join: { how: left, using: [k] } }",
                            "  others: { generate: { rows: 60000, rate: 60000, columns: { k: sequence, u: { text: 8 } } } }",
                            memory="1GiB", rows=20_000, rate=100_000)
        self.killed_after(lambda: any(one["epoch"] >= 3 and one.get("rows_held", 0) > 0 for one in self.checkpoints()))
        found = self.go_on()
        self.write("p.yaml", (self.folder / "p.yaml").read_text().replace("rate: 60000, ", "").replace(", checkpoint: 100ms", ""))
        self.assertEqual(self.sluice("run", "p.yaml", "--fresh").returncode, 0)
        self.assertEqual(found, self.out())

    def test_rows_that_wait_for_their_place_in_the_order(self):
        # Splits are read in parallel, and the first one is the longest: what was read of the others waits.
        for number in range(6):
            count = 200_000 if number == 0 else 4_000
            self.write(f"in/{number}.csv", "id,t\n" + "".join(f"{number * 1_000_000 + row},{'x' * 20}\n" for row in range(count)))
        self.write("p.yaml", """\
version: 1
pipeline: ordered
run: { checkpoint: 20ms }
extract:
  numbers: { csv: { path: "in/*.csv" }, types: { id: bigint, t: text }, parallelism: 3 }
transform:
  some: { from: numbers, filter: "id % 3 <> 0", parallelism: 2 }
  few: { from: some, limit: 150000 }
load:
  out: { from: few, ndjson: { path: out/ } }
""")
        expected = [number * 1_000_000 + row for number in range(6) for row in range(200_000 if number == 0 else 4_000)
                    if (number * 1_000_000 + row) % 3 != 0][:150_000]
        process = self.start("run", "p.yaml", "--progress", "none")
        eventually(lambda: process.poll() is not None or self.checkpoints(), "a checkpoint")
        if process.poll() is None:
            kill_with_children(process.pid)
        process.communicate()
        done = self.sluice("run", "p.yaml", "--progress", "none")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([json.loads(line)["id"] for line in self.out()], expected)

    def test_a_limit_that_is_satisfied_and_an_input_that_has_ended(self):
        # The limit is full and the table has been read long before the run is killed; the other branch goes on.
        self.write("p.yaml", """\
version: 1
pipeline: ended
run: { checkpoint: 100ms }
extract:
  slow: { generate: { rows: 60000, rate: 50000, columns: { id: sequence } } }
  table: { generate: { rows: 100, columns: { k: sequence } } }
transform:
  first: { from: slow, limit: 1000 }
  both: { from: [slow, keyed], union: {} }
  keyed: { from: table, select: [{ id: "k + 1000000" }] }
load:
  out: { from: both, ndjson: { path: out/ } }
  few: { from: first, ndjson: { path: few/ } }
""")
        self.killed_after(lambda: any(one["epoch"] >= 3 for one in self.checkpoints()))
        found = sorted(json.loads(line)["id"] for line in self.go_on())
        self.assertEqual(found, list(range(1, 60_001)) + list(range(1_000_001, 1_000_101)))
        few = [json.loads(line)["id"] for line in self.out("few")]
        self.assertEqual(few, list(range(1, 1001)))


if __name__ == "__main__":
    unittest.main()
