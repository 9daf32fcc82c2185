"""CSV files joined with another one, appended to a table of SQLite with each checkpoint: each order once, with its name."""

import sqlite3

from jobs import JobBase, compare
from jobs.file_to_parquet import orders

PIPELINE = """\
version: 1
pipeline: join-to-sqlite
run: { checkpoint: 20ms }
rejects: { allow: 1000000 }
extract:
  orders:
    csv: { path: "in/*.csv" }
    types: { id: bigint, k: bigint, note: text }
    parallelism: 2
  names:
    csv: { path: names.csv }
    types: { k: bigint, name: text }
transform:
  named:
    from: [orders, names]
    join: { how: left, using: [k] }
load:
  table:
    from: named
    sqlite: { path: out/shop.db, table: orders }
    mode: append
    commit: checkpoint
"""


class Job(JobBase):
    fails_at = ("out/", "sluice.db", "checkpoints")

    def prepare(self):
        good, self.bad = orders(self.place, self.random, 4, 40_000, 1013)
        self.wanted = [(number, f"name {number % 50}" if number % 50 < 40 else None) for number in good]
        self.known = set(self.wanted)
        self.write("names.csv", "k,name\n" + "".join(f"{k},name {k}\n" for k in range(40)))
        self.write("p.yaml", PIPELINE)

    def rows(self):
        if not (self.place / "out/shop.db").exists():
            return []
        with sqlite3.connect(self.place / "out/shop.db") as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'orders'").fetchall():
                return []
            return db.execute("SELECT id, name FROM orders").fetchall()

    def visible(self):
        return len(self.rows())

    def complete(self):
        return len(self.rows()) >= len(self.wanted)

    def check(self):
        rows = self.rows()
        # Which orders come first is not promised below a join; that none comes twice or changed is.
        faults = [f"the table has rows that no input has, among them {row}" for row in rows if row not in self.known][:1]
        if len(set(rows)) < len(rows):
            faults.append(f"the table has {len(rows) - len(set(rows))} rows more than once")
        return faults

    def check_end(self, rejects):
        left = [path.name for path in (self.place / "out").iterdir() if path.name.startswith(".")]
        return (compare("the table", self.rows(), self.wanted) +
                compare("the rejects", [int(each["record"].split(",")[0]) for each in rejects], self.bad) +
                [f"left behind: {name}" for name in left])
