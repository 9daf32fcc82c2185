"""sluice test: rows given and expected, rejects, time and params, order, files of expected rows."""

import json
import unittest

from command_line import CommandLine

PIPELINE = """version: 1
pipeline: revenue
params: { day: { type: date } }
extract:
  orders:
    csv: { path: "/nowhere/${day}.csv" }
    types: { id: bigint, customer: bigint, status: text, amount: "decimal(12,2)", at: timestamptz }
  customers:
    csv: { path: /nowhere/customers.csv }
    types: { id: bigint, country: text }
transform:
  paid: { from: orders, filter: "status = 'paid' and at::date = $day and at < now()" }
  by_country:
    from: [paid, customers]
    sql: select c.country, count(*) as orders, sum(p.amount) as revenue from paid p join customers c on p.customer = c.id group by 1
  sorted: { from: by_country, sort: [country desc] }
load:
  out: { from: sorted, csv: { path: out/revenue.csv } }
"""
GIVEN = """    params: { day: 2024-05-01 }
    now: "2024-05-02T05:00Z"
    given:
      orders:
        - { id: 1, customer: 7, status: paid, amount: 10, at: "2024-05-01 10:00Z" }
        - { id: 2, customer: 7, status: open, amount: 20, at: "2024-05-01 10:00Z" }
        - { id: 3, customer: 8, status: paid, amount: 5.5, at: "2024-05-01 11:00Z" }
        - { id: 4, status: paid }
      customers: [{ id: 7, country: DE }, { id: 8, country: FR }]
"""

# Its broker, database and secret are not there.
LIVE = """version: 1
pipeline: live
extract:
  orders:
    kafka: { brokers: "127.0.0.1:1", topic: orders, format: json }
    types: { id: bigint, country: text, amount: "decimal(12,2)", at: timestamptz }
    metadata: { _key: key }
    time: { column: at, out_of_order: 30s }
  customers: { postgres: { url: "${secret:mart}", table: c }, types: { id: bigint, name: text } }
transform:
  per_minute:
    from: orders
    aggregate: { by: [country], window: { tumble: 1m }, compute: { n: "count(*)" } }
  named: { from: customers, filter: "id > 1" }
  routed: { from: orders, route: { big: "amount > 10", default: rest } }
load:
  out: { from: per_minute, ndjson: { path: out/live/ } }
  late: { from: per_minute.late, ndjson: { path: out/late/ } }
  x: { from: named, csv: { path: x.csv } }
  big: { from: routed.big, csv: { path: big.csv } }
tests:
  - name: windows
    given:
      orders:
        - { id: 1, country: DE, amount: 5, at: "2024-05-01T10:00:10Z" }
        - { id: 2, country: DE, amount: 50, at: "2024-05-01T10:00:50Z", _key: a }
        - { id: 3, country: DE, amount: 5, at: "2024-05-01T10:01:10Z" }
    expect:
      per_minute: [{ country: DE, n: 2, window_start: "2024-05-01T10:00Z" }, { n: 1, window_start: "2024-05-01 10:01:00+00" }]
      routed.big: [{ id: 2, _key: a }]
      big: [{ id: 2 }]
  - name: no secrets
    given: { customers: [{ id: 1 }, { id: 2, name: "Ann" }] }
    expect: { named: [{ id: 2, name: Ann }] }
"""


class PipelineTests(CommandLine):
    def check(self, expect, given=GIVEN, *words, name="p.yaml"):
        self.write("p.yaml", PIPELINE + f"tests:\n  - name: it\n{given}    expect:\n" + "".join(f"      {line}\n" for line in expect))
        return self.sluice("test", name, *words)

    def test_rows_in_any_order_with_the_columns_that_are_named(self):
        done = self.check(["paid: [{ id: 3 }, { id: 1, amount: 10.00 }]", "by_country: [{ revenue: 5.50 }, { country: DE, orders: 1 }]"])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("1 passed, 0 failed", done.stderr)

    def test_order_counts_below_a_sort(self):
        good, bad = "[{ country: FR }, { country: DE }]", "[{ country: DE }, { country: FR }]"
        for unit in ("sorted", "out"):
            self.assertEqual(self.check([f"{unit}: {good}"]).returncode, 0)
            self.assertEqual(self.check([f"{unit}: {bad}"]).returncode, 1)
        self.assertEqual(self.check([f"by_country: {bad}"]).returncode, 0)

    def test_a_difference_is_shown_beside_what_was_expected(self):
        done = self.check(["by_country: [{ country: DE, revenue: 11 }, { country: FR, revenue: 5.5 }]"])
        self.assertEqual(done.returncode, 1)
        lines = [line.split() for line in done.stdout.splitlines()]
        self.assertIn(["-", "DE", "11.00"], lines)
        self.assertIn(["+", "DE", "10.00"], lines)
        self.assertNotIn(["-", "FR", "5.50"], lines)
        self.assertIn("FAILED", done.stdout)
        self.assertIn("0 passed, 1 failed", done.stderr)

    def test_rows_too_few_and_too_many(self):
        self.assertIn("expected 3 rows, found 2", self.check(["paid: [{ id: 1 }, { id: 3 }, { id: 9 }]"]).stdout)
        self.assertEqual(self.check(["paid: [{ id: 1 }]"]).returncode, 1)
        self.assertEqual(self.check(["paid: []"]).returncode, 1)

    def test_rejects_are_expected_by_unit(self):
        given = GIVEN.replace("{ id: 4, status: paid }", "{ id: four }")
        self.assertEqual(self.check(["rejects: { orders: 1 }", "paid: [{ id: 1 }, { id: 3 }]"], given).returncode, 0)
        done = self.check(["paid: [{ id: 1 }, { id: 3 }]"], given)
        self.assertEqual(done.returncode, 1)
        self.assertIn("orders: expected 0 rejects, found 1", done.stdout)
        self.assertIn("four", done.stdout)
        self.assertEqual(self.check(["rejects: { orders: 2 }"], given).returncode, 1)

    def test_now_is_that_of_the_test(self):
        early = GIVEN.replace("2024-05-02T05:00Z", "2024-05-01T10:30Z")
        self.assertEqual(self.check(["paid: [{ id: 1 }]"], early).returncode, 0)

    def test_no_rows_are_rows_too(self):
        given = "    params: { day: 2024-05-01 }\n    given: { orders: [], customers: [] }\n"
        self.assertEqual(self.check(["by_country: []", "out: []"], given).returncode, 0)

    def test_rows_of_files_given_and_expected(self):
        self.write("data/c.csv", "id,country\n7,IT\n")
        given = GIVEN[:GIVEN.index("      customers:")] + "      customers: { file: data/c.csv }\n"
        expect = ["by_country: { file: data/golden.csv }"]
        self.assertIn("--update", self.check(expect, given).stdout)
        self.assertEqual(self.check(expect, given, "--update").returncode, 0)
        self.assertEqual((self.folder / "data/golden.csv").read_text(), "country,orders,revenue\nIT,1,10.00\n")
        self.assertEqual(self.check(expect, given).returncode, 0)
        self.write("data/golden.csv", "country,orders,revenue\nIT,2,10.00\n")
        done = self.check(expect, given)
        self.assertEqual(done.returncode, 1)
        self.assertIn("- IT,2,10.00", done.stdout)

    def test_tests_stand_in_a_file_beside_the_pipeline_and_in_folders(self):
        self.write("a/p.yaml", PIPELINE)
        self.write("a/p.test.yaml", f"tests:\n  - name: it\n{GIVEN}    expect: {{ paid: [{{ id: 1 }}, {{ id: 3 }}] }}\n")
        self.write("a/other.yaml", "version: 1\n")
        for path in ("a/p.yaml", "a/p.test.yaml", "a", "."):
            done = self.sluice("test", path)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("1 passed", done.stderr)

    def test_what_can_not_be_tested_is_told_with_its_place(self):
        for expect, given, code, hint in (
                (["payd: []"], GIVEN, "unknown_unit", "did you mean `paid`?"),
                (["by_country: []"], "    params: { day: 2024-05-01 }\n    given: { orders: [] }\n", "missing_key", "customers"),
                (["paid: [1]"], GIVEN, "invalid_value", "p.yaml:"),
                (["paid: []"], GIVEN.replace("now: \"2024-05-02T05:00Z\"", "now: soon"), "invalid_value", "p.yaml:"),
                (["paid: []"], GIVEN.replace("    params:", "    parms:"), "unknown_key", "did you mean")):
            done = self.check(expect, given)
            self.assertIn(done.returncode, (1, 2), done.stdout)
            self.assertIn(f"error[{code}]", done.stderr)
            self.assertIn(hint, done.stderr)
        self.assertIn("has no column idd; did you mean id?", self.check(["paid: [{ idd: 1 }]"]).stdout)
        self.write("none.yaml", "version: 1\npipeline: none\n")
        self.assertEqual(self.sluice("test", "none.yaml").returncode, 2)

    def test_queues_databases_and_secrets_are_not_asked(self):
        self.write("live.yaml", LIVE)
        done = self.sluice("test", "live.yaml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("2 passed", done.stderr)

    def test_faults_of_the_text_are_told_and_nothing_else(self):
        self.write("live.yaml", LIVE.replace("format: json", "fromat: json"))
        done = self.sluice("test", "live.yaml", "--only", "windows")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count("error["), 1, done.stderr)
        self.assertIn("did you mean `format`?", done.stderr)

    def test_json_names_what_differs(self):
        done = self.check(["by_country: [{ country: DE, orders: 9 }, { country: FR }]"], GIVEN, "--json")
        told = json.loads(done.stdout)
        self.assertEqual((told["passed"], told["failed"]), (0, 1))
        self.assertEqual(told["tests"][0]["units"][0]["unit"], "by_country")

    def test_nothing_is_loaded_and_no_run_is_kept(self):
        self.check(["out: [{ country: FR }, { country: DE }]"])
        self.assertFalse((self.folder / "out").exists())
        self.assertEqual(json.loads(self.sluice("runs", "--json").stdout or "[]") or [], [])


if __name__ == "__main__":
    unittest.main()
