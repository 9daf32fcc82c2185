"""Two runs of one pipeline: with other params they run at once, with the same ones `run.overlap` decides."""

import json
import os
import subprocess
import sys
import unittest

from command_line import SIGINT, SIGKILL, SIGTERM, CommandLine, eventually

WITH_DAY = """\
version: 1
pipeline: daily
params: { day: { type: date, default: 2024-05-01 }, from: { type: text, default: x } }
RUN
extract:
  numbers:
    generate: { rows: ROWS, rate: 2000, columns: { id: sequence } }
load:
  out:
    from: numbers
    ndjson: { path: "out/${day}.ndjson" }
"""

# Takes the lock, and ends its main thread alone.
HOLDING = """
import ctypes, fcntl, os, sys, threading
file = open(sys.argv[1], "r+")
fcntl.lockf(file, fcntl.LOCK_EX)
def wait():
    main.join(0.1)  # a moment for the other thread to end
    print("held", flush=True)
    sys.stdin.read()
    os._exit(0)
main = threading.main_thread()
other = threading.Thread(target=wait)
other.start()
ctypes.CDLL(None).syscall(60, 0)
"""


class Overlap(CommandLine):
    def pipeline(self, overlap="", rows=1_000_000_000):
        run = f"run: {{ overlap: {overlap} }}" if overlap else ""
        self.write("p.yaml", WITH_DAY.replace("RUN", run).replace("ROWS", str(rows)))

    def live(self):
        return [run for run in json.loads(self.sluice("runs", "--json").stdout) if run["state"] == "running"]

    def wait_for_runs(self, count):
        return eventually(lambda: (found := self.live()) and len(found) == count and found, f"{count} live runs")

    def test_runs_with_other_params_go_on_at_once(self):
        self.pipeline()
        runs = [self.start("run", "p.yaml", "--set", f"day=2024-05-0{day}") for day in (1, 2, 3)]
        self.wait_for_runs(3)
        # What is given and what is the default are the same.
        for words in ((), ("--set", "day=2024-05-01"), ("--set", "from=x")):
            with self.subTest(words):
                self.assertIn("(pid ", self.assert_error(self.sluice("run", "p.yaml", *words), "already_running"))
        for run in runs:
            run.send_signal(SIGINT)
        self.assertEqual([self.end_of(run)[0] for run in runs], [130, 130, 130])

    def test_both_publish_what_they_have(self):
        self.pipeline(rows=3000)
        runs = [self.start("run", "p.yaml", "--set", f"day=2024-05-0{day}") for day in (1, 2)]
        self.assertEqual([self.end_of(run)[0] for run in runs], [0, 0])
        for day in (1, 2):
            self.assertEqual(len((self.folder / f"out/2024-05-0{day}.ndjson").read_text().splitlines()), 3000)

    def test_skip_refuses_as_does_nothing_said(self):
        self.pipeline("skip")
        self.start("run", "p.yaml")
        record = self.running("daily")
        error = self.assert_error(self.sluice("run", "p.yaml"), "already_running")
        self.assertIn(f"pid {record['pid']}", error)
        self.assertIn("overlap", error)

    def test_queue_waits_for_the_end(self):
        self.pipeline("queue")
        first = self.start("run", "p.yaml")
        self.running("daily")
        second = self.start("run", "p.yaml")
        self.assertIn("waiting for the end of the current run of daily", second.stderr.readline())
        self.assertEqual(len(self.live()), 1)
        self.pipeline("queue", rows=10)  # what it runs is the file as it is when its turn comes
        self.assertIsNone(second.poll())
        first.send_signal(SIGINT)
        self.assertEqual(self.end_of(first)[0], 130)
        code, _, err = self.end_of(second)
        self.assertEqual(code, 0, err)
        self.assertEqual(len((self.folder / "out/2024-05-01.ndjson").read_text().splitlines()), 10)

    def test_a_run_that_waits_can_be_stopped(self):
        self.pipeline("queue")
        first = self.start("run", "p.yaml")
        self.running("daily")
        for number, code in ((SIGINT, 130), (SIGTERM, 143)):
            second = self.start("run", "p.yaml")
            second.stderr.readline()
            second.send_signal(number)
            self.assertEqual(self.end_of(second)[0], code)
        self.assertIsNone(first.poll())

    def test_cancel_stops_the_other_one(self):
        self.pipeline("cancel")
        first = self.start("run", "p.yaml")
        other = self.start("run", "p.yaml", "--set", "day=2024-05-02")
        old = {run["pid"]: run["id"] for run in self.wait_for_runs(2)}
        self.pipeline("cancel", rows=10)
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("cancelled run", done.stderr)
        self.assertEqual(self.end_of(first)[0], 1)
        self.assertIsNone(other.poll())  # another day is no overlap
        self.assertEqual([run["id"] for run in self.live()], [old[self.live()[0]["pid"]]])
        self.assertEqual(len((self.folder / "out/2024-05-01.ndjson").read_text().splitlines()), 10)

    def test_a_pipeline_that_remembers_runs_alone(self):
        incremental = WITH_DAY.replace("RUN", "").replace("ROWS", "1000000000").replace(
            "columns: { id: sequence } }", "columns: { id: sequence } }\n    incremental: { by: column, column: id }")
        self.write("p.yaml", incremental.replace("load:\n  out:", "load:\n  out:\n    mode: append"))
        self.start("run", "p.yaml")
        record = self.running("daily")
        error = self.assert_error(self.sluice("run", "p.yaml", "--set", "day=2024-05-02"), "already_running")
        self.assertIn(f"pid {record['pid']}", error)
        self.assertIn("same rows", error)
        # Also where the same pipeline remembers nothing meanwhile.
        self.pipeline()
        self.assert_error(self.sluice("run", "p.yaml", "--set", "day=2024-05-02"), "already_running")

    def test_other_words_are_refused(self):
        self.pipeline("wait")
        self.assertIn("skip, queue and cancel", self.assert_error(self.sluice("validate", "p.yaml"), "invalid_value"))

    def test_a_process_that_is_being_killed_is_waited_for(self):
        """Its locks go with its last thread: here the first one has ended, and another one waits for a file."""
        self.pipeline(rows=10)
        self.assertEqual(self.sluice("run", "p.yaml", "-q").returncode, 0)
        holding = subprocess.Popen([sys.executable, "-c", HOLDING, self.state / "locks/daily"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        self.started.append(holding)
        self.assertEqual(holding.stdout.readline(), "held\n")
        run = self.start("run", "p.yaml", "--progress", "none")
        self.assertIn(f"waiting for the end of the current run of daily (pid {holding.pid})", run.stderr.readline())
        holding.stdin.close()
        holding.stdin = None
        self.assertEqual(self.end_of(run)[0], 0)

    def test_a_lock_is_gone_with_its_process(self):
        self.pipeline()
        first = self.start("run", "p.yaml")
        record = self.running("daily")
        os.kill(record["pid"], SIGKILL)
        self.end_of(first)
        self.pipeline(rows=10)
        self.assertEqual(self.sluice("run", "p.yaml", "-q").returncode, 0)


if __name__ == "__main__":
    unittest.main()
