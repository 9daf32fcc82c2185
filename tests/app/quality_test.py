"""validate and reconcile from end to end: severities and limits, in the report, in events and in the API's summary."""

import json
import unittest

from command_line import CommandLine, events

HEAD = """version: 1
pipeline: quality
rejects: {{ allow: 100 }}
extract:
  orders: {{ csv: {{ path: orders.csv }}, types: {{ id: bigint, customer: bigint, amount: "decimal(10,2)" }} }}
  customers: {{ csv: {{ path: customers.csv }}, types: {{ k: bigint }} }}
transform:
  checked:
    from: orders
    validate:
{rules}
load:
  out: {{ from: checked, csv: {{ path: out.csv }}{more} }}
  keys: {{ from: customers, csv: {{ path: keys.csv }} }}
"""


class Quality(CommandLine):
    def setUp(self):
        super().setUp()
        self.write("orders.csv", "id,customer,amount\n1,7,10\n2,8,-1\n3,9,5\n4,,6\n")
        self.write("customers.csv", "k\n7\n8\n")

    def go(self, rules, exit_code=0, more=""):
        self.write("p.yaml", HEAD.format(rules="\n".join("      " + line for line in rules), more=more))
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, exit_code, done.stderr)
        return done.stderr

    def told(self, *types):
        found = [e for e in events(self.sluice("events", "last", "--json").stdout) if e["type"] in types]
        return [(e["type"], e.get("subject"), {k: e["data"].get(k) for k in ("rule", "action", "checked", "broken", "allowed", "outcome")}) for e in found]

    def ids(self):
        return [line.split(",")[0] for line in (self.folder / "out.csv").read_text().splitlines()[1:]]

    def test_each_rule_is_in_the_report_in_the_summary_and_in_events(self):
        said = self.go(['known: { references: { customer: "customers.k" } }', "positive: { check: amount > 0, severity: warn }",
                        'few: { check: amount < 10, severity: warn, allow: "50%" }', "some: { not_null: [id] }"])
        self.assertIn("rules    1 of 4 rules hold\n", said)
        self.assertIn("warning  rule known of unit checked: 1 of 4 rows (severity: reject): customer is not in customers.k\n", said)
        self.assertIn("warning  rule positive of unit checked: 1 of 4 rows (severity: warn): amount > 0 is not true\n", said)
        self.assertIn("         rule few of unit checked: 1 of 4 rows, allowed 50% (severity: warn): amount < 10 is not true\n", said)
        self.assertEqual(self.ids(), ["1", "2", "4"])
        warned = self.told("quality.warned")
        self.assertEqual([one[2]["rule"] for one in warned], ["known", "positive"])
        self.assertEqual(warned[1][2], {"rule": "positive", "action": "warn", "checked": 4, "broken": 1, "allowed": None, "outcome": "warned"})
        self.assertEqual(warned[0][1], "checked")
        unit = next(u for u in self.run_record()["summary"]["units"] if u["unit"] == "checked")
        self.assertEqual([(r["rule"], r["broken"], r["outcome"]) for r in unit["rules"]],
                         [("known", 1, "warned"), ("positive", 1, "warned"), ("few", 1, "passed"), ("some", 0, "passed")])
        finished = [e for e in events(self.sluice("events", "last", "--json").stdout) if e["type"] == "unit.finished" and e.get("subject") == "checked"]
        self.assertEqual(len(finished[0]["data"]["rules"]), 4)

    def test_a_rule_that_fails_the_run_is_an_event_before_its_end(self):
        said = self.go(["positive: { check: amount > 0, severity: fail }", "some: { not_null: [customer] }"], 1)
        self.assertIn("failed   rule positive of unit checked: 1 of 4 rows (severity: fail): amount > 0 is not true", said)
        told = self.told("quality.failed", "quality.warned", "run.failed")
        self.assertEqual([(one[0], one[2]["rule"]) for one in told], [("quality.failed", "positive"), ("quality.warned", "some"), ("run.failed", None)])
        self.assertFalse((self.folder / "out.csv").exists())
        self.go(['positive: { check: amount > 0, allow: "20%" }'], 1)
        self.assertEqual([one[0] for one in self.told("quality.failed")], ["quality.failed"])
        self.go(["rows: { rows: [10, null], severity: warn }"])
        self.assertEqual([one[2]["rule"] for one in self.told("quality.warned")], ["rows"])

    def test_reconcile_with_another_unit(self):
        self.assertIn("1 of 3 rules hold", self.go(["positive: { check: amount > 0 }"], more=", reconcile: { with: orders, key: [id], severity: warn }"))
        self.assertEqual([one[2]["rule"] for one in self.told("quality.warned")], ["positive", "reconcile"])
        for name in ("out.csv", "keys.csv"):
            (self.folder / name).unlink()
        said = self.go(["positive: { check: amount > 0 }"], 1, ", reconcile: { with: orders, key: [id] }")
        self.assertIn("error[not_reconciled]", said)
        self.assertIn("3 rows here, 4 in orders; columns that differ: customer (sum 16 here, 24 in orders), amount (sum 21.00 here, 20.00 in orders); "
                      "1 key differs: 2 (only in orders)", said)
        self.assertFalse((self.folder / "keys.csv").exists() or (self.folder / "out.csv").exists())

    def test_every_format_gives_back_what_was_written(self):
        derived = {"b": "id % 2 = 0", "s": "(id % 100)::smallint", "r": "(id / 7.0)::real", "d": "case when id % 3 = 0 then null else id / 7.0::double end",
                   "n": "(id::numeric * 12345678901234567890.123456789)::decimal(38,9)", "c": "decode('00ff0a', 'hex')", "da": "'2024-01-01'::date + id::integer",
                   "ti": "'12:34:56.123456'::time", "ts": "'2024-01-01 00:00:00.123456'::timestamp", "tz": "'2024-01-01 00:00:00.123456+02'::timestamptz",
                   "t": "case id when 1 then '' when 2 then null when 3 then ' a,\"b\"' when 4 then 'x' || chr(10) || 'y' else 'ä' || id end",
                   "u": "'00000000-0000-0000-0000-000000000001'::uuid", "li": "array[id, 2]", "m": "'k' || id % 3"}
        lines = "".join(f"      {name}: {json.dumps(text)}\n" for name, text in derived.items())
        for target in ("csv: { path: o.csv }", 'csv: { path: o.csv.gz, separator: ";", header: false, null_value: "NULL" }', "csv: { path: by/, partition_by: [m, da] }",
                       "ndjson: { path: o.ndjson.zst }", "ndjson: { path: parts/, file_rows: 30 }", "ipc: { path: o.arrow, compression: zstd }",
                       "parquet: { path: months/, partition_by: [m, s] }", "parquet: { path: o.parquet, encryption: { key: '${secret:lake}', key_id: lake } }",
                       "sqlite: { path: o.db, table: t }, mode: upsert, key: [id]"):
            with self.subTest(target=target):
                self.write("p.yaml", "version: 1\npipeline: formats\nextract:\n  g: { generate: { rows: 100, columns: { id: { sequence: { start: 1 } } } } }\n"
                           f"transform:\n  t:\n    from: g\n    derive:\n{lines}load:\n  o: {{ from: t, {target}, reconcile: {{ with: t, key: [id] }} }}\n")
                done = self.sluice("run", "p.yaml", env={"SLUICE_SECRET_LAKE": "0f" * 32})
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("2 of 2 rules hold", done.stderr)

    def test_sqlite_in_connections(self):
        self.write("p.yaml", "version: 1\npipeline: shared\nconnections: { shop: { sqlite: { path: shop.db } } }\nextract:\n"
                   "  orders: { csv: { path: orders.csv } }\nload:\n  out: { from: orders, sqlite: { connection: shop, table: orders }, mode: replace }\n")
        self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
        text = ("version: 1\npipeline: read\nconnections: { shop: { sqlite: { path: %s } } }\nextract:\n  orders: { sqlite: { connection: shop, table: orders }%s }\n"
                "load:\n  out: { from: orders, csv: { path: out.csv } }\n")
        self.write("q.yaml", text % ("elsewhere.db", ""))
        self.write("c.yaml", "connections: { shop: { sqlite: { path: shop.db } } }\n")
        self.assertEqual(self.sluice("run", "q.yaml", "--config", "c.yaml").returncode, 0)
        self.assertEqual(self.ids(), ["1", "2", "3", "4"])
        self.write("q.yaml", text % ("shop.db", ", retry: { attempts: 2 }"))
        self.assertIn("retry is for units that are connected to a system; sqlite is not", self.sluice("validate", "q.yaml").stderr)

    def test_mistakes_point_at_what_was_written(self):
        for rules, more, code, place in [
                (['known: { references: { customer: "custmers.k" } }'], "", "unknown_unit", "p.yaml:11:"),
                (['known: { references: { customer: "customers.kk" } }'], "", "unknown_column", "p.yaml:11:"),
                (["some: { not_null: [id] }"], ", reconcile: { with: ordres, key: [id] }", "unknown_unit", "p.yaml:13:"),
                (["some: { not_null: [id] }"], ", reconcile: { with: orders, key: [idd] }", "unknown_column", "p.yaml:13:"),
                (["some: { not_null: [id] }"], ", reconcile: { with: orders }", "missing_key", "p.yaml:13:"),
                (["some: { not_null: [id] }"], ", commit: checkpoint, reconcile: { with: orders, key: [id] }", "invalid_value", "p.yaml:13:")]:
            with self.subTest(rules=rules, more=more):
                said = self.go(rules, 2, more)
                self.assertIn(f"error[{code}] {place}", said)

    def test_counts_go_on_after_a_kill_at_a_checkpoint(self):
        self.write("orders.csv", "id,customer,amount\n" + "".join(f"{i},{i % 10},{i % 4}\n" for i in range(200_000)))
        text = HEAD.format(rules='      known: { references: { customer: "customers.k" } }\n      positive: { check: amount > 0, severity: warn }',
                           more=", reconcile: { with: checked, key: [id] }").replace("allow: 100", "allow: 1000000").replace("path: out.csv", "path: out/").replace("path: keys.csv", "path: keys/")
        self.write("p.yaml", text.replace("pipeline: quality", "pipeline: quality\nrun: { checkpoint: 20ms }"))
        done = self.sluice("run", "p.yaml", "--json")
        self.assertIn(done.returncode, (0, 3), done.stderr)
        last = json.loads(done.stdout.splitlines()[-1])
        rules = [r for u in last["data"]["units"] for r in u.get("rules", [])]
        self.assertEqual([(r["rule"], r["checked"], r["broken"]) for r in rules],
                         [("known", 200_000, 160_000), ("positive", 200_000, 50_000), ("reconcile", 40_000, 0), ("reconcile", 40_000, 0)])


if __name__ == "__main__":
    unittest.main()
