"""The catalogue of events: its examples and what real runs tell fit the JSON schemas that the program prints."""

import json
import unittest

import jsonschema

from command_line import ENDLESS, ORDERS, STARTER, CommandLine, eventually
from real_node import RealNode

# Eleven of its records can't be read, then it goes on for a while.
SPOILED = """\
pipeline: {name}
rejects: {{ allow: {allow} }}
extract: {{ numbers: {{ generate: {{ rows: 1000000000, rate: 2000, columns: {{ id: sequence }} }} }} }}
transform: {{ bad: {{ from: numbers, derive: {{ x: "1 / (case when id <= 11 then 0 else 1 end)" }}, on_error: reject }} }}
load: {{ out: {{ from: bad, ndjson: {{ path: out/{name}.ndjson }} }} }}
"""
SCHEDULED = """\
pipeline: {name}
schedule: {schedule}
extract: {{ numbers: {{ generate: {{ rows: 1000000000, rate: 2000, columns: {{ id: sequence }} }} }} }}
load: {{ out: {{ from: numbers, ndjson: {{ path: out/{name}.ndjson }} }} }}
"""

RULES = "channels: { log: { file: out/told.ndjson } }\nnotify: [{ name: all, to: [log] }]\n"


class Catalogue(CommandLine):
    def setUp(self):
        super().setUp()
        catalogue = json.loads(self.sluice("help", "events", "--json").stdout)
        self.types = {one["type"]: one for one in catalogue["types"]}

    def test_examples_fit_their_schemas(self):
        self.assertGreater(len(self.types), 40)
        for name, one in self.types.items():
            with self.subTest(name):
                jsonschema.Draft202012Validator.check_schema(one["schema"])
                jsonschema.Draft202012Validator(one["schema"], format_checker=jsonschema.FormatChecker()).validate(one["example"])

    def test_events_of_real_runs_fit_as_well(self):
        self.write("orders.csv", ORDERS)
        self.write("p.yaml", STARTER + RULES)
        self.write("wrong.yaml", STARTER.replace("pipeline: orders", "pipeline: wrong").replace("allow: 10", "fail_above: 1%"))
        self.write("endless.yaml", "run: { checkpoint: 200ms }\n" + ENDLESS.replace("rows: 1000000000, ", "").replace("out/numbers.ndjson", "out/live/"))
        self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
        self.assertEqual(self.sluice("run", "wrong.yaml").returncode, 1)
        running = self.start("run", "endless.yaml")
        self.running()
        self.sluice("drain", "endless")
        self.end_of(running)
        self.sluice("notify", "replay", "orders/all", "--run", "orders")
        self.assert_told({"run.queued", "run.failed", "run.succeeded", "unit.finished", "rejects.recorded", "checkpoint.completed",
                          "run.drained", "subscription.replayed"})

    def log(self):
        return [json.loads(line) for line in self.sluice("events", "--json", "--limit", "10000").stdout.splitlines()]

    def assert_told(self, wanted):
        eventually(lambda: wanted <= {one["type"] for one in self.log()}, f"each of {wanted}")
        for one in self.log():
            with self.subTest(one["type"]):
                jsonschema.Draft202012Validator(self.types[one["type"]]["schema"]).validate(one)

    def test_events_of_limits_that_are_reached(self):
        endless = SPOILED.replace("rows: 1000000000, ", "").replace(".ndjson }}", "/ }}")
        self.write("near.yaml", SPOILED.format(name="near", allow=12))
        self.write("reached.yaml", SPOILED.format(name="reached", allow=10))
        self.write("warned.yaml", "run: { checkpoint: 200ms }\n" + endless.format(name="warned", allow=10))
        runs = [self.start("run", f"{name}.yaml") for name in ("near", "reached", "warned")]
        self.assert_told({"rejects.near", "rejects.reached", "run.warned"})
        for name in ("near", "reached", "warned"):
            self.sluice("cancel", name)
        for one in runs:
            self.end_of(one)

    def test_events_of_deployed_pipelines(self):
        node = RealNode(self.folder)
        self.addCleanup(node.stop)

        def at_node(*words, code=0):
            done = self.sluice(*words, "--to", node.address)
            self.assertEqual(done.returncode, code, done.stderr)

        self.write("busy.yaml", SCHEDULED.format(name="busy", schedule="{ every: 1s, deadline: 1s, catch_up: none }"))
        self.write("inbox.yaml", SCHEDULED.format(name="inbox", schedule='{ files: "in/*.csv", settle: 1s }'))
        self.write("refused.yaml", SCHEDULED.format(name="refused", schedule="{ every: 1h }").replace(
            "generate: { rows: 1000000000, rate: 2000, columns: { id: sequence } }", "csv: { path: missing.csv }"))
        for name in ("busy", "inbox", "inbox"):
            at_node("deploy", f"{name}.yaml")
        at_node("submit", "refused.yaml", code=2)
        self.write("in/a.csv", "a\n1\n")
        self.assert_told({"pipeline.deployed", "pipeline.replaced", "pipeline.rejected", "files.arrived", "run.skipped", "run.late"})
        at_node("pipelines", "pause", "inbox")
        at_node("pipelines", "resume", "inbox")
        at_node("pipelines", "delete", "inbox")
        self.assert_told({"pipeline.paused", "pipeline.resumed", "pipeline.deleted"})
        refused = [one for one in self.log() if one["type"] == "pipeline.rejected"]
        self.assertEqual([(one["data"]["pipeline"], one["data"]["reason"], one["data"]["cause"]["code"]) for one in refused],
                         [("refused", "submit", "file_not_found")])


if __name__ == "__main__":
    unittest.main()
