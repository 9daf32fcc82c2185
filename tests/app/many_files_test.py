"""Where records come from and go to: packed files, globs, folders, partitions, standard input, metadata."""

import bz2
import gzip
import json
import os
import resource
import unittest

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from command_line import BINARY
from file_cases import Case, FileCases

TEXT = b"a,b\n" + b"".join(b"%d,x%d\n" % (i, i) for i in range(2000))
ROWS = [[i, f"x{i}"] for i in range(2000)]


def lz4(data):
    return pa.Codec("lz4").compress(data, asbytes=True)


def zstd(data):
    return pa.compress(data, codec="zstd", asbytes=True)


PACKED = {"gz": gzip.compress(TEXT), "zst": zstd(TEXT), "lz4": lz4(TEXT), "bz2": bz2.compress(TEXT)}
NAMES = {"gz": "gzip", "zst": "zstd", "lz4": "lz4", "bz2": "bz2"}


def csv(name, files, source, rows=None, **more):
    return Case(name, files, source, rows=rows, **more)


PLACES = (
    [csv(f"{end} by extension", {f"a.csv.{end}": data}, f"csv: {{ path: a.csv.{end} }}", ROWS) for end, data in PACKED.items()]
    + [csv(f"{end} by name", {"a.dat": data}, f"csv: {{ path: a.dat, compression: {NAMES[end]} }}", ROWS) for end, data in PACKED.items()]
    + [csv(f"{end} that ends in the middle", {f"a.csv.{end}": data[:-9]}, f"csv: {{ path: a.csv.{end} }}", error="corrupt_file")
       for end, data in PACKED.items()]
    + [csv(f"{end} on standard input by its first bytes", {}, 'csv: { path: "-" }', ROWS, stdin=data) for end, data in PACKED.items()]
    + [csv(f"{end} on standard input by name", {}, f'csv: {{ path: "-", compression: {NAMES[end]} }}', ROWS, stdin=data)
       for end, data in PACKED.items()]
    + [
        csv("standard input", {}, 'csv: { path: "-" }', ROWS, stdin=TEXT),
        csv("standard input of one byte less than a mark", {}, 'csv: { path: "-", header: false }', [["a"]], stdin=b"a"),
        csv("UTF-16 on standard input, packed", {}, 'csv: { path: "-" }', [[1, "ä"]],
            stdin=gzip.compress(b"\xff\xfe" + "a,b\n1,ä\n".encode("utf-16-le"))),
        csv("UTF-16 packed by extension", {"a.csv.gz": gzip.compress(b"\xfe\xff" + "a,b\n1,ä\n".encode("utf-16-be"))}, "csv: { path: a.csv.gz }",
            [[1, "ä"]]),
        csv("NDJSON on standard input", {}, 'ndjson: { path: "-" }', [[1]], stdin=gzip.compress(b'{"a":1}\n')),
        csv("two gzip members in one file", {"a.csv.gz": gzip.compress(b"a,b\n1,") + gzip.compress(b"2\n3,4\n")}, "csv: { path: a.csv.gz }",
            [[1, 2], [3, 4]]),
        csv("an empty packed file", {"a.csv.gz": gzip.compress(b"")}, "csv: { path: a.csv.gz }", error="empty_file"),
        csv("a glob in order of the paths", {"d/2.csv": "a\n2\n", "d/10.csv": "a\n10\n", "d/1.txt": "a\n1\n"}, "csv: { path: d/*.csv }", [[10], [2]]),
        csv("a folder with all below", {"d/b.csv": "a\n1\n", "d/x/a.csv.gz": gzip.compress(b"a\n2\n"), "d/.hidden.csv": "a\n3\n", "d/_tmp/c.csv": "a\n4\n",
            "d/read.me": "no"}, "csv: { path: d }", [[1], [2]]),
        csv("a list", {"b.csv": "a\n1\n", "a.csv": "a\n2\n"}, "csv: { path: [b.csv, a.csv, b.csv] }", [[1], [2]]),
        csv("nothing fits a glob", {}, "csv: { path: d/*.csv }", error="file_not_found"),
        csv("files with their columns in another order", {"1.csv": "a,b\n1,x\n", "2.csv": "b,a\ny,2\n"}, 'csv: { path: "?.csv" }', [[1, "x"], [2, "y"]]),
        csv("files with other columns", {"1.csv": "a,b\n1,x\n", "2.csv": "a,c\n1,x\n"}, 'csv: { path: "?.csv" }', error="different_columns"),
        csv("file and row of CSV", {"d/1.csv": "a\n5\n6\n", "d/2.csv": "a\n7\nx,y\n8\n"}, "csv: { path: d }\nmetadata: { _file: path, _row: row }",
            [[5, "d/1.csv", 1], [6, "d/1.csv", 2], [7, "d/2.csv", 1], [8, "d/2.csv", 3]], columns=["a", "_file", "_row"],
            rejects=[("d/2.csv:3", "too_many_fields", "")]),
        csv("file and row of NDJSON", {"d/1.ndjson": '{"a":5}\n\n{"a":6}\n', "d/2.ndjson": '{"a":7}\n'},
            "ndjson: { path: d }\nmetadata: { _file: path, _row: row }", [[5, "d/1.ndjson", 1], [6, "d/1.ndjson", 2], [7, "d/2.ndjson", 1]]),
    ]
)


class ManyFiles(FileCases):
    def test_places(self):
        self.run_cases(PLACES)

    def run_300_files(self, limits, source="csv", ending="csv", write=None):
        """Runs with soft and hard limits on open files."""
        (self.folder / "in").mkdir(exist_ok=True)
        for number in range(300):
            if write:
                write(f"in/{number:03}.{ending}", number)
            else:
                self.write(f"in/{number:03}.csv", f"id,name\n{number},n{number}\n")
        self.write("p.yaml", f"""version: 1
pipeline: many
rejects: {{ allow: 300 }}
extract:
  rows: {{ {source}: {{ path: "in/*.{ending}" }} }}
load:
  out: {{ from: rows, csv: {{ path: out.csv }} }}
""")
        return self.sluice("run", "p.yaml", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits))

    def test_more_files_than_may_be_open_at_first_are_read(self):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        done = self.run_300_files((100, most))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len((self.folder / "out.csv").read_text().splitlines()), 301)

    @unittest.skipIf("sanitize" in BINARY, "the checks of pointers open files themselves")
    def test_more_files_than_the_system_lets_be_open_are_read_one_after_the_other(self):
        done = self.run_300_files((100, 100))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len((self.folder / "out.csv").read_text().splitlines()), 301)

    @unittest.skipIf("sanitize" in BINARY, "the checks of pointers open files themselves")
    def test_files_of_every_format_are_open_only_while_they_are_read(self):
        """Those with a rejected record are looked into again, for its line."""
        def table(number):
            return pa.table({"id": [number], "name": [f"n{number}"]})

        def arrow(name, number):
            with pa.ipc.new_file(str(self.folder / name), table(number).schema) as out:
                out.write_table(table(number))

        def text(good, bad, pack=bytes):
            return lambda name, number: self.write(name, pack((good % (number, number) + bad).encode()))

        for source, ending, line, write in (
                ("parquet", "parquet", 0, lambda name, number: pa.parquet.write_table(table(number), self.folder / name)),
                ("ipc", "arrow", 0, arrow),
                ("ndjson", "ndjson", 2, text('{"id":%d,"name":"n%d"}\n', '{"id":\n')),
                ("csv", "csv", 3, text("id,name\n%d,n%d\n", "1,2,3\n")),
                ("ndjson", "ndjson.gz", 2, text('{"id":%d,"name":"n%d"}\n', '{"id":\n', gzip.compress))):
            with self.subTest(ending):
                done = self.run_300_files((60, 60), source, ending, write)
                self.assertEqual(done.returncode, 0, done.stderr)
                rows = (self.folder / "out.csv").read_text().splitlines()
                self.assertEqual(rows, ["id,name"] + [f"{number},n{number}" for number in range(300)])
                if line:
                    self.assertEqual(sorted(r["place"] for r in self.rejects()), [f"in/{n:03}.{ending}:{line}" for n in range(300)])

    def test_lines_of_many_rejects_are_found_without_reading_all_again_for_each(self):
        """Of packed files, of NDJSON and of standard input, which can be read only once."""
        rows = 60_000
        table = "a,b\r\n" + "".join(f'x,"{i}\n{i}"\r\n' if i % 2 else f"{i},y\r\n" for i in range(rows))
        records = "\n".join('{"a":"x"}\n' if i % 2 else '{"a":%d}' % i for i in range(rows)) + "\n"
        for source, text, lines in (("csv", table, [2 + i + i // 2 for i in range(rows) if i % 2]),
                                    ("ndjson", records, [1 + i + i // 2 for i in range(rows) if i % 2])):
            packed = gzip.compress(text.encode(), 1)
            for name, content in ((f"a.{source}.gz", packed), (f"a.{source}", text.encode()), ("-", text.encode()), ("-", packed)):
                with self.subTest(source, name=name):
                    self.write(name.replace("-", "stdin"), content)
                    self.write("p.yaml", f"version: 1\npipeline: p\nrejects: {{ allow: {rows} }}\nextract:\n  in:\n"
                                         f"    {source}: {{ path: \"{name}\" }}\n    types: {{ a: bigint }}\nload:\n  out: {{ from: in, blackhole: {{}} }}\n")
                    with open(self.folder / name.replace("-", "stdin"), "rb") as stdin:
                        done = self.sluice("run", "p.yaml", "-q", stdin=stdin)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual([r["place"] for r in self.rejects()], [f"{name}:{line}" for line in lines])

    def source_of(self, path, beside=""):
        return (f"extract:\n  in:\n    csv: {{ path: '{path}' }}\n{beside}load:\n  out: {{ from: in, ipc: {{ path: out.arrow }} }}\n")

    def test_a_link_to_a_folder_above_is_not_followed(self):
        self.write("d/a.csv", "a\n1\n")
        self.write("d/x/b.csv", "a\n2\n")
        self.write("other/c.csv", "a\n3\n")
        (self.folder / "d/x/loop").symlink_to("../../d")
        (self.folder / "d/x/self").symlink_to(".")
        (self.folder / "d/other").symlink_to("../other")
        self.write("/".join([str(self.folder / "d/deep")] + ["e"] * 70 + ["z.csv"]), "a\n4\n")
        for path in ("d", "d/**", "d/**/*.csv"):
            with self.subTest(path):
                self.run_text(self.source_of(path))
                with pa.ipc.open_file(self.folder / "out.arrow") as opened:
                    self.assertEqual(opened.read_all()["a"].to_pylist(), [1, 4, 3, 2])

    def test_a_link_to_nowhere_is_not_passed_over(self):
        self.write("d/b.csv", "a\n1\n")
        (self.folder / "d/a.csv").symlink_to("gone.csv")
        for path in ("d", "d/*.csv", "d/a.csv"):
            with self.subTest(path):
                error = self.run_text(self.source_of(path), 2)
                self.assertIn("error[file_not_found]", error)
                self.assertIn("d/a.csv is a symbolic link to gone.csv, which does not exist", error)

    def test_names_that_are_not_utf_8_are_no_texts(self):
        folder = os.fsencode(self.folder)
        os.makedirs(folder + b"/d/k=\xff")
        (self.folder / "a.csv").write_text("a\n1\n")
        os.rename(folder + b"/a.csv", folder + b"/d/\xff.csv")
        self.run_text(self.source_of("d"))
        self.assertIn("error[invalid_utf8]", self.run_text(self.source_of("d", "    metadata: { f: path }\n"), 1))
        self.parquet("a.parquet", a=[1])
        os.rename(folder + b"/a.parquet", folder + b"/d/k=\xff/a.parquet")
        text = "extract: { in: { parquet: { path: d }%s } }\nload: { out: { from: in, ipc: { path: out.arrow } } }\n"
        self.assertIn("error[invalid_utf8]", self.run_text(text % "", 1))
        self.run_text(text % ", columns: [a]")

    def run_text(self, text, expect=0):
        self.write("p.yaml", "version: 1\npipeline: files\n" + text)
        done = self.sluice("run", "p.yaml", "-q", "--fresh")
        self.assertEqual(done.returncode, expect, done.stderr)
        return done.stderr

    def test_compressed_output_by_extension(self):
        self.write("a.csv", TEXT)
        unpack = {"gz": gzip.decompress, "bz2": bz2.decompress,
                  "zst": lambda data: pa.input_stream(pa.py_buffer(data), compression="zstd").read(),
                  "lz4": lambda data: pa.input_stream(pa.py_buffer(data), compression="lz4").read()}
        for end, of in unpack.items():
            with self.subTest(end):
                self.run_text(f"extract: {{ in: {{ csv: {{ path: a.csv }} }} }}\nload:\n  c: {{ from: in, csv: {{ path: out.csv.{end} }} }}\n"
                              f"  n: {{ from: in, ndjson: {{ path: out.ndjson.{end} }} }}\n")
                self.assertEqual(of((self.folder / f"out.csv.{end}").read_bytes()), TEXT)
                lines = of((self.folder / f"out.ndjson.{end}").read_bytes()).splitlines()
                self.assertEqual([list(json.loads(line).values()) for line in lines], ROWS)

    def parquet(self, name, **columns):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pa.parquet.write_table(pa.table(columns), path)

    def read(self, source):
        self.run_text(f"extract:\n  in:\n    {source}\nload:\n  out: {{ from: in, ipc: {{ path: out.arrow }} }}\n")
        with pa.ipc.open_file(self.folder / "out.arrow") as opened:
            return opened.read_all()

    def test_partitioned_parquet(self):
        self.parquet("d/year=2023/city=K%C3%B6ln/1.parquet", a=[1, 2])
        self.parquet("d/year=2024/city=a%2Fb/1.parquet", a=[4])
        self.parquet("d/year=2024/city=__HIVE_DEFAULT_PARTITION__/1.parquet", a=[3])
        table = self.read("parquet: { path: d }")
        self.assertEqual(table.schema.names, ["a", "year", "city"])
        self.assertEqual(table.schema.field("year").type, pa.int64())
        self.assertEqual([list(row.values()) for row in table.to_pylist()], [[1, 2023, "Köln"], [2, 2023, "Köln"], [3, 2024, None], [4, 2024, "a/b"]])
        self.assertEqual(self.read("parquet: { path: 'd/**/*.parquet' }\n    columns: [year]").to_pydict(), {"year": [2023, 2023, 2024, 2024]})
        table = self.read("parquet: { path: d }\n    types: { year: text }")
        self.assertEqual(table["year"].to_pylist(), ["2023", "2023", "2024", "2024"])

    def test_partitions_by_day_and_with_leading_zeros(self):
        for month, day in (("01", "2024-01-31"), ("02", "2024-02-01")):
            self.parquet(f"d/month={month}/day={day}/x.parquet", a=[1])
        table = self.read("parquet: { path: d }")
        self.assertEqual([str(field.type) for field in table.schema], ["int64", "string", "date32[day]"])
        self.assertEqual(table["month"].to_pylist(), ["01", "02"])

    def test_a_file_without_its_partition(self):
        self.parquet("d/year=2023/1.parquet", a=[1])
        self.parquet("d/2.parquet", a=[2])
        error = self.run_text("extract: { in: { parquet: { path: d } } }\nload: { out: { from: in, ipc: { path: out.arrow } } }\n", expect=2)
        self.assertIn("error[different_columns]", error)
        self.assertIn("year", error)

    def test_columns_that_stand_in_file_and_path(self):
        self.parquet("d/year=2023/1.parquet", a=[1], year=[7])
        self.assertEqual(self.read("parquet: { path: d }").to_pydict(), {"a": [1], "year": [7]})

    def test_a_column_that_is_only_a_partition(self):
        self.parquet("d/year=2023/1.parquet", a=[1, 2])
        self.run_text("extract: { in: { parquet: { path: d } } }\ntransform: { t: { from: in, aggregate: { by: [year], compute: { n: count(*) } } } }\n"
                      "load: { out: { from: t, ndjson: { path: o.ndjson } } }\n")
        self.assertEqual((self.folder / "o.ndjson").read_text(), '{"year":2023,"n":2}\n')


if __name__ == "__main__":
    unittest.main()
