"""A node that was killed with -9 continues its runs with checkpoints when it is started again."""

import json
import unittest

from command_line import CommandLine, eventually
from real_node import RealNode

LIVE = """\
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


class RestartedNode(CommandLine):
    def ask(self, *words):
        return self.sluice(*words, "--to", self.node.address, env={"SLUICE_TOKEN": self.node.token})

    def record(self, run):
        return json.loads(self.ask("status", run, "--json").stdout)

    def rows(self):
        return [json.loads(line)["id"] for part in sorted((self.folder / "out/live").glob("part-*"))
                for line in part.read_text().splitlines()]

    def test_a_run_goes_on_after_the_node_was_killed(self):
        self.node = RealNode(self.folder)
        self.addCleanup(lambda: self.node.stop())
        self.write("p.yaml", LIVE)
        run = self.ask("submit", "p.yaml").stdout.strip()
        eventually(lambda: len(self.rows()) > 1000, "rows")
        self.node.kill()
        before = len(self.rows())
        self.node.start()
        eventually(lambda: len(self.rows()) > before, "rows come again")
        eventually(lambda: self.record(run)["state"] == "running", "the same run")
        self.assertEqual(self.ask("drain", run).returncode, 0)
        eventually(lambda: self.record(run)["state"] == "succeeded", "its end")
        ids = self.rows()
        self.assertEqual(ids, [i for i in range(1, max(ids) + 1) if i % 3], "lost or repeated rows")
        told = [json.loads(line) for line in self.ask("events", run, "--json").stdout.splitlines()]
        restarting = next(one for one in told if one["type"] == "run.restarting")
        self.assertEqual(restarting["data"]["cause"]["code"], "engine_died")
        self.assertGreater(restarting["data"]["epoch"], 0)
        self.assertIn("run.recovered", [one["type"] for one in told])

    def test_a_run_that_gets_no_further_is_given_up_and_retry_keeps_its_own_count(self):
        self.node = RealNode(self.folder)
        self.addCleanup(lambda: self.node.stop())
        # Its first checkpoint would come in an hour.
        self.write("stuck.yaml", LIVE.replace("200ms", "1h").replace("pipeline: live", "pipeline: stuck"))
        self.write("tried.yaml", LIVE.replace("200ms }", "1h, retry: { attempts: 2, backoff: 10ms } }").replace("pipeline: live", "pipeline: tried"))
        stuck, tried = (self.ask("submit", file).stdout.strip() for file in ("stuck.yaml", "tried.yaml"))

        def restarts(run):
            return [json.loads(line)["type"] for line in self.ask("events", run, "--json").stdout.splitlines()].count("run.restarting")

        for deaths in range(1, 9):
            eventually(lambda: "queued" not in (self.record(stuck)["state"], self.record(tried)["state"]), "runs that have begun")
            self.node.kill()
            self.node.start()
            eventually(lambda: restarts(stuck) == deaths and restarts(tried) == min(deaths, 2), f"runs that go on after death {deaths}")
        self.node.kill()
        self.node.start()
        for run in (stuck, tried):
            self.assertEqual((self.record(run)["state"], self.record(run)["cause"]["code"]), ("failed", "engine_died"))


if __name__ == "__main__":
    unittest.main()
