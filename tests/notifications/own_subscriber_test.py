"""The example of a user's own program that links the library: its actor hears of every run once, over restarts and a kill."""

import os
import subprocess
import unittest

from command_line import PATIENCE, STARTER, ORDERS, ROOT, CommandLine

PROGRAM = os.environ.get("SLUICE_EXAMPLE_SUBSCRIBER", str(ROOT / "build/example_subscriber"))


class OwnSubscriber(CommandLine):
    def setUp(self):
        super().setUp()
        self.write("orders.csv", ORDERS)
        self.write("p.yaml", STARTER)
        self.write("wrong.yaml", STARTER.replace("pipeline: orders", "pipeline: wrong").replace("rejects: { allow: 10 }", "rejects: { fail_above: \"1%\" }"))

    def follow(self, count):
        process = subprocess.Popen([PROGRAM, self.state, "counter", str(count)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.started.append(process)
        return process

    def lines(self, process):
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, err), (0, ""))
        return [line.split() for line in out.splitlines()]

    def run_of(self, file, code):
        done = self.sluice("run", file)
        self.assertEqual(done.returncode, code, done.stderr)
        return self.run_record("last")["id"]

    def test_its_actor_hears_of_every_run_once(self):
        runs = [self.run_of("p.yaml", 0), self.run_of("wrong.yaml", 1)]
        self.assertEqual(self.lines(self.follow(2)), [["orders", "succeeded", "1", runs[0]], ["wrong", "failed", "1", runs[1]]])
        # It goes on where it was, also with what is written by others while it waits.
        waiting = self.follow(2)
        runs.append(self.run_of("p.yaml", 0))
        self.assertEqual(waiting.stdout.readline().split(), ["orders", "succeeded", "1", runs[2]])
        waiting.kill()
        waiting.communicate(timeout=PATIENCE)
        runs.append(self.run_of("p.yaml", 0))
        told = [line[3] for line in self.lines(self.follow(1))]
        # Between a line and its place in the log it may have been killed: at least once, and none is left out.
        self.assertIn(told, ([runs[3]], [runs[2]]))


if __name__ == "__main__":
    unittest.main()
