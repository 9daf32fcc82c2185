"""`sluice rejects replay`: repaired records are loaded once, from the unit that rejected them on."""

import json
import sqlite3
import unittest

from command_line import CommandLine

ORDERS = "order_id,country,amount\n1,DE,119.00\n2,FR,many\n3,NL,twelve\n4,DE,0\n5,IT,9.99\n"

PIPELINE = """\
version: 1
pipeline: orders
rejects: { allow: 10 }
extract:
  orders:
    csv: { path: orders.csv }
    types: { order_id: bigint, country: text, amount: double }
transform:
  rates:
    from: orders
    derive: { share: "100 / amount::bigint" }
    on_error: reject
load:
  table:
    from: rates
    sqlite: { path: out.db, table: orders }
    mode: append
"""


class Replay(CommandLine):
    def rows(self):
        with sqlite3.connect(self.folder / "out.db") as db:
            return sorted(db.execute("SELECT order_id, country, amount, share FROM orders").fetchall())

    def run_it(self, text=PIPELINE):
        self.write("orders.csv", ORDERS)
        self.write("p.yaml", text)
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)

    def export(self, repair):
        """The rejects, with their records changed."""
        self.assertEqual(self.sluice("rejects", "export", "orders", "bad.ndjson").returncode, 0)
        lines = [json.loads(line) for line in (self.folder / "bad.ndjson").read_text().splitlines()]
        for line in lines:
            line["record"] = repair(line)
        self.write("repaired.ndjson", "".join(json.dumps(line) + "\n" for line in lines))
        return lines

    def test_repaired_records_are_loaded_once_from_the_unit_that_rejected_them(self):
        self.run_it()
        self.assertEqual([row[0] for row in self.rows()], [1, 5])

        def repair(reject):
            if reject["unit"] == "orders":
                return reject["record"].replace("many", "50").replace("twelve", "25")
            return json.dumps({**json.loads(reject["record"]), "amount": 20})
        lines = self.export(repair)
        self.assertEqual(sorted(line["unit"] for line in lines), ["orders", "orders", "rates"])
        done = self.sluice("rejects", "replay", "orders", "--input", "repaired.ndjson")
        self.assertEqual(done.returncode, 0, done.stderr)
        after = [(1, "DE", 119.0, 0), (2, "FR", 50.0, 2), (3, "NL", 25.0, 4), (4, "DE", 20.0, 5), (5, "IT", 9.99, 10)]
        self.assertEqual(self.rows(), after)
        again = self.sluice("rejects", "replay", "orders", "--input", "repaired.ndjson")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("3 records skipped", again.stderr)
        self.assertEqual(self.rows(), after, "at most once")
        # Nothing of it is left in the way of the pipeline's next run.
        self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)

    def test_what_is_rejected_again_can_be_replayed_again(self):
        self.run_it()
        self.export(lambda reject: reject["record"].replace("twelve", "25"))
        done = self.sluice("rejects", "replay", "orders", "--input", "repaired.ndjson", "--unit", "orders")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([row[0] for row in self.rows()], [1, 3, 5])
        done = self.sluice("rejects", "export", "orders-replay", "left.ndjson")
        self.assertEqual(done.returncode, 0, done.stderr)
        left = [json.loads(line) for line in (self.folder / "left.ndjson").read_text().splitlines()]
        self.assertEqual([line["record"].split(",")[0] for line in left], ["2"])

    def test_what_was_not_rejected_can_not_be_replayed(self):
        self.run_it()
        lines = self.export(lambda reject: reject["record"])
        self.write("repaired.ndjson", json.dumps({**lines[0], "line": 77}) + "\n")
        done = self.sluice("rejects", "replay", "orders", "--input", "repaired.ndjson")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("repaired.ndjson:1", done.stderr)
        self.write("repaired.ndjson", "no json\n")
        self.assertIn("repaired.ndjson:1", self.sluice("rejects", "replay", "orders", "--input", "repaired.ndjson").stderr)
        self.assertEqual([row[0] for row in self.rows()], [1, 5])

    def test_it_is_refused_where_rows_are_seen_together_or_would_be_replaced(self):
        for text, unit in [
            (PIPELINE.replace("mode: append", "mode: replace"), "table"),
            (PIPELINE.replace("from: rates\n    sqlite", "from: sums\n    sqlite").replace(
                "load:\n", "  sums: { from: rates, aggregate: { by: [country], compute: { n: \"count(*)\" } } }\nload:\n"), "sums"),
        ]:
            with self.subTest(unit=unit):
                self.write("orders.csv", ORDERS)
                self.write("p.yaml", text)
                self.assertEqual(self.sluice("run", "p.yaml", "--fresh").returncode, 0)
                done = self.sluice("rejects", "replay", "orders")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("not_replayable", done.stderr)
                self.assertIn("unit " + unit, done.stderr)
                (self.folder / "out.db").unlink()


if __name__ == "__main__":
    unittest.main()
