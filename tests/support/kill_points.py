"""Runs a pipeline with three appending sinks that is killed at a chosen call that changes files, and looks at what is left."""

import json
import shutil
import sqlite3
import subprocess
import unittest

from command_line import BINARY, PATIENCE, ROOT, CommandLine, eventually

PIPELINE = """\
version: 1
pipeline: daily
extract:
  orders:
    csv: { path: "in/*.csv" }
    types: { id: bigint, name: text }
    incremental: { by: file }
load:
  plain:  { from: orders, csv: { path: out/orders.csv }, mode: append }
  lines:  { from: orders, ndjson: { path: out/orders.ndjson }, mode: append }
  table:  { from: orders, sqlite: { path: out/shop.db, table: orders }, mode: append }
"""

FINAL = {"succeeded", "partial", "failed", "cancelled"}


def rows(first, last):
    return "id,name\n" + "".join(f"{i},name{i}\n" for i in range(first, last))


@unittest.skipIf("sanitize" in BINARY, "AddressSanitizer wants to be preloaded first")
class KillPoints(CommandLine):
    def setUp(self):
        super().setUp()
        self.shim = self.folder / "kill_at.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self.shim, ROOT / "tests/support/kill_at.c", "-ldl"], check=True)
        self.calls = self.folder / "calls"
        self.write("p.yaml", PIPELINE)
        self.write("in/a.csv", rows(0, 100))
        self.assertEqual(self.sluice("run", "p.yaml", "-q").returncode, 0)
        self.write("in/b.csv", rows(100, 150))
        self.kept = self.folder.parent / (self.folder.name + "-kept")
        shutil.copytree(self.folder, self.kept)
        self.addCleanup(shutil.rmtree, self.kept, ignore_errors=True)

    def back_to_start(self):
        for name in ("state", "out", "in"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            shutil.copytree(self.kept / name, self.folder / name)

    def run_counted(self, **more):
        """Runs with the calls counted; gives the exit code, the number of calls and stderr."""
        self.calls.write_bytes(bytes(4096))
        environment = self.environment(LD_PRELOAD=str(self.shim), SLUICE_CALLS=str(self.calls), **more)
        done = subprocess.run([BINARY, "run", "p.yaml"], cwd=self.folder, env=environment, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE, start_new_session=True)
        return done.returncode, int.from_bytes(self.calls.read_bytes()[:4], "little"), done.stderr

    def visible(self):
        """The ids that each target shows."""
        out = self.folder / "out"
        with sqlite3.connect(out / "shop.db") as shop:
            table = [row[0] for row in shop.execute("SELECT id FROM orders ORDER BY rowid")]
        return {"plain": [int(line.split(",")[0]) for line in (out / "orders.csv").read_text().splitlines()[1:]],
                "lines": [json.loads(line)["id"] for line in (out / "orders.ndjson").read_text().splitlines()],
                "table": table}

    def newest_run(self):
        return json.loads(self.sluice("runs", "-n", "1", "--json").stdout)[0]

    def check(self, number, **how):
        label = {"call": number, **how}
        self.back_to_start()
        first = self.newest_run()["id"]
        code, _, stderr = self.run_counted(SLUICE_KILL_AT=str(number), **how)
        shown = self.visible()
        run = self.newest_run()
        new = {name for name, ids in shown.items() if ids != list(range(100))}
        for name in new:
            self.assertEqual(shown[name], list(range(150)), label)
        if run["id"] != first and new:
            # Something is visible: nobody may be told that the run has failed.
            self.assertNotIn(run["state"], {"failed", "cancelled"}, (label, run, stderr))
        if run["id"] != first and run["state"] == "succeeded":
            self.assertEqual(new, {"plain", "lines", "table"}, label)
        if code == 0:
            self.assertEqual(run["state"], "succeeded", (label, stderr))
        # The next run publishes what is due, and takes what was not loaded; the one after it has nothing to do.
        for _ in range(2):
            again = self.sluice("run", "p.yaml")
            self.assertEqual(again.returncode, 0, (label, again.stderr))
            self.assertEqual(self.visible(), {name: list(range(150)) for name in shown}, (label, run, again.stderr))
        left = [name for name in self.names() if ".part" in name or ".new" in name]
        self.assertEqual(left, [], label)
        states = {each["state"] for each in json.loads(self.sluice("runs", "--json").stdout)}
        self.assertLessEqual(states, FINAL, label)

    def eventually_visible(self):
        eventually(lambda: all(ids == list(range(150)) for ids in self.visible().values()), "all targets published")
