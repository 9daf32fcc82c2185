"""Files that are read before their turn, so that several readers have work, take memory by run.memory and not by their size."""

import gzip
import os
import pathlib
import subprocess
import tempfile
import unittest

import pyarrow as pa
import pyarrow.parquet

from command_line import BINARY

MEGABYTE = 1000 * 1000
BLOCK = "".join(f"{i},name{i * 7919 % 100003},{i * 31 % 9973}.25,some text that goes along {i % 977}\n" for i in range(10000))
READERS = 4


def packed_csv(path, megabytes):
    text = BLOCK * (megabytes * MEGABYTE // len(BLOCK))
    path.with_suffix(".csv.gz").write_bytes(gzip.compress(("id,name,amount,note\n" + text).encode(), 1))


def packed_ndjson(path, megabytes):
    text = "".join(f'{{"id":{i},"name":"name{i * 7919 % 100003}","note":"some text that goes along {i % 977}"}}\n' for i in range(10000))
    path.with_suffix(".ndjson.gz").write_bytes(gzip.compress((text * (megabytes * MEGABYTE // len(text))).encode(), 1))


def parquet(path, megabytes):
    """Row groups of a file, of which each is a split as long as the file's."""
    rows = megabytes * MEGABYTE // 40
    numbers = pa.array(range(rows), pa.int64())
    table = pa.table({"id": numbers, "twice": numbers, "text": pa.array(["some text that goes along"] * 1000).take(pa.array([i % 1000 for i in range(rows)]))})
    pa.parquet.write_table(table, path.with_suffix(".parquet"), row_group_size=rows)


@unittest.skipIf("sanitize" in BINARY, "AddressSanitizer's shadow memory is not ours")
class EarlyRows(unittest.TestCase):
    def peak_of(self, source, write, megabytes, more=""):
        """The peak resident bytes of a run over four files, and what it wrote."""
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            write(folder / "1", megabytes)
            for copy in range(2, 5):
                first = next(folder.glob("1.*"))
                (folder / first.name.replace("1", str(copy), 1)).hardlink_to(first)
            (folder / "p.yaml").write_text(
                f"version: 1\npipeline: p\nrun: {{ memory: 32MiB }}\nextract:\n"
                f"  rows: {{ {source}: {{ path: '[1-4].*' }}, parallelism: {READERS}{more} }}\n"
                "load:\n  out: { from: rows, csv: { path: out.csv } }\n")
            run = subprocess.Popen([BINARY, "--state", str(folder / "state"), "run", "p.yaml", "-q"], cwd=folder)
            _, status, usage = os.wait4(run.pid, 0)
            self.assertEqual(os.waitstatus_to_exitcode(status), 0)
            return usage.ru_maxrss * 1024, (folder / "out.csv").read_bytes()

    def check(self, source, write, sizes):
        small, _ = self.peak_of(source, write, sizes[0])
        large, rows = self.peak_of(source, write, sizes[1])
        # Three files that come early were held whole.
        self.assertLess(large - small, (sizes[1] - sizes[0]) * MEGABYTE, f"{small} {large}")
        _, at_leisure = self.peak_of(source, write, sizes[1], ", order: any")
        self.assertEqual(len(rows), len(at_leisure))
        header, rest = rows.split(b"\n", 1)
        quarter = len(rest) // 4
        for begin in range(0, len(rest), quarter):
            self.assertEqual(rest[begin:begin + quarter], rest[:quarter])

    def test_packed_csv(self):
        self.check("csv", packed_csv, (15, 50))

    def test_packed_ndjson(self):
        self.check("ndjson", packed_ndjson, (15, 50))

    def test_parquet_of_large_row_groups(self):
        self.check("parquet", parquet, (15, 50))


if __name__ == "__main__":
    unittest.main()
