"""A node that was killed with -9 continues its runs when it is started again, where `run: { retry: ... }` says so."""

import json
import unittest

from command_line import CommandLine, eventually
from real_node import RealNode

LIVE = """\
version: 1
pipeline: live
run: { checkpoint: 200ms, retry: { attempts: 3, backoff: 50ms } }
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

    def test_without_retry_it_fails_as_before(self):
        self.node = RealNode(self.folder)
        self.addCleanup(lambda: self.node.stop())
        self.write("p.yaml", LIVE.replace(", retry: { attempts: 3, backoff: 50ms }", ""))
        run = self.ask("submit", "p.yaml").stdout.strip()
        eventually(lambda: len(self.rows()) > 1000, "rows")
        self.node.kill()
        self.node.start()
        self.assertEqual(self.record(run)["state"], "failed")


if __name__ == "__main__":
    unittest.main()
