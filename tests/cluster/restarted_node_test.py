"""A node that was killed with -9 continues its runs with checkpoints when it is started again; those whose units are on workers
work on meanwhile."""

import json
import unittest

from command_line import PATIENCE, CommandLine, eventually
from real_node import RealNode
from two_nodes_test import Node

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
            # It has waited for nodes that might have kept its units.
            eventually(lambda: self.record(run)["state"] == "failed", "a run that is given up")  # noqa: B023
            self.assertEqual(self.record(run)["cause"]["code"], "engine_died")

FOLLOWED = """\
version: 1
pipeline: followed
rejects: { allow: 1000 }
CHECKPOINT
extract:
  lines:
    ndjson: { path: "in/*.ndjson", follow: true }
    types: { id: bigint, per: bigint }
    place: { node: n2 }
transform:
  some:
    from: lines
    derive: { share: "100 / per" }
    on_error: reject
    parallelism: 4
load:
  out: { from: some, ndjson: { path: out/ }, place: { node: n3 } }
"""
# A rate keeps it from ending before the controller is back.
BOUNDED = """\
version: 1
pipeline: bounded
extract:
  numbers: { generate: { rows: 20000, rate: 5000, columns: { id: sequence } }, place: { node: n2 } }
transform:
  per_key: { from: numbers, select: [{ k: "id % 10" }, id], parallelism: 2 }
  sums: { from: per_key, aggregate: { by: [k], compute: { n: "count(*)", s: "sum(id)" } }, parallelism: 3 }
load:
  out: { from: sums, ndjson: { path: sums.ndjson }, place: { node: n3 } }
"""


class LostController(CommandLine):
    def setUp(self):
        super().setUp()
        self.first = self.controller()
        self.addCleanup(lambda: self.first.stop())
        self.workers = []
        for name in ("n2", "n3"):
            self.workers.append(Node(name, self.folder, "--join", self.first.cluster))
            self.addCleanup(self.workers[-1].stop)
        eventually(lambda: [node["state"] for node in self.first.json("/v1/nodes")["nodes"]] == ["ready"] * 3, "a cluster that is ready")

    def controller(self, **where):
        return Node("n1", self.folder, "--role", "controller", **where)

    def kill(self):
        self.first.process.kill()
        self.first.process.wait(PATIENCE)
        self.first.process.stdout.close()
        self.first.log.close()

    def start_again(self):
        self.first = self.controller(at=(self.first.cluster, self.first.http))

    def told(self, run):
        ran = self.sluice("events", run, "--json", "--limit", "10000", "--to", self.first.http, env={"SLUICE_TOKEN": self.first.token})
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def types(self, run):
        return [one["type"] for one in self.told(run)]

    def state_of(self, run):
        return self.first.json(f"/v1/runs/{run}")["state"]

    def add(self, numbers):
        """Every hundredth is rejected."""
        (self.folder / "in").mkdir(exist_ok=True)
        with open(self.folder / "in/a.ndjson", "a") as file:
            file.writelines(json.dumps({"id": n, "per": n % 100}) + "\n" for n in numbers)

    def assert_taken_over(self, run, times, units):
        """The same try, without a row read again."""
        seen = self.types(run)
        self.assertEqual(seen.count("run.adopted"), times, seen)
        for never in ("run.restarting", "run.recovered", "run.failed"):
            self.assertNotIn(never, seen)
        self.assertEqual((seen.count("run.started"), seen.count("unit.started")), (1, units), seen)
        self.assertNotIn("attempt", self.first.json(f"/v1/runs/{run}")["summary"])

    def test_a_run_on_workers_works_on_and_is_taken_over(self):
        # With its first checkpoint in an hour none is being committed when the controller is killed; the next one takes one at once.
        self.add(range(1, 1001))
        run = self.first.submit(FOLLOWED.replace("CHECKPOINT", "run: { checkpoint: 1h }"), self.folder)
        rejects = self.folder / "runs" / run / "rejects.ndjson"
        eventually(lambda: rejects.exists() and rejects.read_text().count("\n") == 10, "rejected rows")
        eventually(lambda: self.first.json(f"/v1/runs/{run}")["progress"]["units"][1]["rejected"] == 10, "rows that are counted")
        self.kill()
        self.add(range(1001, 2001))
        self.start_again()
        eventually(lambda: "run.adopted" in self.types(run), "a run that is taken over")
        eventually(lambda: rejects.read_text().count("\n") == 20, "rows that were read meanwhile")
        eventually(lambda: "checkpoint.completed" in self.types(run), "a checkpoint of the new controller")
        self.sluice("drain", run, "--to", self.first.http, env={"SLUICE_TOKEN": self.first.token})
        eventually(lambda: self.state_of(run) == "succeeded", "its end")
        ids = sorted(json.loads(line)["id"] for part in (self.folder / "out").glob("part-*") for line in part.read_text().splitlines())
        self.assertEqual(ids, [n for n in range(1, 2001) if n % 100])
        rejected = sorted(json.loads(json.loads(line)["record"])["id"] for line in rejects.read_text().splitlines())
        self.assertEqual(rejected, [n for n in range(1, 2001) if n % 100 == 0])
        self.assert_taken_over(run, 1, 3)

    def test_a_run_without_checkpoints_is_taken_over_too(self):
        run = self.first.submit(BOUNDED, self.folder)
        eventually(lambda: self.state_of(run) == "running", "a run that works")
        self.kill()
        self.start_again()
        eventually(lambda: self.state_of(run) == "succeeded", "its end")
        sums = {row["k"]: (row["n"], row["s"]) for row in map(json.loads, (self.folder / "sums.ndjson").read_text().splitlines())}
        self.assertEqual(sums, {k: (2000, sum(n for n in range(1, 20001) if n % 10 == k)) for k in range(10)})
        self.assert_taken_over(run, 1, 4)

    def test_where_a_worker_was_lost_too_the_run_starts_again_at_its_checkpoint(self):
        self.add(range(1, 1001))
        run = self.first.submit(FOLLOWED.replace("CHECKPOINT", "run: { checkpoint: 100ms }"), self.folder)
        eventually(lambda: "checkpoint.completed" in self.types(run), "a checkpoint")
        self.kill()
        lost = self.workers.pop()
        lost.process.kill()
        lost.process.wait(PATIENCE)
        self.start_again()
        self.workers.append(Node("n3", self.folder, "--join", self.first.cluster))
        self.addCleanup(self.workers[-1].stop)
        eventually(lambda: "run.recovered" in self.types(run), "a run that works again")
        self.add(range(1001, 2001))
        eventually(lambda: sum(part.read_text().count("\n") for part in (self.folder / "out").glob("part-*")) >= 1980, "all rows")
        self.assertNotIn("run.adopted", self.types(run))
        ids = sorted(json.loads(line)["id"] for part in (self.folder / "out").glob("part-*") for line in part.read_text().splitlines())
        self.assertEqual(ids, [n for n in range(1, 2001) if n % 100])


if __name__ == "__main__":
    unittest.main()
