"""The catalogue of events: its examples and what real runs tell fit the JSON schemas that the program prints."""

import json
import unittest

import jsonschema

from command_line import ENDLESS, ORDERS, STARTER, CommandLine

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
        log = [json.loads(line) for line in self.sluice("events", "--json", "--limit", "10000").stdout.splitlines()]
        seen = {one["type"] for one in log}
        self.assertLessEqual({"run.queued", "run.failed", "run.succeeded", "unit.finished", "rejects.recorded", "checkpoint.completed",
                              "run.drained", "subscription.replayed"}, seen)
        for one in log:
            with self.subTest(one["type"]):
                jsonschema.Draft202012Validator(self.types[one["type"]]["schema"]).validate(one)


if __name__ == "__main__":
    unittest.main()
