"""The jobs of examples/desk that need servers: a topic into a table, new rows of a table; and sluice init --from a database."""

import shutil
import sqlite3
import unittest

from command_line import ROOT, SIGINT, CommandLine, eventually
from kafka_server import Broker
from postgres_server import Server

DESK = ROOT / "examples/desk"


class DeskWithServers(CommandLine):
    def setUp(self):
        super().setUp()
        for job in DESK.glob("1[13]-*.yaml"):
            shutil.copy(job, self.folder)

    def test_11_queue_to_table(self):
        broker = self.enterContext(Broker())
        broker.topic("orders")
        broker.produce("orders", ['{"id": 1, "v": 0.5}', '{"id": 2, "v": 1.5}', '{"id": 3, "v": null}'])

        def rows():
            if not (self.folder / "out/queue.db").exists():
                return []
            with sqlite3.connect(self.folder / "out/queue.db") as db:
                return db.execute("select id, v from orders order by id").fetchall() if db.execute("select 1 from sqlite_master where name = 'orders'").fetchall() else []

        environment = dict(self.environment(), KAFKA=broker.address)
        self.environment = lambda **more: {**environment, **more}
        for expected in (3, 4):
            run = self.start("run", "11-queue-to-table.yaml", "-q")
            eventually(lambda: len(rows()) == expected, "the rows of the topic")
            run.send_signal(SIGINT)
            code, _, said = self.end_of(run)
            self.assertEqual(code, 0, said)
            broker.produce("orders", ['{"id": 4, "v": 2.5}'])
        golden = (DESK / "golden/11.csv").read_text()
        self.assertEqual("".join(f"{i},{'' if v is None else v}\n" for i, v in rows()[:4]), golden)

    def test_13_new_rows_and_init(self):
        server = self.enterContext(Server())
        url = f"postgresql://postgres@127.0.0.1:{server.port}/postgres"
        database = server.connect()
        self.addCleanup(database.close)
        database.run("create table orders (id bigint primary key, amount numeric(10,2), updated_at timestamptz); "
                     "insert into orders values (1, 1.50, '2024-05-01 10:00Z'), (2, 2.50, '2024-05-01 11:00Z')")
        for _ in range(2):
            done = self.sluice("run", "13-new-rows.yaml", "-q", env={"SLUICE_SECRET_SHOP_URL": url})
            self.assertEqual(done.returncode, 0, done.stderr)
        database.run("update orders set amount = 9, updated_at = '2024-05-02 10:00Z' where id = 1; insert into orders values (3, 3, '2024-05-02 09:00Z')")
        done = self.sluice("run", "13-new-rows.yaml", "-q", env={"SLUICE_SECRET_SHOP_URL": url})
        self.assertEqual(done.returncode, 0, done.stderr)
        shown = self.sluice("query", "--csv", "select * from t order by updated_at", "t=out/orders/*.parquet")
        self.assertEqual(shown.stdout, (DESK / "golden/13.csv").read_text(), shown.stderr)
        database.run("create schema shop; create table shop.\"Order Items\" (order_id bigint, sku text); insert into shop.\"Order Items\" values (1, 'a'); "
                     "create table shop.customers (id bigint primary key, name text); create view shop.names as select name from shop.customers")
        done = self.sluice("init", "copy.yaml", "--from", url.replace("postgres@", "postgres:pass%40word@"), "--tables", "shop.*", "--tables", "orders")
        self.assertEqual(done.returncode, 0, done.stderr)
        text = (self.folder / "copy.yaml").read_text()
        self.assertNotIn("pass", text.replace("POSTGRES_PASSWORD", "").replace("the password", ""))
        self.assertIn('# incremental: { by: column, column: "updated_at" }', text)
        done = self.sluice("run", "copy.yaml", "-q", env={"SLUICE_SECRET_POSTGRES_PASSWORD": "pass%40word"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(path.name for path in (self.folder / "out").glob("*.parquet")),
                         ["customers.parquet", "names.parquet", "order_items.parquet", "orders.parquet"])


if __name__ == "__main__":
    unittest.main()
