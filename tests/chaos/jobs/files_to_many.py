"""Two sets of files through a union, a deduplication and a route into four targets that commit at different times: an
aggregate in two instances, parts with each checkpoint, a table with each checkpoint, and two folders at the end."""

import csv
import json
import sqlite3

from jobs import JobBase, compare, prefix

PIPELINE = """\
version: 1
pipeline: files-to-many
run: { checkpoint: 20ms }
rejects: { allow: 1000000 }
extract:
  first:
    csv: { path: "in/first-*.csv" }
    types: { id: bigint, k: bigint, note: text }
    parallelism: 2
  second:
    csv: { path: "in/second-*.csv.gz" }
    types: { id: bigint, k: bigint, note: text }
transform:
  all_of:
    from: [first, second]
    union: {}
  once:
    from: all_of
    deduplicate: { by: [id] }
  parted:
    from: first
    route: { even: "id % 2 = 0", odd: "id % 2 = 1" }
  sums:
    from: once
    aggregate: { by: [k], compute: { n: "count(*)", s: "sum(id)" } }
    parallelism: 2
load:
  even:   { from: parted.even, ndjson: { path: out/even/ }, commit: checkpoint }
  odd:    { from: parted.odd, sqlite: { path: out/odd.db, table: odd }, mode: append, commit: checkpoint }
  unique: { from: once, csv: { path: out/unique/ } }
  totals: { from: sums, csv: { path: out/sums/ } }
"""


class Job(JobBase):
    fails_at = ("out/", "sluice.db", "checkpoints", "rejects.ndjson")

    def prepare(self):
        import gzip
        (self.place / "in").mkdir()
        pad = "".join(self.random.choice("abcdefghij") for _ in range(120))
        self.first = list(range(1, 120_001))
        # A third of the second files' rows are in the first ones as well.
        self.second = [number if number % 3 else number - 60_000 for number in range(100_001, 140_001)]
        for name, ids, count in (("first", self.first, 3), ("second", self.second, 2)):
            for file in range(count):
                part = ids[len(ids) * file // count:len(ids) * (file + 1) // count]
                text = "id,k,note\n" + "".join(f"{number},{number % 20},{pad}\n" for number in part)
                path = self.place / f"in/{name}-{file}.csv{'.gz' if name == 'second' else ''}"
                path.write_bytes(gzip.compress(text.encode(), 1) if name == "second" else text.encode())
        self.write("p.yaml", PIPELINE)

    def even(self):
        found = []
        for part in sorted((self.place / "out/even").glob("part-*")):
            found += [json.loads(line)["id"] for line in part.read_text().splitlines()]
        return found

    def odd(self):
        if not (self.place / "out/odd.db").exists():
            return []
        with sqlite3.connect(self.place / "out/odd.db") as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'odd'").fetchall():
                return []
            return [row[0] for row in db.execute("SELECT id FROM odd ORDER BY rowid")]

    def visible(self):
        return len(self.odd())

    def complete(self):
        return bool(list((self.place / "out/sums").glob("part-*")))

    def check(self):
        return (prefix("the parts", self.even(), [number for number in self.first if number % 2 == 0]) +
                prefix("the table", self.odd(), [number for number in self.first if number % 2]))

    def rows(self, path):
        with open(path, newline="") as file:
            return [tuple(int(value) for name, value in row.items() if name != "note") for row in csv.DictReader(file)]

    def check_end(self, rejects):
        unique = set(self.first) | set(self.second)
        sums = {}
        for number in unique:
            n, s = sums.get(number % 20, (0, 0))
            sums[number % 20] = (n + 1, s + number)
        found = [row for part in sorted((self.place / "out/unique").glob("part-*")) for row in self.rows(part)]
        left = [str(path) for path in (self.place / "out").rglob(".*")]
        return (compare("the parts", self.even(), [number for number in self.first if number % 2 == 0]) +
                compare("the table", self.odd(), [number for number in self.first if number % 2]) +
                compare("the unique rows", found, [(number, number % 20) for number in unique]) +
                compare("the sums", [row for part in sorted((self.place / "out/sums").glob("part-*")) for row in self.rows(part)], [(k, n, s) for k, (n, s) in sums.items()]) +
                [f"left behind: {name}" for name in left] + [f"rejected: {each}" for each in rejects[:3]])
