"""The types json, uuid, varchar(n) and map on their way from files to files: what is kept, refused and written."""

import json
import unittest

from file_cases import Case, FileCases

NDJSON = ('{"j":{"b": 1,\t"a":[1.50,"x"]},"u":"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11","v":"abc","m":{"x":1,"y":null}}\n'
          '{"j":"text","u":null,"v":"äöü","m":{}}\n{"j":null}\n{"j":[ 1 , 2 ]}\n')
TYPES = 'types: { j: json, u: uuid, v: "varchar(3)", m: "map(text, bigint)" }'


class NestedTypes(FileCases):
    def load(self, source, files, transform="", sink="ndjson: { path: out.ndjson }", last="in", expect=0):
        for name, content in files.items():
            self.write(name, content)
        self.write("p.yaml", f"""version: 1
pipeline: nested
rejects: {{ allow: 100 }}
extract:
  in:
    {source}
{transform}
load:
  out: {{ from: {last}, {sink} }}
""")
        done = self.sluice("run", "p.yaml", "-q", "--fresh")
        self.assertEqual(done.returncode, expect, done.stderr)
        return done.stderr

    def lines(self):
        return [json.loads(line) for line in (self.folder / "out.ndjson").read_text().splitlines()]

    def test_json_maps_and_uuids_go_through_ndjson(self):
        self.load("ndjson: { path: a.ndjson }\n    " + TYPES, {"a.ndjson": NDJSON})
        self.assertEqual(self.lines(), [
            {"j": {"b": 1, "a": [1.5, "x"]}, "u": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "v": "abc", "m": {"x": 1, "y": None}},
            {"j": "text", "u": None, "v": "äöü", "m": {}},
            {"j": None, "u": None, "v": None, "m": None},
            {"j": [1, 2], "u": None, "v": None, "m": None}])
        # As it was written.
        self.assertIn('{"b": 1,\t"a":[1.50,"x"]}', (self.folder / "out.ndjson").read_text())

    def test_what_does_not_fit_is_rejected(self):
        self.run_cases([
            Case("uuid", {"a.ndjson": '{"u":"x"}\n{"u":"a0eebc999c0b4ef8bb6d6bb9bd380a11"}\n'}, "ndjson: { path: a.ndjson }\ntypes: { u: uuid }",
                 rows=[["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]], rejects=[("a.ndjson:1", "invalid_value", "u")], says=["expected uuid, found"]),
            Case("varchar", {"a.csv": "v\nabcd\näöü\n"}, 'csv: { path: a.csv }\ntypes: { v: "varchar(3)" }', rows=[["äöü"]],
                 rejects=[("a.csv:2", "invalid_value", "v")], says=["expected varchar(3)"]),
            Case("json in CSV", {"a.csv": 'j\n"{""a"":1}"\n{a}\n" [1, 2] "\n'}, "csv: { path: a.csv }\ntypes: { j: json }", rows=[['{"a":1}'], ["[1, 2]"]],
                 rejects=[("a.csv:3", "invalid_value", "j")], says=["expected json"]),
            Case("a map with a key twice", {"a.ndjson": '{"m":{"a":1,"a":2}}\n{"m":{"a":1}}\n'}, 'ndjson: { path: a.ndjson }\ntypes: { m: "map(text, bigint)" }',
                 rejects=[("a.ndjson:1", "duplicate_key", "a")]),
            Case("a map with keys that are no numbers", {"a.ndjson": '{"m":{"x":1}}\n{"m":{"7":1}}\n'},
                 'ndjson: { path: a.ndjson }\ntypes: { m: "map(integer, bigint)" }', rejects=[("a.ndjson:1", "invalid_value", "m[].key")]),
        ])

    def test_a_document_becomes_parents_and_children_by_its_json(self):
        self.load("ndjson: { path: a.ndjson }\n    types: { id: bigint, doc: json }",
                  {"a.ndjson": '{"id":1,"doc":{"items":[{"sku":"tea","qty":2},{"sku":"cup"}]}}\n{"id":2,"doc":{"items":[]}}\n'}, """
transform:
  items:
    from: in
    steps:
      - derive: { item: "json_array_elements(doc -> 'items')" }
      - unnest: { column: item, ordinality: line }
      - select: [id, line, { sku: "item ->> 'sku'" }, { qty: "(item -> 'qty')::integer" }, { whole: item }]
""", last="items")
        self.assertEqual(self.lines(), [{"id": 1, "line": 1, "sku": "tea", "qty": 2, "whole": {"sku": "tea", "qty": 2}},
                                        {"id": 1, "line": 2, "sku": "cup", "qty": None, "whole": {"sku": "cup"}}])

    def test_maps_are_looked_up_and_unnested(self):
        self.load("ndjson: { path: a.ndjson }\n    types: { id: bigint, m: 'map(text, bigint)' }", {"a.ndjson": '{"id":1,"m":{"x":5,"y":6}}\n{"id":2,"m":{}}\n'}, """
transform:
  found: { from: in, derive: { x: "m['x']", n: "cardinality(m)", j: "to_json(m)" } }
  rows: { from: found, unnest: { column: m, outer: true } }
""", last="rows")
        self.assertEqual(self.lines(), [{"id": 1, "key": "x", "value": 5, "x": 5, "n": 2, "j": {"x": 5, "y": 6}},
                                        {"id": 1, "key": "y", "value": 6, "x": 5, "n": 2, "j": {"x": 5, "y": 6}},
                                        {"id": 2, "key": None, "value": None, "x": None, "n": 0, "j": {}}])

    def test_maps_of_parquet_files_are_maps(self):
        import pyarrow as pa
        import pyarrow.parquet

        table = pa.table({"m": pa.array([[("a", 1), ("b", None)], [], None], pa.map_(pa.string(), pa.int64()))})
        pa.parquet.write_table(table, self.folder / "m.parquet")
        self.load("parquet: { path: m.parquet }", {})
        self.assertEqual(self.lines(), [{"m": {"a": 1, "b": None}}, {"m": {}}, {"m": None}])

    def test_a_sorted_and_joined_document_stays_a_document(self):
        self.load("ndjson: { path: a.ndjson }\n    types: { id: bigint, doc: json }", {"a.ndjson": '{"id":2,"doc":{"a":1}}\n{"id":1,"doc":[1]}\n'}, """
transform:
  more: { from: [in, in2], join: { how: left, using: [id] } }
  sorted: { from: more, sort: [id] }
""".replace("in2", "other").replace("transform:", "  other: { ndjson: { path: a.ndjson }, columns: [id] }\ntransform:"), last="sorted")
        self.assertEqual(self.lines(), [{"id": 1, "doc": [1]}, {"id": 2, "doc": {"a": 1}}])

    def test_json_is_no_text_and_says_so(self):
        text = self.load("ndjson: { path: a.ndjson }\n    types: { j: json }", {"a.ndjson": '{"j":{"a":1}}\n'},
                         "transform:\n  t: { from: in, derive: { x: \"upper(j)\", y: \"j = j\" } }\n", last="t", expect=2)
        self.assertIn("upper expects text, found json", text)
        self.assertIn("json values can't be compared", text)


if __name__ == "__main__":
    unittest.main()
