"""Runs of one pipeline and the same params that are submitted to a node: `run.overlap` decides about the second one."""

import pathlib
import subprocess
import tempfile
import unittest

from command_line import PATIENCE, eventually
from two_nodes_test import SLUICE, Node

FINAL = ("succeeded", "partial", "failed", "cancelled")
PIPELINE = """\
version: 1
pipeline: daily
params: { rows: { type: bigint, default: 1000000000 }, day: { type: text, default: may } }
run: { OVERLAP }
extract:
  numbers:
    generate: { rows: "${rows}", rate: 5000, columns: { id: sequence } }
load:
  out:
    from: numbers
    ndjson: { path: "out/${day}.ndjson" }PLACE
"""
# Takes each file once; `numbers` keeps a run going.
REMEMBERS = """\
version: 1
pipeline: growing
params: { rows: { type: bigint } }
run: { overlap: queue }
extract:
  orders:
    csv: { path: "in/*.csv" }
    types: { id: bigint }
    incremental: { by: file }
  numbers:
    generate: { rows: "${rows}", rate: 5000, columns: { id: sequence } }
load:
  taken: { from: orders, csv: { path: out/orders.csv }, mode: append }
  nothing: { from: numbers, blackhole: {} }
"""


class SubmitOverlap(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.first = self.node("n1")
        self.place = ""

    def node(self, name, *flags):
        made = Node(name, self.path, *flags)
        self.addCleanup(made.stop)
        return made

    def write(self, overlap):
        word = f"overlap: {overlap}" if overlap else ""
        (self.path / "p.yaml").write_text(PIPELINE.replace("OVERLAP", word).replace("PLACE", self.place))

    def sluice(self, *words):
        return subprocess.run([SLUICE, *words, "--state", str(self.path), "--to", self.first.http], capture_output=True, text=True, timeout=2 * PATIENCE, cwd=self.path)

    def submit(self, *words):
        done = self.sluice("submit", "p.yaml", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def record(self, run):
        return self.first.json(f"/v1/runs/{run}")

    def becomes(self, run, *states):
        def look():
            record = self.record(run)
            if record["state"] in FINAL and record["state"] not in states:
                raise AssertionError(record)
            return record if record["state"] in states else None

        return eventually(look, f"a run that is {' or '.join(states)}")

    def cancel(self, run):
        self.first.get(f"/v1/runs/{run}/cancel", data=b"")

    def assert_refused(self, *words):
        done = self.sluice("submit", "p.yaml", *words)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("error[already_running]", done.stderr)
        return done.stderr

    def test_skip_refuses_as_does_nothing_said(self):
        for overlap in ("", "skip"):
            with self.subTest(overlap):
                self.write(overlap)
                run = self.submit()
                self.assertIn(run, self.assert_refused())
                # What is given and what is the default are the same; other params go on beside it.
                self.assert_refused("--set", "day=may")
                other = self.submit("--set", "day=june", "--set", "rows=10")
                self.becomes(other, "succeeded")
                self.cancel(run)
                self.becomes(run, "cancelled")
                self.assertEqual(len(self.first.json("/v1/runs?pipeline=daily")["runs"]), 2 if overlap == "" else 4)

    def test_queue_waits_for_all_before_it_in_order(self):
        self.write("queue")
        runs = [self.submit() for _ in range(3)]
        self.becomes(runs[0], "running")
        self.assertEqual([self.record(run)["state"] for run in runs[1:]], ["queued", "queued"])
        self.write("skip")
        self.assertIn(runs[0], self.assert_refused())
        # One that waits can be cancelled, without the others.
        self.cancel(runs[1])
        self.becomes(runs[1], "cancelled")
        self.assertEqual(self.record(runs[2])["state"], "queued")
        self.cancel(runs[0])
        self.becomes(runs[2], "running")
        self.cancel(runs[2])
        self.becomes(runs[2], "cancelled")

    def test_cancel_ends_the_one_before_it(self):
        self.write("cancel")
        old = self.submit()
        self.becomes(old, "running")
        new = self.submit()
        self.becomes(old, "cancelled")
        self.becomes(new, "running")
        self.cancel(new)
        types = [event["type"] for event in self.first.events(new)]
        self.assertEqual((types[0], types[-1]), ("run.queued", "run.cancelled"))

    def test_what_waited_is_planned_again(self):
        (self.path / "in").mkdir()
        (self.path / "in/a.csv").write_text("id\n1\n")
        (self.path / "p.yaml").write_text(REMEMBERS)
        first = self.submit("--set", "rows=1000000000")
        self.becomes(first, "running")
        second = self.submit("--set", "rows=10")
        third = self.submit("--set", "rows=11")
        (self.path / "in/b.csv").write_text("id\n2\n")
        self.cancel(first)
        self.becomes(second, "succeeded")
        # The third has nothing left to take: it was planned when the second had taken all.
        self.becomes(third, "succeeded")
        self.assertEqual((self.path / "out/orders.csv").read_text(), "id\n1\n2\n")

    def test_what_can_not_be_planned_again_fails(self):
        self.write("queue")
        text = (self.path / "p.yaml").read_text()
        (self.path / "p.yaml").write_text(text.replace("load:", "  orders:\n    csv: { path: in.csv }\nload:") +
                                          "  nothing: { from: orders, blackhole: {} }\n")
        (self.path / "in.csv").write_text("id\n1\n")
        first, second = self.submit(), self.submit()
        self.becomes(first, "running")
        (self.path / "in.csv").unlink()
        self.cancel(first)
        record = self.becomes(second, "failed")
        self.assertEqual(record["cause"]["code"], "file_not_found")

    def test_on_two_nodes(self):
        self.node("n2", "--join", self.first.cluster)
        self.place = "\n    place: { node: n2 }"
        self.write("queue")
        first = self.submit()
        self.becomes(first, "running")
        second = self.submit("--set", "day=may")
        self.assertEqual(self.record(second)["state"], "queued")
        self.write("skip")
        self.assert_refused()
        self.write("cancel")
        third = self.submit()
        for run in (first, second):
            self.becomes(run, "cancelled")
        self.becomes(third, "running")
        self.cancel(third)
        nodes = [event["data"]["node"] for event in self.first.events(third)
                 if event["type"] == "unit.started" and event["subject"] == "out"]
        self.assertEqual(nodes, ["n2"])
        self.becomes(third, "cancelled")


if __name__ == "__main__":
    unittest.main()
