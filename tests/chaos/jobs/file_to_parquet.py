"""CSV files, a filter, a folder of Parquet with one part for each checkpoint: all rows in the order of the files, and each
record that can't be read in the rejects."""

import pyarrow.parquet

from jobs import JobBase, compare, prefix

PIPELINE = """\
version: 1
pipeline: file-to-parquet
run: { checkpoint: 20ms }
rejects: { allow: 1000000 }
extract:
  orders:
    csv: { path: "in/*.csv" }
    types: { id: bigint, k: bigint, note: text }
    parallelism: 2
transform:
  some:
    from: orders
    filter: "id % 7 <> 0"
load:
  lake:
    from: some
    parquet: { path: out/lake/ }
    commit: checkpoint
"""


def orders(place, random, files, rows, bad):
    """Writes files of orders with ascending ids; gives the ids of the good ones and of the bad ones."""
    number, good, wrong = 0, [], []
    (place / "in").mkdir(parents=True)
    pad = "".join(random.choice("abcdefghij") for _ in range(200))
    for file in range(files):
        lines = ["id,k,note\n"]
        for _ in range(rows):
            number += 1
            if bad and number % bad == 0:
                wrong.append(number)
                lines.append(f"{number},x,{pad}\n")
            else:
                good.append(number)
                lines.append(f"{number},{number % 50},{pad[number % 50:]}\n")
        (place / f"in/{file:02}.csv").write_text("".join(lines))
    return good, wrong


class Job(JobBase):
    fails_at = ("out/lake", "sluice.db", "checkpoints", "rejects.ndjson")

    def prepare(self):
        good, self.bad = orders(self.place, self.random, 4, 60_000, 1009)
        self.wanted = [number for number in good if number % 7]
        self.write("p.yaml", PIPELINE)

    def rows(self):
        found = []
        for part in sorted((self.place / "out/lake").glob("part-*")):
            found += pyarrow.parquet.read_table(part, columns=["id"])["id"].to_pylist()
        return found

    def visible(self):
        return len(list((self.place / "out/lake").glob("part-*")))

    def complete(self):
        return len(self.rows()) >= len(self.wanted)

    def check(self):
        return prefix("the folder", self.rows(), self.wanted)

    def check_end(self, rejects):
        left = [str(path) for path in (self.place / "out").rglob(".*")]
        return (compare("the folder", self.rows(), self.wanted) +
                compare("the rejects", [int(each["record"].split(",")[0]) for each in rejects], self.bad) +
                [f"left behind: {name}" for name in left])
