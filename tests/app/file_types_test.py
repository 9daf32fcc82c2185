"""json and map(K, V) in Parquet and Arrow files: other programs see the types, and they come back."""

import unittest

import pyarrow
import pyarrow.feather as feather
import pyarrow.parquet as parquet

from command_line import CommandLine

WRITE = """version: 1
pipeline: typed
extract:
  rows:
    ndjson: {{ path: in.ndjson }}
    types: {{ id: bigint, doc: json, sizes: "map(text, bigint)", deep: "struct(j json, m map(text, json))" }}
transform:
  picked: {{ from: rows, {pick} }}
load:
  out: {{ from: picked, {format}: {{ path: out.{format} }} }}
"""
READ = """version: 1
pipeline: back
extract:
  rows: {{ {format}: {{ path: out.{format} }} }}
load:
  out: {{ from: rows, ndjson: {{ path: back.ndjson }} }}
"""
ROWS = ('{"id":1,"doc":{"b":[1,2.50],"a":null},"sizes":{"x":1,"y":2},"deep":{"j":"text","m":{"k":[1]}}}\n'
        '{"id":2,"doc":null,"sizes":null,"deep":null}\n{"id":3,"doc":7,"sizes":{},"deep":{"j":null,"m":null}}\n')


class FileTypes(CommandLine):
    def go(self, text):
        self.write("p.yaml", text)
        done = self.sluice("run", "p.yaml", "-q")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_json_and_maps_are_types_of_files(self):
        self.write("in.ndjson", ROWS)
        for format in ("parquet", "ipc"):
            for pick in ("select: [id, doc, sizes, deep]", "select: [id, doc]"):  # nested, and by our own encoders
                with self.subTest(format=format, pick=pick):
                    self.go(WRITE.format(format=format, pick=pick))
                    path = self.folder / f"out.{format}"
                    schema = parquet.read_schema(path) if format == "parquet" else feather.read_table(path, memory_map=False).schema
                    self.assertEqual(schema.field("doc").type, pyarrow.json_())
                    if format == "parquet":
                        self.assertEqual(parquet.ParquetFile(path).schema.column(1).logical_type.type, "JSON")
                    if "sizes" in pick:
                        self.assertEqual(schema.field("sizes").type, pyarrow.map_(pyarrow.string(), pyarrow.int64()))
                        self.assertEqual(schema.field("deep").type.field("m").type, pyarrow.map_(pyarrow.string(), pyarrow.json_()))
                    self.go(READ.format(format=format))
                    expected = ROWS if "sizes" in pick else '{"id":1,"doc":{"b":[1,2.50],"a":null}}\n{"id":2,"doc":null}\n{"id":3,"doc":7}\n'
                    self.assertEqual((self.folder / "back.ndjson").read_text(), expected)

    def test_json_of_other_programs_is_json(self):
        table = pyarrow.table({"doc": pyarrow.array(['{"a":1}', None]).cast(pyarrow.json_())})
        parquet.write_table(table, self.folder / "out.parquet", store_schema=False)
        self.go(READ.format(format="parquet"))
        self.assertEqual((self.folder / "back.ndjson").read_text(), '{"doc":{"a":1}}\n{"doc":null}\n')


if __name__ == "__main__":
    unittest.main()
