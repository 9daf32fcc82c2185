"""sluice init --from a SQLite file; PostgreSQL is in tests/services."""

import json
import sqlite3
import unittest

from command_line import CommandLine


class InitFrom(CommandLine):
    def text_of(self, name):
        return (self.folder / name).read_text()

    def setUp(self):
        super().setUp()
        with sqlite3.connect(self.folder / "shop.db") as db:
            db.executescript(
                """create table orders(id integer primary key, amount decimal(10,2), updated_at text);
                   create table "Order Items"(order_id integer, sku text);
                   create view big as select * from orders where amount > 5;
                   insert into orders values (1, 2.5, '2024-05-01'), (2, 7, '2024-05-02');
                   insert into "Order Items" values (1, 'a'), (2, 'b');"""
            )

    def test_what_it_writes_runs_and_copies_the_tables(self):
        done = self.sluice("init", "copy.yaml", "--from", "sqlite:shop.db")
        self.assertEqual(done.returncode, 0, done.stderr)
        text = self.text_of("copy.yaml")
        self.assertIn('# incremental: { by: column, column: "updated_at" }', text)
        done = self.sluice("run", "copy.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        shown = self.sluice("query", "--csv", "select * from t order by 1", "t=out/order_items.parquet")
        self.assertEqual(shown.stdout, "order_id,sku\n1,a\n2,b\n", shown.stderr)
        self.assertIn("3 tables", self.sluice("init", "again", "--from", "shop.db").stdout)

    def test_patterns_choose_tables(self):
        done = self.sluice("init", "--json", "--from", "shop.db", "--tables", "Order*", "--tables", "orders")
        self.assertEqual(json.loads(done.stdout), {"pipeline": "shop.yaml", "tables": 2})
        self.assertNotIn("big", self.text_of("shop.yaml"))
        none = self.sluice("init", "x.yaml", "--from", "shop.db", "--tables", "ordres")
        self.assertEqual(none.returncode, 2)
        self.assertIn("the tables are: Order Items, big, orders", none.stderr)

    def test_what_it_can_not_read_is_said(self):
        self.assertIn("takes PostgreSQL and SQLite", self.sluice("init", "--from", "mysql://x/y").stderr)
        self.assertIn("none.db", self.sluice("init", "--from", "none.db").stderr)
        self.assertIn("--from", self.sluice("init", "--tables", "x").stderr)
        self.write("there.yaml", "x")
        self.assertIn("already exists", self.sluice("init", "there.yaml", "--from", "shop.db").stderr)


if __name__ == "__main__":
    unittest.main()
