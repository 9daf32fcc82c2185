"""CSV files, an aggregate by key, an upsert into a table of PostgreSQL: the sums of all rows, each counted once."""

from jobs import JobBase, compare
from jobs.file_to_parquet import orders

PIPELINE = """\
version: 1
pipeline: file-to-postgres
run: {{ checkpoint: 10ms }}
rejects: {{ allow: 1000000 }}
extract:
  orders:
    csv: {{ path: "in/*.csv" }}
    types: {{ id: bigint, k: bigint, note: text }}
    parallelism: 2
transform:
  sums:
    from: orders
    aggregate: {{ by: [k], compute: {{ n: "count(*)", s: "sum(id)", first: "first(id)", last: "max(id)" }} }}
load:
  table:
    from: sums
    postgres: {{ url: "{url}", table: {table} }}
    mode: upsert
    key: [k]
"""


class Job(JobBase):
    servers = ("postgres",)
    fails_at = ("sluice.db", "checkpoints", "rejects.ndjson")

    def prepare(self):
        good, self.bad = orders(self.place, self.random, 4, 60_000, 1009)
        by_key = {}
        for number in good:
            n, s, first, _ = by_key.get(number % 50, (0, 0, number, 0))
            by_key[number % 50] = (n + 1, s + number, first, number)
        self.wanted = [(k, *all_of) for k, all_of in by_key.items()]
        self.write("p.yaml", PIPELINE.format(url=self.world.postgres.url, table=self.tag))

    def rows(self):
        return self.world.postgres.rows(self.tag, "k, n, s, first, last")

    def visible(self):
        return len(self.rows())

    def complete(self):
        return len(self.rows()) >= len(self.wanted)

    def check(self):
        rows = self.rows()
        return compare("the table", rows, self.wanted) if rows else []

    def check_end(self, rejects):
        return (compare("the table", self.rows(), self.wanted) + self.world.postgres.leftovers(self.tag) +
                compare("the rejects", [int(each["record"].split(",")[0]) for each in rejects], self.bad))
