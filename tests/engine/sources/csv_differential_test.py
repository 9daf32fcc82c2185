"""Random CSV files, read by Sluice and by Python's csv module: every cell is the same, at every SIMD level."""

import csv
import io
import os
import pathlib
import random
import subprocess
import tempfile
import unittest

import pyarrow.ipc

SLUICE = os.environ["SLUICE_BINARY"]
LEVELS = ["scalar", "sse2", "avx2", "avx512"]
FILES = int(os.environ.get("SLUICE_DIFFERENTIAL_FILES", "24"))
LARGE = 20 * 1024 * 1024  # several splits of 8 MiB, which begin anywhere


def field(rng, longest):
    kind = rng.randrange(6)
    size = rng.randrange(longest)
    if kind == 0:
        return '"' + "".join(rng.choice(['a', ',', '\n', '\r\n', '""', 'ä', ' ', '\r']) for _ in range(size)) + '"'
    if kind == 1:
        return rng.choice(['5" pipe', 'a"b"', '""', '""""', ' "x"', "ü", "  ", ""])
    return "".join(rng.choice("abcdefgh 0123456789.-") for _ in range(size))


def record(rng, longest):
    fields = 3 if rng.random() < 0.97 else rng.randrange(1, 6)
    return ",".join(field(rng, longest) for _ in range(fields)) + rng.choice(["\n"] * 5 + ["\r\n", "\r"])


def make(rng, size, longest):
    text = io.StringIO()
    text.write("a,b,c\n")
    while text.tell() < size:
        text.write(record(rng, longest))
    return text.getvalue()


def expected(text):
    """Rows of three fields, and how many others there are. An empty line is no record."""
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    return [row for row in rows[1:] if len(row) == 3], sum(len(row) != 3 for row in rows)


csv.field_size_limit(1 << 30)


class Differential(unittest.TestCase):
    def test_every_cell_is_what_python_reads(self):
        rng = random.Random(os.environ.get("SLUICE_DIFFERENTIAL_SEED", "4"))
        texts = [make(rng, rng.choice([1, 50, 200, 3000, 60_000]), rng.choice([4, 20, 300])) for _ in range(FILES)]
        block = make(rng, 300_007, 400).partition("\n")[2]
        texts.append("a,b,c\n" + block * (LARGE // len(block)))
        # Quoted fields longer than a split, so that splits begin and end inside them.
        long = '"' + ('line, with ""quotes""\n' * 500_000) + '"'
        texts.append("a,b,c\n1,x,y\n2," + long + ",z\n3,p,q\n4," + long + ",\n")
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            lines = ["version: 1", "pipeline: differential", "rejects: { allow: 100000000 }", "extract:"]
            for i, text in enumerate(texts):
                (folder / f"{i}.csv").write_bytes(text.encode())
                for name in ["in", "only"]:
                    lines.append(f"  {name}{i}: {{ csv: {{ path: {i}.csv }}, types: {{ a: text, b: text, c: text }} }}")
            # A filter directly below the source is evaluated by the readers; behind a rename it is not.
            lines.append("transform:")
            for i in range(len(texts)):
                lines.append(f"  in_reader{i}: {{ from: only{i}, filter: \"b > 'c'\" }}")
                lines.append(f"  kept{i}: {{ from: in{i}, rename: {{ b: bb }} }}")
                lines.append(f"  behind{i}: {{ from: kept{i}, filter: \"bb > 'c'\" }}")
            lines.append("load:")
            lines += [f"  out{i}: {{ from: in{i}, ipc: {{ path: {i}.arrow }} }}" for i in range(len(texts))]
            for name in ["in_reader", "behind"]:
                lines += [f"  {name}_out{i}: {{ from: {name}{i}, ipc: {{ path: {name}{i}.arrow }} }}" for i in range(len(texts))]
            (folder / "p.yaml").write_text("\n".join(lines))
            wanted = [expected(text) for text in texts]
            for level in LEVELS:
                with self.subTest(level=level):
                    done = subprocess.run([SLUICE, "run", "p.yaml", "-q", "--fresh", "--state", "state"], cwd=folder, capture_output=True,
                                          text=True, env={**os.environ, "SLUICE_SIMD": level}, timeout=300)
                    self.assertEqual((done.returncode, done.stderr), (0, ""))
                    for i, (rows, _) in enumerate(wanted):
                        kept = [row for row in rows if row[1] > "c"]
                        for name, these in [("", rows), ("in_reader", kept), ("behind", kept)]:
                            table = pyarrow.ipc.open_file(folder / f"{name}{i}.arrow").read_all()
                            got = [column.fill_null("").to_pylist() for column in table.columns]
                            self.assertEqual(table.num_rows, len(these), f"file {i} {name}")
                            for at, column in enumerate(got):
                                self.assertEqual(column, [row[at] for row in these], f"file {i} {name}, column {at}")


if __name__ == "__main__":
    unittest.main()
