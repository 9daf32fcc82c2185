"""The jobs of examples/desk run as shown, in at most 20 lines each, with the outputs in examples/desk/golden.

SLUICE_WRITE_GOLDEN=1 writes the outputs instead: read them before they are kept.
"""

import os
import shutil
import sqlite3
import unittest

from command_line import ROOT, CommandLine
from real_node import RealNode

DESK = ROOT / "examples/desk"
SECRET = {"SLUICE_SECRET_MASK_KEY": "a-key-of-the-examples", "SLUICE_SECRET_TEAM_URL": "https://hooks.example/secret-of-the-team",
          "SLUICE_SECRET_SHOP_URL": os.environ.get("PG_URL", "postgres://nobody@127.0.0.1:1/shop")}
READ = """\
version: 1
pipeline: read-back
extract:
  made: {{ parquet: {{ path: {path} }} }}
transform:
  sorted: {{ from: made, sort: [{by}] }}
load:
  out: {{ from: sorted, csv: {{ path: {out} }} }}
"""


class Desk(CommandLine):
    def setUp(self):
        super().setUp()
        for item in DESK.iterdir():
            if item.name != "golden":
                (shutil.copytree if item.is_dir() else shutil.copy)(item, self.folder / item.name)

    def go(self, name, *words, exit_code=0):
        done = self.sluice("run", name, "-q", *words, env=SECRET)
        self.assertEqual(done.returncode, exit_code, done.stderr)

    def same(self, name, text):
        golden = DESK / "golden" / name
        if os.environ.get("SLUICE_WRITE_GOLDEN"):
            golden.write_text(text, encoding="utf-8")
        self.assertEqual(text, golden.read_text(encoding="utf-8"), name)

    def read_parquet(self, path, by):
        self.write("read.yaml", READ.format(path=path, by=by, out="read.csv"))
        self.go("read.yaml")
        return (self.folder / "read.csv").read_text(encoding="utf-8")

    def table(self, sql):
        with sqlite3.connect(self.folder / "out/shop.db") as shop:
            return "".join(",".join("" if value is None else str(value) for value in row) + "\n" for row in shop.execute(sql))

    def test_each_job_has_at_most_20_lines(self):
        jobs = sorted(DESK.glob("[0-9]*.yaml"))
        self.assertEqual(len(jobs), 14)
        for job in jobs:
            lines = [line for line in job.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
            self.assertLessEqual(len(lines), 20, job.name)
            shown = f"| {job.name} | {len(lines)} |"
            self.assertIn(shown, (DESK / "README.md").read_text(encoding="utf-8"))

    def test_01_monthly_files(self):
        self.go("01-monthly-files.yaml")
        self.same("01.csv", self.read_parquet("out/orders.parquet", "order_id"))

    def test_02_german_csv(self):
        self.go("02-german-csv.yaml")
        self.same("02.ndjson", (self.folder / "out/umsatz.ndjson").read_text(encoding="utf-8"))

    def test_03_logs_by_day(self):
        late = self.folder / "in/logs/app-2024-05-03.ndjson"
        kept = late.read_bytes()
        late.unlink()
        self.go("03-logs-by-day.yaml")
        late.write_bytes(kept)
        for _ in range(2):
            self.go("03-logs-by-day.yaml")
        self.same("03.csv", self.read_parquet("out/lake/", "ts"))
        self.assertEqual(sorted(path.name for path in (self.folder / "out/lake").iterdir()), [f"day=2024-05-0{day}" for day in (1, 2, 3)])

    def test_04_api_items(self):
        self.go("04-api-items.yaml")
        self.same("04.csv", (self.folder / "out/items.csv").read_text(encoding="utf-8"))

    def test_05_customer_history(self):
        for day in (1, 2, 2):
            self.go("05-customer-history.yaml", "--set", f"day=2024-05-0{day}", "--set", f"file=in/customers_day{day}.csv")
        self.same("05.csv", self.table("select * from customers order by customer_id, valid_from"))

    def test_06_latest_of_each(self):
        self.go("06-latest-of-each.yaml")
        self.same("06.csv", self.read_parquet("out/latest.parquet", "id"))

    def test_07_five_files(self):
        self.go("07-five-files.yaml")
        self.same("07.csv", (self.folder / "out/joined.csv").read_text(encoding="utf-8"))

    def test_08_daily_upsert(self):
        for _ in range(2):
            self.go("08-daily-upsert.yaml")
        self.same("08.csv", self.table("select * from orders order by order_id"))

    def test_09_quality(self):
        self.go("09-quality.yaml", exit_code=3)
        self.same("09.csv", (self.folder / "out/good.csv").read_text(encoding="utf-8"))
        reasons = self.sluice("rejects", "export", "last", "-").stdout
        for reason in ("email is null", "email does not match", "amount >= 0 is not true", "order_id is not unique"):
            self.assertIn(reason, reasons)

    def test_10_secret_key(self):
        self.go("10-secret-key.yaml")
        self.same("10.csv", (self.folder / "out/pseudo.csv").read_text(encoding="utf-8"))

    def test_12_nightly(self):
        self.go("12-nightly.yaml")
        self.same("12.csv", (self.folder / "out/orders.csv").read_text(encoding="utf-8"))
        node = RealNode(self.folder)
        self.addCleanup(node.stop)
        done = self.sluice("deploy", "12-nightly.yaml", "--to", node.address)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("0 6 * * *", self.sluice("pipelines", "--json", "--to", node.address).stdout)

    def test_14_masked_logs(self):
        self.go("14-masked-logs.yaml")
        text = (self.folder / "out/masked.ndjson").read_text(encoding="utf-8")
        self.assertNotIn("example.com", text)
        self.same("14.ndjson", text)


if __name__ == "__main__":
    unittest.main()
