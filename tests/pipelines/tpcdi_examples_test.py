"""The pipelines of examples/tpcdi load a warehouse from three daily extracts, with the contents told in their README."""

import shutil
import sqlite3
import unittest

from command_line import ROOT, CommandLine

TPCDI = ROOT / "examples/tpcdi"


class TpcDi(CommandLine):
    def setUp(self):
        super().setUp()
        shutil.copytree(TPCDI, self.folder, dirs_exist_ok=True)

    def go(self, *words, exit_code=0):
        done = self.sluice("run", *words)
        self.assertEqual(done.returncode, exit_code, done.stderr)
        return done.stderr

    def table(self, sql):
        with sqlite3.connect(self.folder / "out/warehouse.db") as db:
            return db.execute(sql).fetchall()

    def load(self):
        return [self.go("01-customer-dimension.yaml", "--set", f"day=2024-05-0{day}") for day in (1, 2, 3)]

    def test_the_dimension_and_the_fact(self):
        reports = self.load()
        self.assertIn("rule tier of unit checked: 1 of 5 rows (severity: warn): tier is none of 1, 2, 3", reports[1])
        versions = self.table("select customer_id, city, tier, valid_from, valid_to, is_current from dim_customer order by 1, 4")
        self.assertEqual([row for row in versions if row[0] in (1, 3)], [
            (1, "Bonn", 1, "2024-05-01", "2024-05-02", 0), (1, "Berlin", 1, "2024-05-02", "2024-05-03", 0), (1, "Berlin", 1, "2024-05-03", None, 1),
            (3, "Trier", 2, "2024-05-01", "2024-05-03", 0)])
        self.assertEqual({row[0] for row in self.table("select distinct tax_id from dim_customer")}, {"111", "222", "333", "444", "555"})
        self.go("02-trade-fact.yaml")
        rows = self.table("select trade_id, d.city, d.tier, amount from fact_trade f join dim_customer d using (customer_sk) order by 1")
        self.assertEqual(rows, [(1, "Bonn", 1, 125), (2, "Berlin", 1, 63.75), (3, "Köln", 3, 310), (4, "Köln", 2, 152.5), (5, "Essen", 9, 99.9),
                                (6, "Trier", 2, 89.6), (8, "Ulm", 2, 120)])
        self.assertIn("customer_id is not in customers.customer_id", self.sluice("rejects", "export", "last", "-").stdout)
        before = self.table("select * from dim_customer union all select trade_sk, trade_id, customer_sk, 1, 1, 1, 1, 1, 1, 1, 1 from fact_trade order by 1, 2")
        self.go("01-customer-dimension.yaml", "--set", "day=2024-05-03")
        self.go("02-trade-fact.yaml")
        self.assertEqual(self.table("select * from dim_customer union all select trade_sk, trade_id, customer_sk, 1, 1, 1, 1, 1, 1, 1, 1 from fact_trade order by 1, 2"), before)

    def test_a_trade_that_is_lost_fails_the_load_and_nothing_is_visible(self):
        self.load()
        path = self.folder / "02-trade-fact.yaml"
        path.write_text(path.read_text().replace('- derive: { amount', '- filter: "trade_id <> 4"\n      - derive: { amount'))
        said = self.go("02-trade-fact.yaml", exit_code=1)
        self.assertIn("1 key differs: 4 (only in known)", said)
        self.assertEqual(self.table("select name from sqlite_master where name = 'fact_trade'"), [])


if __name__ == "__main__":
    unittest.main()
