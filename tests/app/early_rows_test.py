"""Files that are read before their turn, so that several readers have work, take memory by run.memory and not by their size."""

import contextlib
import gzip
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from command_line import BINARY

MEGABYTE = 1000 * 1000
READERS = 4
# What this process takes counts for those that it starts, so no file is in its memory as a whole.
CSV = "".join(f"{i},name{i * 7919 % 100003},{i * 31 % 9973}.25,some text that goes along {i % 977}\n" for i in range(10000)).encode()
NDJSON = "".join(f'{{"id":{i},"name":"name{i * 7919 % 100003}","note":"some text that goes along {i % 977}"}}\n' for i in range(10000)).encode()
# Of one row group, so that each is a split as long as the file.
PARQUET = """
import sys
import pyarrow as pa, pyarrow.parquet
rows = int(sys.argv[2]) * 20000
numbers = pa.array(range(rows), pa.int64())
texts = pa.array([f"some text that goes along {i}" for i in range(1000)]).take(pa.array([i % 1000 for i in range(rows)]))
pa.parquet.write_table(pa.table({"id": numbers, "twice": numbers, "text": texts}), sys.argv[1], row_group_size=rows)
"""


def packed_csv(folder, megabytes):
    with gzip.open(folder / "1.csv.gz", "wb", 1) as file:
        file.write(b"id,name,amount,note\n")
        for _ in range(megabytes * MEGABYTE // len(CSV)):
            file.write(CSV)


def packed_ndjson(folder, megabytes):
    with gzip.open(folder / "1.ndjson.gz", "wb", 1) as file:
        for _ in range(megabytes * MEGABYTE // len(NDJSON)):
            file.write(NDJSON)


def parquet(folder, megabytes):
    subprocess.run([sys.executable, "-c", PARQUET, folder / "1.parquet", str(megabytes)], check=True)


@unittest.skipIf("sanitize" in BINARY, "AddressSanitizer's shadow memory is not ours")
class EarlyRows(unittest.TestCase):
    def peak_of(self, source, write, megabytes):
        """The peak resident bytes of a run over four equal files; what it wrote is looked at."""
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            write(folder, megabytes)
            for copy in range(2, 5):
                first = next(folder.glob("1.*"))
                (folder / first.name.replace("1", str(copy), 1)).hardlink_to(first)
            (folder / "p.yaml").write_text(
                f"version: 1\npipeline: p\nrun: {{ memory: 32MiB }}\nextract:\n"
                f"  rows: {{ {source}: {{ path: '[1-4].*' }}, parallelism: {READERS} }}\n"
                "load:\n  out: { from: rows, csv: { path: out.csv } }\n")
            run = subprocess.Popen([BINARY, "--state", str(folder / "state"), "run", "p.yaml", "-q"], cwd=folder)
            _, status, usage = os.wait4(run.pid, 0)
            run.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(run.returncode, 0)
            self.check_order(folder / "out.csv")
            return usage.ru_maxrss * 1024

    def check_order(self, path):
        """The rows of a file come four times."""
        with open(path, "rb") as file:
            begin = len(file.readline())
        quarter = (path.stat().st_size - begin) // 4
        with contextlib.ExitStack() as stack:
            parts = [stack.enter_context(open(path, "rb")) for _ in range(4)]
            for number, part in enumerate(parts):
                part.seek(begin + number * quarter)
            for at in range(0, quarter, MEGABYTE):
                blocks = {part.read(min(MEGABYTE, quarter - at)) for part in parts}
                self.assertEqual(len(blocks), 1, f"rows of another file at {at}")
            self.assertEqual(parts[-1].read(), b"")

    def check(self, source, write):
        small = self.peak_of(source, write, 20)
        large = self.peak_of(source, write, 80)
        # Three files that came early were held whole.
        self.assertLess(large - small, 60 * MEGABYTE, f"{small} {large}")

    def test_packed_csv(self):
        self.check("csv", packed_csv)

    def test_packed_ndjson(self):
        self.check("ndjson", packed_ndjson)

    def test_parquet_of_large_row_groups(self):
        self.check("parquet", parquet)


if __name__ == "__main__":
    unittest.main()
