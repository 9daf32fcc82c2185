"""Three `sluice node` processes: random pipelines give what one process gives on 1, 2 and 3 nodes; runs go on after the loss of a worker,
and a drained one is emptied without a row lost."""

import csv
import json
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import time
import unittest

from command_line import PATIENCE, ROOT, eventually
from two_nodes_test import ENDLESS, SLUICE, Node

SEED = int(os.environ.get("SLUICE_TEST_SEED", "7"))
PIPELINES = int(os.environ.get("SLUICE_TEST_PIPELINES", "5"))
ROWS = 20000
# Live, from a generator to files: every number once, whatever happens to the nodes.
LIVE = """version: 1
pipeline: live
run: { checkpoint: 300ms }
extract:
  numbers:
    generate: { rate: 4000, columns: { id: sequence } }
transform:
  spread:
    from: numbers
    derive: { twice: "id * 2" }
    parallelism: 3
load:
  out: { from: spread, ndjson: { path: out/live/ } }
"""


def random_pipeline(of, name):
    """Rows of orders go through random units, each of a random parallelism; columns id, k and v stay."""
    units, last = [], "orders"
    for number in range(of.randint(2, 5)):
        unit, parallel = f"t{number}", of.randint(1, 8)
        body = of.choice([
            'filter: "v % 7 <> 3"',
            'derive: { v: "v * 3 + id" }',
            'aggregate: { by: [k], compute: { id: "min(id)", v: "sum(v)", d: "avg(d)" } }',
            'aggregate: { by: [id], compute: { k: "max(k)", v: "count(*)", d: "sum(d)" } }',
            "deduplicate: { by: [k], order: [v desc, id] }",
            "sort: [id, v]",
            "join: { how: left, using: [k] }",
            'derive: { w: "row_number() over (partition by k order by id, v)" }\n  - derive: { v: "v + w" }\n  - drop: [w]',
        ])
        inputs = last
        if body.startswith("join"):
            units.append(f'  d{number}: {{ from: dims, select: [k, {{ m{number}: "weight" }}] }}')
            inputs = f"[{last}, d{number}]"
        if "\n" in body:
            body = "steps:\n      - " + body.replace("\n  - ", "\n      - ")
        units.append(f"  {unit}:\n    from: {inputs}\n    {body}\n    parallelism: {parallel}")
        last = unit
    return f"""version: 1
pipeline: {name}
params: {{ out: {{ type: text }} }}
extract:
  orders: {{ csv: {{ path: orders.csv }}, types: {{ id: bigint, k: text, v: bigint, d: double }} }}
  dims: {{ csv: {{ path: dims.csv }}, types: {{ k: text, weight: bigint }} }}
transform:
{chr(10).join(units)}
load:
  out: {{ from: {last}, csv: {{ path: "${{out}}" }} }}
  all_dims: {{ from: dims, blackhole: {{}} }}
"""


class ThreeNodes(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        self.nodes = []

    def tearDown(self):
        for node in reversed(self.nodes):
            if node.process.poll() is None:
                node.stop()
            else:
                node.process.stdout.close()
                node.log.close()
        self.folder.cleanup()

    def cluster(self, count=3, labels=None, settings="", **environment):
        """`labels` and `environment` are those of the workers, `settings` is a line of every node's file."""
        flags = ()
        if settings:
            (self.path / "node.yaml").write_text(f"node:\n  {settings}\n")
            flags = ("--config", self.path / "node.yaml")
        for number in range(1, count + 1):
            # Each joins by the node that came before it: any member will do.
            join = ("--join", self.nodes[-1].cluster, *(("--labels", labels) if labels else ())) if self.nodes else ()
            self.nodes.append(Node(f"n{number}", self.path, *join, *flags, **(environment if self.nodes else {})))
        eventually(lambda: self.states() == {f"n{number}": "ready" for number in range(1, count + 1)}, "a cluster that is ready")
        return self.nodes

    def states(self):
        return {node["name"]: node["state"] for node in self.nodes[0].json("/v1/nodes")["nodes"]}

    def sluice(self, *words, code=0):
        ran = subprocess.run([SLUICE, *words, "--state", str(self.path)], capture_output=True, text=True, timeout=2 * PATIENCE, cwd=self.path)
        self.assertEqual(ran.returncode, code, ran.stdout + ran.stderr)
        return ran

    def there(self):
        return ("--to", self.nodes[0].http)

    def rows(self, name):
        with open(self.path / name, newline="") as file:
            return sorted(csv.reader(file))

    def rows_in(self, folder):
        return sorted(row for path in sorted((self.path / folder).glob("*.csv")) for row in csv.reader(path.read_text().splitlines()))

    def node_events(self):
        return [(event["type"], event["data"].get("node")) for event in map(json.loads, self.sluice("events", "--json", "--limit", "10000", *self.there()).stdout.splitlines())
                if event["type"].startswith("node.")]

    def test_random_pipelines_give_the_rows_of_one_process_on_one_two_and_three_nodes(self):
        of = random.Random(SEED)
        with open(self.path / "orders.csv", "w") as file:
            file.write("id,k,v,d\n")
            # One key has most of the rows.
            file.writelines(f"{n},{'hot' if of.random() < 0.6 else 'k' + str(of.randrange(500))},{of.randrange(1000)},{of.random() * 1e6}\n"
                            for n in range(ROWS))
        with open(self.path / "dims.csv", "w") as file:
            file.write("k,weight\nhot,1\n")
            file.writelines(f"k{n},{n}\n" for n in range(0, 500, 2))
        texts = {}
        for number in range(PIPELINES):
            name = f"p{number}"
            texts[name] = random_pipeline(of, name)
            (self.path / f"{name}.yaml").write_text(texts[name])
            self.sluice("run", f"{name}.yaml", "--set", f"out={name}-0.csv")
        # So little memory that all windows are small: no run may wait for ever because of that.
        self.cluster(settings="exchange: { memory: 1MiB, compression: lz4 }")
        for count in (3, 2, 1):
            for name, text in texts.items():
                self.sluice("submit", f"{name}.yaml", "--set", f"out={name}-{count}.csv", "--wait", *self.there())
                self.assertEqual(self.rows(f"{name}-{count}.csv"), self.rows(f"{name}-0.csv"), f"seed {SEED}, {count} nodes:\n{text}")
            if count > 1:
                self.nodes.pop().stop()
                eventually(lambda: len(self.states()) == len(self.nodes), "a node that has left")
        last = self.node_events()[-1]
        self.assertEqual(last, ("node.left", "n2"))

    def test_a_stopped_worker_keeps_no_other_run_waiting(self):
        # It is not lost before the test has ended, however slow the machine is.
        first, _, worker = self.cluster(settings="heartbeat: { interval: 500ms, suspect: 2s, lost: 10m }")
        text = ENDLESS.replace("id: sequence } }", "id: sequence } }\n    place: { node: n1 }")
        stuck = first.submit(text.replace("n2", "n3"), self.path)
        other = first.submit(text.replace("endless", "other"), self.path)

        def arrived(run):
            units = first.json(f"/v1/runs/{run}").get("progress", {"units": []})["units"]
            return sum(unit["in"] for unit in units if unit["unit"] == "nothing")

        eventually(lambda: arrived(stuck) and arrived(other), "rows that arrive at n2 and n3")
        worker.process.send_signal(signal.SIGSTOP)
        try:
            # More than all buffers on the way hold.
            wanted = arrived(other) + 5_000_000
            eventually(lambda: arrived(other) > wanted, "more rows at n2")
            self.assertEqual(first.json(f"/v1/runs/{stuck}")["state"], "running")
        finally:
            worker.process.kill()
            worker.process.wait(PATIENCE)

    def test_explain_says_where_a_pipeline_would_run(self):
        self.cluster()
        (self.path / "live.yaml").write_text(LIVE)
        shown = self.sluice("explain", "live.yaml", *self.there()).stdout
        self.assertRegex(shown, r"spread +n1, n2, n3")
        self.assertIn("numbers -> spread: round_robin, ", shown)
        (self.path / "pinned.yaml").write_text(LIVE.replace("    parallelism: 3\n", "    parallelism: 3\n    place: { node: n4 }\n", 1))
        self.assertIn("error[unknown_node] pinned.yaml:", self.sluice("explain", "pinned.yaml", *self.there(), code=2).stderr)

    def live_run(self):
        (self.path / "live.yaml").write_text(LIVE)
        run = self.sluice("submit", "live.yaml", *self.there()).stdout.strip()
        eventually(lambda: self.written() > 1000, "rows that are loaded")
        return run

    def written(self):
        folder = self.path / "out/live"
        return sum(path.read_text().count("\n") for path in folder.glob("*.ndjson")) if folder.exists() else 0

    def assert_whole(self, run):
        """Every number once."""
        before = self.written()
        eventually(lambda: self.written() > before, "rows that go on")
        self.sluice("drain", run, *self.there())
        eventually(lambda: self.nodes[0].json(f"/v1/runs/{run}")["state"] == "succeeded", "a run that has ended")
        ids = sorted(json.loads(line)["id"] for path in (self.path / "out/live").glob("*.ndjson") for line in path.read_text().splitlines())
        self.assertEqual(ids, list(range(ids[0], ids[0] + len(ids))))

    def test_a_live_run_goes_on_from_its_checkpoint_on_the_nodes_that_are_left(self):
        _, _, worker = self.cluster()
        run = self.live_run()
        worker.process.kill()
        killed = time.monotonic()
        eventually(lambda: self.states()["n3"] == "lost", "a node that is lost")
        self.assertLess(time.monotonic() - killed, 2)
        eventually(lambda: "run.recovered" in [event["type"] for event in self.events_of(run)], "a run that works again")
        took = time.monotonic() - killed
        self.assertLess(took, 10)
        print(f"the run worked again {took:.2f} s after kill -9")
        self.assert_whole(run)
        self.assertIn(("node.lost", "n3"), self.node_events())
        self.assertEqual({event["data"]["node"] for event in self.events_of(run)[-10:] if event["type"] == "unit.started"} - {"n1", "n2"}, set())

    def events_of(self, run):
        return [json.loads(line) for line in self.sluice("events", run, "--json", "--limit", "1000", *self.there()).stdout.splitlines()]

    def test_a_drained_node_is_emptied_without_a_row_lost(self):
        self.cluster()
        run = self.live_run()
        self.assertIn(run[:8], self.sluice("nodes", "drain", "n2", *self.there()).stdout)
        eventually(lambda: ("node.drained", "n2") in self.node_events(), "a node that is drained")
        self.assertEqual(self.states()["n2"], "draining")
        self.assert_whole(run)
        self.sluice("nodes", "drain", "n2", "--undo", *self.there())
        eventually(lambda: self.states()["n2"] == "ready", "a node that takes work again")
        self.assertIn("node_not_found", self.sluice("nodes", "drain", "n9", *self.there(), code=2).stderr)

    def lose_a_worker(self, checkpoint):
        """Kills the one that has the sink, which can't write before that: so the run can't end too early. Gives the run's events."""
        shim, gate = self.path / "stall.so", self.path / "gate"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, ROOT / "tests/support/stall.c", "-ldl"], check=True)
        gate.touch()
        self.addCleanup(lambda: gate.unlink(missing_ok=True))
        stalled = {"LD_PRELOAD": str(shim), "SLUICE_STALL": str(gate), "SLUICE_STALL_IN": str(self.path / "there")}
        self.cluster(labels="disk=slow", **stalled)
        (self.path / "p.yaml").write_text(f"""version: 1
pipeline: bounded
params: {{ out: {{ type: text }}, rate: {{ type: bigint }} }}
{checkpoint}
extract:
  orders: {{ generate: {{ rows: 6000, rate: ${{rate}}, columns: {{ id: sequence }} }} }}
transform:
  slow: {{ from: orders, derive: {{ k: "id % 97", h: "sha256(id::text)" }}, parallelism: 3 }}
  per_key: {{ from: slow, aggregate: {{ by: [k], compute: {{ n: "count(*)", h: "max(h)" }} }}, parallelism: 3 }}
load:
  out: {{ from: per_key, csv: {{ path: "${{out}}/" }}, place: {{ labels: {{ disk: slow }} }} }}
""")
        run = self.sluice("submit", "p.yaml", "--set", "out=there", "--set", "rate=1500", *self.there()).stdout.strip()

        def seen(kind):
            return [event for event in self.events_of(run) if event["type"] == kind]

        eventually(lambda: seen("checkpoint.completed" if checkpoint else "run.started"), "a run that works")
        (sink,) = (event["data"]["node"] for event in seen("unit.started") if event["data"]["unit"] == "out")
        worker = next(node for node in self.nodes if node.name == sink)
        self.assertIsNot(worker, self.nodes[0])
        worker.process.kill()
        gate.unlink()
        eventually(lambda: self.nodes[0].json(f"/v1/runs/{run}")["state"] == "succeeded", "a run that has succeeded")
        (self.path / "p.yaml").write_text((self.path / "p.yaml").read_text().replace("place: { labels: { disk: slow } }", ""))
        self.sluice("run", "p.yaml", "--set", "out=alone", "--set", "rate=1000000")
        self.assertEqual(self.rows_in("there"), self.rows_in("alone"))
        return self.events_of(run)

    @unittest.skipIf("sanitize" in SLUICE, "AddressSanitizer wants to be preloaded first")
    def test_a_bounded_run_begins_again_without_a_lost_worker(self):
        events = self.lose_a_worker("")
        # More than once where the machine is so busy that the other two lose each other as well.
        again = [event["data"]["epoch"] for event in events if event["type"] == "run.recovered"]
        self.assertEqual(set(again), {0})

    @unittest.skipIf("sanitize" in SLUICE, "AddressSanitizer wants to be preloaded first")
    def test_a_bounded_run_with_checkpoints_goes_on_behind_its_last_one(self):
        events = self.lose_a_worker("run: { checkpoint: 200ms }")
        again = [event["data"]["epoch"] for event in events if event["type"] == "run.recovered"]
        self.assertGreater(min(again), 0)


if __name__ == "__main__":
    unittest.main()
