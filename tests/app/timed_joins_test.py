#!/usr/bin/env python3
"""Joins bounded by time (`within`) against a plain model in Python: shuffled, late and repeated rows, in several files, with
several readers and instances, and killed in between; event time through joins; joins that read their right input again."""

import collections
import datetime
import json
import os
import random
import sqlite3
import time
import unittest

from command_line import SIGINT, CommandLine, eventually
from processes import kill_with_children

UTC = datetime.timezone.utc
START = datetime.datetime(2024, 5, 1, tzinfo=UTC)
SEEDS = [int(seed) for seed in os.environ.get("SLUICE_SEEDS", "1 2 3").split()]
HOWS = ["inner", "left", "right", "full", "semi", "anti"]

PIPELINE = """\
version: 1
pipeline: pairs
rejects: {{ allow: 0 }}
extract:
  orders:
    csv: {{ path: "left/*.csv" }}
    types: {{ at: timestamptz, k: bigint, a: bigint }}
    parallelism: {readers}
    time: {{ column: at, out_of_order: {left_by}s }}
  payments:
    csv: {{ path: "right/*.csv" }}
    types: {{ paid_at: timestamptz, k: bigint, b: bigint }}
    parallelism: {readers}
    time: {{ column: paid_at, out_of_order: {right_by}s }}
transform:
  paired:
    from: [orders, payments]
    join: {{ how: {how}, {on}, within: {within}s }}
    parallelism: {instances}
load:
  out: {{ from: paired, ndjson: {{ path: out.ndjson }} }}
  late: {{ from: paired.late, ndjson: {{ path: late.ndjson }} }}
  late_right: {{ from: paired.late_right, ndjson: {{ path: late_right.ndjson }} }}
"""

CONDITIONS = [("using: [k]", lambda a, b: True), ('on: "orders.k = payments.k and a % 3 <> b % 2"', lambda a, b: a % 3 != b % 2)]


def text(second):
    return (START + datetime.timedelta(seconds=second)).strftime("%Y-%m-%d %H:%M:%S+00")


def rows_of(rng, count, late_by, too_late=0.0, keys=12):
    """Rows (second, key, number) whose times rise, none more than `late_by` behind an earlier one but for a few; some are there
    twice, some keys are null."""
    rows, now, latest = [], 0.0, 0
    for number in range(count):
        now += rng.random() * 4
        at = max(int(now - rng.random() * late_by), latest - late_by, 0)
        if rng.random() < too_late:
            at = max(0, at - late_by - rng.randrange(2000))
        latest = max(latest, at)
        rows.append((at, None if rng.random() < 0.03 else rng.randrange(keys), number))
        if rng.random() < 0.05:
            rows.append(rows[-1])
    return rows


def joined(left, right, within, how, meets):
    """What comes out, as a multiset of (left row, right row)."""
    by_key = collections.defaultdict(list)
    for index, row in enumerate(right):
        by_key[row[1]].append((index, row))
    made, matched = collections.Counter(), set()
    for row in left:
        partners = [(i, other) for i, other in by_key[row[1]] if row[1] is not None and abs(row[0] - other[0]) <= within
                    and meets(row[2], other[2])]
        matched |= {i for i, _ in partners}
        if how == "semi":
            made[row, None] += bool(partners)
        elif how == "anti":
            made[row, None] += not partners
        else:
            for _, other in partners:
                made[row, other] += 1
            if not partners and how in ("left", "full"):
                made[row, None] += 1
    if how in ("right", "full"):
        for index, row in enumerate(right):
            if index not in matched:
                made[None, row] += 1
    return +made


class TimedJoins(CommandLine):
    def write_files(self, folder, header, files):
        for old in (self.folder / folder).glob("*"):
            old.unlink()
        for number, rows in enumerate(files):
            lines = "".join(f"{text(at)},{'' if k is None else k},{n}\n" for at, k, n in rows)
            self.write(f"{folder}/{number:03}.csv", header + "\n" + lines)

    def lines(self, name):
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]

    @staticmethod
    def second(value):
        return int((datetime.datetime.fromisoformat(value) - START).total_seconds())

    def run_it(self, left, right, **values):
        self.write_files("left", "at,k,a", left)
        self.write_files("right", "paid_at,k,b", right)
        self.write("p.yaml", PIPELINE.format(**values))
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        late = [(self.second(row["at"]), row["k"], row["a"]) for row in self.lines("late.ndjson")]
        late_right = [(self.second(row["paid_at"]), row["k"], row["b"]) for row in self.lines("late_right.ndjson")]
        made = collections.Counter()
        for row in self.lines("out.ndjson"):
            of_left = None if row.get("at") is None else (self.second(row["at"]), row["k"], row["a"])
            of_right = None if row.get("paid_at") is None else (self.second(row["paid_at"]), row["k"], row["b"])
            made[of_left, of_right] += 1
        return made, collections.Counter(late), collections.Counter(late_right)

    def check(self, rng, how, late_by, too_late):
        within = rng.choice([1, 5, 60, 600])
        using, meets = rng.choice(CONDITIONS)
        if how in ("right", "full") or rng.random() < 0.5:
            using, meets = CONDITIONS[0]
        # Watermarks rise from batch to batch: only files of several have late rows.
        files, most, keys = (2, 150_000, 20_000) if too_late else (rng.randrange(1, 4), rng.randrange(1, 400), 12)
        left, right = ([rows_of(rng, most if too_late else rng.randrange(most), late_by, too_late, keys) for _ in range(files)]
                       for _ in range(2))
        # With `on` both inputs must not have other columns of one name; the key is shown once.
        made, late, late_right = self.run_it(left, right, how=how, on=using, within=within, left_by=late_by, right_by=late_by,
                                             readers=rng.randrange(1, 4), instances=rng.randrange(1, 4))
        all_left = collections.Counter(row for file in left for row in file)
        all_right = collections.Counter(row for file in right for row in file)
        self.assertFalse(late - all_left)
        self.assertFalse(late_right - all_right)
        if not too_late:
            self.assertFalse(late or late_right)
        kept = [list((every - behind).elements()) for every, behind in ((all_left, late), (all_right, late_right))]
        self.assertEqual(made, joined(*kept, within, how, meets))
        return sum(late.values()) + sum(late_right.values())

    def test_rows_that_keep_to_out_of_order_meet_as_in_a_plain_model(self):
        for seed in SEEDS:
            rng = random.Random(seed)
            for how in HOWS:
                with self.subTest(seed=seed, how=how):
                    self.check(rng, how, rng.choice([0, 30, 300]), 0)

    def test_late_rows_go_to_their_ports_and_all_others_meet(self):
        late = 0
        for seed in SEEDS[:1]:
            rng = random.Random(seed + 100)
            how = rng.choice(HOWS)
            with self.subTest(seed=seed, how=how):
                late += self.check(rng, how, 10, 0.01)
        self.assertGreater(late, 0)

    def test_without_a_reader_late_rows_of_both_sides_are_rejects(self):
        rows = [(n, 1, n) for n in range(200_000)] + [(3, 1, -1)]
        self.write_files("left", "at,k,a", [rows])
        self.write_files("right", "paid_at,k,b", [rows])
        without = PIPELINE.split("  late:")[0].replace("allow: 0", "allow: 10")
        self.write("p.yaml", without.format(how="semi", on="using: [k]", within=1, left_by=0, right_by=0, readers=1, instances=1))
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        rejects = [json.loads(line) for line in self.sluice("rejects", "last", "--json").stdout.splitlines()]
        self.assertTrue(rejects)
        self.assertEqual({row["code"] for row in rejects}, {"late_row"})
        self.assertTrue({row["line"] for row in rejects} <= {200_002})

    def test_what_a_join_within_needs_is_said(self):
        self.write_files("left", "at,k,a", [[]])
        self.write_files("right", "paid_at,k,b", [[]])
        text = PIPELINE.format(how="inner", on="using: [k]", within=5, left_by=0, right_by=0, readers=1, instances=1)
        for change, code in [(("    time: { column: paid_at, out_of_order: 0s }\n", ""), "no_event_time"),
                             (("within: 5s", "within: 0s"), "invalid_option"),
                             (("within: 5s", "within: 5s, refresh: 1m"), "invalid_option"),
                             (("how: inner, using: [k]", 'how: semi, on: "orders.a < payments.b"'), "invalid_option")]:
            with self.subTest(change):
                self.assertIn(change[0], text)
                self.write("p.yaml", text.replace(*change))
                self.assert_error(self.sluice("validate", "p.yaml"), code)

    def test_windows_below_joins_have_the_time_of_the_left(self):
        self.write("l.csv", "at,k,v\n" + "".join(f"{text(n)},{n % 3},{n}\n" for n in range(600)))
        self.write("r.csv", "paid_at,k,w\n" + "".join(f"{text(n)},{n % 3},1\n" for n in range(600)))
        self.write("names.csv", "k,name\n0,zero\n1,one\n")
        self.write("p.yaml", """\
version: 1
pipeline: through-joins
extract:
  l: { csv: { path: l.csv }, types: { at: timestamptz, k: bigint, v: bigint }, time: { column: at } }
  r: { csv: { path: r.csv }, types: { paid_at: timestamptz, k: bigint, w: bigint }, time: { column: paid_at } }
  names: { csv: { path: names.csv }, types: { k: bigint, name: text } }
transform:
  pairs: { from: [l, r], join: { using: [k], within: 3s } }
  named: { from: [pairs, names], join: { how: left, where: "pairs.k = names.k" } }
  minutes: { from: named, aggregate: { by: [name], window: { tumble: 1m }, compute: { n: "count(*)", s: "sum(v)" } } }
load:
  out: { from: minutes, ndjson: { path: out.ndjson } }
""")
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        expected = collections.Counter()
        for v in range(600):
            for other in (v - 3, v, v + 3):
                if 0 <= other < 600:
                    expected[("zero", "one", None)[v % 3], v // 60] += 1
        found = {(row["name"], self.second(row["window_start"]) // 60): row["n"] for row in self.lines("out.ndjson")}
        self.assertEqual(found, dict(expected))

    def test_killed_again_and_again_every_pair_comes_once(self):
        self.write("p.yaml", """\
version: 1
pipeline: live-pairs
run: { checkpoint: 150ms }
extract:
  orders:
    generate: { rate: 20000, columns: { id: sequence, at: { sequence: { start: "2024-01-01T00:00:00Z", step: 1s } } } }
    time: { column: at }
  payments:
    generate: { rate: 15000, columns: { no: sequence, paid_at: { sequence: { start: "2024-01-01T00:00:00Z", step: 1s } } } }
    time: { column: paid_at }
transform:
  o: { from: orders, derive: { k: "id % 50" } }
  p: { from: payments, steps: [ { filter: "no % 7 <> 0" }, { derive: { k: "no % 50" } } ] }
  pairs:
    from: [o, p]
    join: { how: left, using: [k], within: 100s }
    parallelism: 2
load:
  out: { from: pairs, ndjson: { path: out/ } }
""")

        def rows():
            found = []
            for part in sorted((self.folder / "out").glob("part-*")):
                found += [json.loads(line) for line in part.read_text().splitlines()]
            return found

        def count():
            return sum(len(part.read_text().splitlines()) for part in (self.folder / "out").glob("part-*"))

        rng = random.Random(5)
        before = 0
        for _ in range(3):
            process = self.start("run", "p.yaml", "--progress", "none")
            eventually(lambda: count() > before, "more pairs")
            time.sleep(rng.random() * 0.2)  # the kill may come at any moment of a checkpoint
            kill_with_children(process.pid)
            process.communicate()
            before = count()
        process = self.start("run", "p.yaml", "--progress", "none", "--flush")
        eventually(lambda: count() > before, "more pairs")
        process.send_signal(SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out + err)
        summary = self.run_record("live-pairs")["summary"]
        self.assertTrue(summary["balanced"])
        read = {unit["unit"]: unit["in"] for unit in summary["units"]}
        expected = collections.Counter()
        for number in range(1, read["orders"] + 1):
            partners = [no for no in range(number - 100, number + 101, 50) if 0 < no <= read["payments"] and no % 7]
            expected.update((number, no) for no in partners or [None])
        found = collections.Counter((row["id"], row["no"]) for row in rows())
        self.assertEqual(found - expected, collections.Counter())
        self.assertEqual(expected - found, collections.Counter())

    def test_a_right_input_is_read_again_and_no_row_is_lost_or_repeated(self):
        with sqlite3.connect(self.folder / "names.db") as names:
            names.execute("create table names(k integer primary key, name text)")
            names.executemany("insert into names values(?, ?)", [(k, "old") for k in range(10)])
        self.write("p.yaml", """\
version: 1
pipeline: refreshed
run: { checkpoint: 200ms }
extract:
  numbers: { generate: { rate: 5000, columns: { id: sequence } } }
  names: { sqlite: { path: names.db, table: names } }
transform:
  keyed: { from: numbers, derive: { k: "id % 10" } }
  some: { from: names, filter: "k < 9" }
  named: { from: [keyed, some], join: { how: left, using: [k], refresh: 300ms }, parallelism: 2 }
load:
  out: { from: named, ndjson: { path: out/ } }
""")

        def rows():
            return [json.loads(line) for part in sorted((self.folder / "out").glob("part-*"))
                    for line in part.read_text().splitlines()]

        process = self.start("run", "p.yaml", "--progress", "none")
        eventually(lambda: any(row["name"] == "old" for row in rows()), "rows with the old names")
        with sqlite3.connect(self.folder / "names.db") as names:
            names.execute("update names set name = 'new'")
        eventually(lambda: any(row["name"] == "new" for row in rows()), "rows with the new names")
        process.send_signal(SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out + err)
        found = sorted(rows(), key=lambda row: row["id"])
        self.assertEqual([row["id"] for row in found], list(range(1, len(found) + 1)))
        self.assertTrue(all((row["name"] is None) == (row["k"] == 9) for row in found))
        types = [json.loads(line)["type"] for line in self.sluice("events", "last", "--json").stdout.splitlines()]
        self.assertIn("run.refreshed", types)
        self.assertNotIn("run.paused", types)

    def test_refresh_of_what_others_read_too_is_refused(self):
        self.write("names.csv", "k,name\n1,one\n")
        self.write("p.yaml", """\
version: 1
pipeline: shared
extract:
  numbers: { generate: { rate: 10, columns: { k: sequence } } }
  names: { csv: { path: names.csv }, types: { k: bigint, name: text } }
transform:
  named: { from: [numbers, names], join: { using: [k], refresh: 1m } }
load:
  out: { from: named, ndjson: { path: out/ } }
  copy: { from: names, ndjson: { path: names/ } }
""")
        done = self.sluice("validate", "p.yaml")
        self.assertIn("copy reads it too", self.assert_error(done, "refresh_shared"))


if __name__ == "__main__":
    unittest.main()
