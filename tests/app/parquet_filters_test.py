"""Filters that the Parquet reader answers by dictionaries keep, count and reject what the unit alone would."""

import json
import random
import unittest

import pyarrow as pa
import pyarrow.parquet

from command_line import CommandLine

CONDITIONS = [
    "kind = 'a'",
    "kind in ('a', 'b') and n > 5",
    "kind <> 'a' and mode like 'x%'",
    "kind is null",
    "kind is null and mode = 'xx'",
    "kind is not null and mode = 'y'",
    "not (kind = 'a') and coalesce(mode, 'none') = 'none'",
    "upper(kind) = 'A' or mode = 'y'",
    "kind = 'a' and 10 / n > 1",
    "10 / n > 1 and kind = 'a'",
    "kind::integer > 5 and mode = 'y'",
    "mode = 'y' and kind::integer > 5",
    "kind = 'aa'",
    "kind = mode",
    "id > 100 and kind = 'a' and many like '%7%'",
    "kind = 'a' and many like '%7%'",
]


class ParquetFilters(CommandLine):
    def run_both(self, condition, expect):
        """The rows and the rejects with the filter in the reader, and without: another unit reads the source as well."""
        found = []
        for other in ("", "  all: { from: rows, blackhole: {} }\n"):
            self.write("p.yaml", f"""version: 1
pipeline: filters
rejects: {{ allow: 100000 }}
extract:
  rows:
    parquet: {{ path: "in/*.parquet" }}
    metadata: {{ file: path, row: row }}
transform:
  kept: {{ from: rows, filter: "{condition}", on_error: reject }}
load:
  out: {{ from: kept, ndjson: {{ path: out.ndjson }} }}
{other}""")
            done = self.sluice("run", "p.yaml", "-q")
            self.assertEqual(done.returncode, expect, done.stderr)
            if expect != 0:
                found.append(done.stderr.split("\n")[0])
                continue
            rejects = self.sluice("rejects", "export", "last", "--format", "ndjson")
            self.assertEqual(rejects.returncode, 0, rejects.stderr)
            told = [json.loads(line) for line in rejects.stdout.splitlines()]
            for reject in told:
                reject.pop("run")
            found.append(((self.folder / "out.ndjson").read_text(), sorted(told, key=json.dumps)))
        return found

    def write_rows(self, rows, **options):
        (self.folder / "in").mkdir(exist_ok=True)
        draw = random.Random(17)
        for part in range(2):
            table = pa.table({
                "id": range(rows),
                "kind": pa.array([draw.choice(["a", "b", "7", "3", "", None]) for _ in range(rows)], pa.string()),
                "mode": pa.array([draw.choice(["x", "xx", "y", None]) for _ in range(rows)], pa.large_string()),
                "many": [f"text {draw.randrange(10**6)}" for _ in range(rows)],
                "n": [draw.randrange(4) for _ in range(rows)],
            })
            pa.parquet.write_table(table, self.folder / f"in/{part}.parquet", row_group_size=700, **options)

    def test_rows_and_rejects_are_those_of_the_unit_alone(self):
        self.write_rows(2_000)
        some = 0
        for condition in CONDITIONS:
            with self.subTest(condition):
                pushed, alone = self.run_both(condition, 0)
                self.assertEqual(pushed, alone)
                some += len(pushed[1])
        self.assertGreater(some, 1_000)  # rejects, or the comparison says little

    def test_text_that_is_not_utf_8_fails_the_run_also_in_rows_that_go(self):
        self.write_rows(200)
        bad = pa.array([b"good", b"\xff\xfe"] * 100, pa.binary())
        broken = pa.Array.from_buffers(pa.string(), len(bad), bad.buffers())
        for name in ("kind", "many"):
            for dictionary in (True, False):
                with self.subTest(f"{name} {dictionary}"):
                    table = pa.parquet.read_table(self.folder / "in/0.parquet")
                    table = table.set_column(table.schema.get_field_index(name), name, broken)
                    pa.parquet.write_table(table, self.folder / "in/1.parquet",
                                           use_dictionary=["kind", "mode", "many"] if dictionary else ["mode"])
                    for line in self.run_both("mode = 'xa'" if name == "many" else "kind = 'high'", 1):
                        self.assertIn("error[invalid_utf8]", line)


if __name__ == "__main__":
    unittest.main()
