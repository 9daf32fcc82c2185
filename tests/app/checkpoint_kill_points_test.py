"""A run with checkpoints is killed at a call that changes files, resumed, and killed again: every row is loaded once."""

import csv
import json
import os
import sqlite3
import subprocess
import unittest

from command_line import BINARY, PATIENCE, ROOT, CommandLine

HEAD = """\
version: 1
pipeline: daily
run: { checkpoint: 30ms }
rejects: { allow: 100000 }
extract:
  orders:
    csv: { path: "in/*.csv" }
    types: { id: bigint, k: bigint, v: bigint }
    parallelism: 2
"""

PARTS = HEAD + """\
transform:
  some:
    from: orders
    filter: "id % 7 <> 0"
load:
  lake:
    from: some
    csv: { path: out/lake/ }
    commit: checkpoint
"""

AT_THE_END = PARTS.replace("    commit: checkpoint\n", "")

PARTITIONED = PARTS.replace('filter: "id % 7 <> 0"', 'steps: [{ filter: "id % 7 <> 0" }, { derive: { p: "id % 3" } }]').replace(
    "path: out/lake/", "path: out/lake, partition_by: [p], file_rows: 9000")

PARTITIONED_AT_THE_END = PARTITIONED.replace("    commit: checkpoint\n", "    mode: replace_partitions\n")

SUMS = HEAD + """\
transform:
  sums:
    from: orders
    aggregate: { by: [k], compute: { n: "count(*)", s: "sum(v)", first: "first(id)" } }
load:
  table:
    from: sums
    sqlite: { path: out/shop.db, table: sums }
    mode: error
"""

FILES = 4
ROWS = 40_000  # of a file
BAD = 1009     # one record in so many has no number


@unittest.skipIf("sanitize" in BINARY, "AddressSanitizer wants to be preloaded first")
class CheckpointKillPoints(CommandLine):
    def setUp(self):
        super().setUp()
        self.shim = self.folder / "kill_at.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self.shim, ROOT / "tests/support/kill_at.c", "-ldl"], check=True)
        self.calls = self.folder / "calls"
        self.good, self.bad = {}, []
        number = 0
        for file in range(FILES):
            lines = ["id,k,v"]
            for _ in range(ROWS):
                number += 1
                if number % BAD == 0:
                    self.bad.append(number)
                    lines.append(f"{number},{number % 50},x")
                else:
                    self.good[number] = (number % 50, number * 3)
                    lines.append(f"{number},{number % 50},{number * 3}")
            self.write(f"in/{file}.csv", "\n".join(lines) + "\n")

    def go(self, kill_at=0):
        """Runs to the end or to the call; gives the number of calls."""
        self.calls.write_bytes(bytes(4096))
        more = {"SLUICE_KILL_AT": str(kill_at)} if kill_at else {}
        if kill_at % 2:
            more["SLUICE_KILL_GROUP"] = "1"  # the parent, too
        environment = self.environment(LD_PRELOAD=str(self.shim), SLUICE_CALLS=str(self.calls), **more)
        done = subprocess.run([BINARY, "run", "p.yaml", "--progress", "none"], cwd=self.folder, env=environment, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE, start_new_session=True)
        return done, int.from_bytes(self.calls.read_bytes()[:4], "little")

    def rejected(self):
        done = self.sluice("rejects", "export", "last", "--json")
        return done.stdout

    def check_end(self, check, label):
        run = json.loads(self.sluice("runs", "-n", "1", "--json").stdout)[0]
        self.assertEqual(run["state"], "succeeded", (label, run))
        self.assertTrue(run["summary"]["balanced"], (label, run))
        units = {unit["unit"]: unit for unit in run["summary"]["units"]}
        self.assertEqual(units["orders"]["in"], FILES * ROWS, label)
        self.assertEqual(run["summary"]["rejected"], len(self.bad), label)
        rejects = self.state / "runs" / run["id"] / "rejects.ndjson"
        lines = [json.loads(line) for line in rejects.read_text().splitlines()]
        self.assertEqual(sorted(int(line["record"].split(",")[0]) for line in lines), self.bad, label)
        check(label)
        left = [str(path) for path in (self.folder / "out").rglob(".*.part*")]
        self.assertEqual(left, [], label)

    def check_lake(self, label):
        ids = []
        for part in sorted((self.folder / "out/lake").glob("part-*")):
            with open(part, newline="") as file:
                ids += [int(row["id"]) for row in csv.DictReader(file)]
        self.assertEqual(ids, [number for number in self.good if number % 7], label)

    def check_partitions(self, label):
        ids = {0: [], 1: [], 2: []}
        # Parts of a partition follow each other by epoch and number, of runs that continue after each other by run.
        for part in sorted((self.folder / "out/lake").rglob("part-*"), key=lambda path: path.name.removesuffix(".csv")):
            with open(part, newline="") as file:
                ids[int(part.parent.name.removeprefix("p="))] += [int(row["id"]) for row in csv.DictReader(file)]
        self.assertEqual(ids, {p: [number for number in self.good if number % 7 and number % 3 == p] for p in ids}, label)

    def check_sums(self, label):
        want = {}
        for number, (k, v) in self.good.items():
            n, s, first = want.get(k, (0, 0, number))
            want[k] = (n + 1, s + v, first)
        with sqlite3.connect(self.folder / "out/shop.db") as shop:
            found = sorted(shop.execute("SELECT k, n, s, first FROM sums"))
        self.assertEqual(found, [(k, *group) for k, group in sorted(want.items())], label)

    def run_killed(self, pipeline, check):
        self.write("p.yaml", pipeline)
        done, calls = self.go()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check_end(check, "no kill")
        step = max(1, calls // int(os.environ.get("SLUICE_KILLS", "12")))
        for at in range(1, calls + 1, step):
            subprocess.run(["rm", "-rf", self.folder / "out", self.state], check=True)
            for kill_at in (at, max(1, (at * 7) % calls)):
                self.go(kill_at)
            done, _ = self.go()
            # Where the last commit had been decided before a kill, that run has reached its end: `mode: error` refuses
            # the table to the next one.
            if "target_exists" in done.stderr and "mode: error" in pipeline:
                check({"call": at, "of": calls})
                states = [run["state"] for run in json.loads(self.sluice("runs", "--json").stdout)]
                self.assertIn("succeeded", states)
                continue
            self.assertEqual(done.returncode, 0, (at, done.stderr))
            self.check_end(check, {"call": at, "of": calls})

    def test_parts_of_each_checkpoint(self):
        self.run_killed(PARTS, self.check_lake)

    def test_parts_at_the_end(self):
        self.run_killed(AT_THE_END, self.check_lake)

    def test_partitions_of_each_checkpoint(self):
        self.run_killed(PARTITIONED, self.check_partitions)

    def test_partitions_at_the_end(self):
        self.run_killed(PARTITIONED_AT_THE_END, self.check_partitions)

    def test_groups_into_a_table(self):
        self.run_killed(SUMS, self.check_sums)

    def test_changed_input_is_refused_and_fresh_starts_again(self):
        # So often that there is one before the end on any machine.
        self.write("p.yaml", AT_THE_END.replace("30ms", "3ms"))
        at = 60
        while True:
            done, calls = self.go(at)
            self.assertNotEqual(done.returncode, 0, f"the run reached its end with {calls} calls and was not killed")
            listed = self.sluice("checkpoints", "last", "--json")
            if listed.returncode == 0 and json.loads(listed.stdout)["checkpoints"]:
                break
            subprocess.run(["rm", "-rf", self.folder / "out", self.state], check=True)
            at += 20
        with open(self.folder / "in/3.csv", "a") as file:
            file.write("1,1,1\n")
        done, _ = self.go()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("input_changed", done.stderr)
        done = self.sluice("run", "p.yaml", "--fresh")
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
