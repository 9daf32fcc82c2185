"""JSON documents as files: what comes in, where faults are said to be, and how much memory it takes."""

import gzip
import json
import os
import random
import subprocess
import unittest

from command_line import BINARY
from file_cases import Case, FileCases


def doc(name, content, rows=None, options="", beside="", **more):
    """A case of one file a.json."""
    inner = "path: a.json" + (", " + options if options else "")
    return Case(name, {"a.json": content}, f"json: {{ {inner} }}\n{beside}", rows=rows, **more)


PRETTY = '{\n  "page": {"of": 3, "items": [9]},\n  "items": [\n    {\n      "id": 1,\n      "name": "a\\nb"\n    },\n    {"id": 2, "name": null}\n  ],\n  "items_end": true\n}\n'

READ = [
    doc("a list is read element by element", '[{"a":1},{"a":2}]', [[1], [2]]),
    doc("a document is a row", '{"a":1,"b":{"c":[1,2]}}', [[1, {"c": [1, 2]}]]),
    doc("documents behind each other", '{"a":1}\n{"a":\n2}\n\n [{"a":3}]', [[1], [2], [3]]),
    doc("the path leads to the rows", PRETTY, [[1, "a\nb"], [2, None]], 'rows: "items[*]"'),
    doc("the path may begin with a dollar sign", PRETTY, [[1, "a\nb"], [2, None]], 'rows: "$.items[*]"'),
    doc("several stars", '{"o":[{"i":[{"a":1},{"a":2}]},{"i":[]},{"i":null},{},{"i":[{"a":3}]}]}', [[1], [2], [3]], 'rows: "o[*].i[*]"'),
    doc("one element", '[{"p":[{"a":1}]},{"p":[{"a":2}]},{"p":[{"a":3}]}]', [[2]], 'rows: "[1].p[*]"'),
    doc("names in brackets", '{"a b":{"c.d":[{"x":1}]}}', [[1]], "rows: '[\"a b\"][\"c.d\"][*]'"),
    doc("escaped keys", '{"it\\u0065ms":[{"x":1}]}', [[1]], 'rows: "items[*]"'),
    doc("an object on the path is one row", '{"meta":{"n":7},"x":1}', [[7]], "rows: meta"),
    doc("an empty list has no rows", '{"items":[]}', [], 'rows: "items[*]"', beside="types: { a: bigint }"),
    doc("brackets and quotes in texts", '[{"a":"]}\\\\"},{"a":"\\"[{"}]', [["]}\\"], ['"[{']]),
    doc("a mark of UTF-8 in front", b'\xef\xbb\xbf[{"a":1}]'.decode(), [[1]]),
    doc("tabs and CRLF", '[\r\n\t{\r\n\t"a"\t:\r\n1}\r\n,{"a":2}\r\n]\r\n', [[1], [2]]),
    doc("given types", '[{"a":"1.50"},{"a":2}]', [["1.50"], ["2"]], beside="types: { a: text }"),
    doc("elements that are no objects are rejected at their line", '[{"a":1},\n 3,\n "x",\n {"a":4}]', [[1], [4]],
        rejects=[("a.json:2", "invalid_json", ""), ("a.json:3", "invalid_json", "")], says=["expected an object, found 3"]),
    doc("a broken row is rejected at the line where it begins", '[{"a":1},\n{\n"a":2x},\n{"a":3}]', [[1], [3]],
        rejects=[("a.json:2", "invalid_json", "")]),
    doc("a raw newline in a text is a fault of its row", '[{"a":"x\ny"},\n{"a":"z"}]', [["z"]], rejects=[("a.json:1", "invalid_json", "")]),
    doc("values that do not fit are rejected", '[{"a":1},\n{"a":"x"}]', [[1]], beside="types: { a: bigint }",
        rejects=[("a.json:2", "invalid_value", "a")]),
]

REFUSED = [
    doc("truncated", '{"items":[{"a":1},\n{"a":2}', options='rows: "items[*]"', error="invalid_json", says=["ends inside of a document at line 2"]),
    doc("truncated inside of a row", '[{"a":1},\n{"a":', error="invalid_json", says=["truncated"], beside="types: { a: bigint }"),
    doc("a missing comma", '[{"a":1}\n{"a":2}]', error="invalid_json", says=["at line 2, column 1: expected a comma or ]"]),
    doc("brackets that do not match", '[{"a":[1}},{"a":2}]', error="invalid_json", says=["expected a comma or ]"], beside='types: { a: "bigint[]" }'),
    doc("a missing colon", '{"items" [{"a":1}]}', options='rows: "items[*]"', error="invalid_json", says=["line 1, column 10: expected a colon"]),
    doc("nothing at the path", '{"item":[{"a":1}]}', options='rows: "items[*]"', error="rows_not_found",
        says=["nothing at $.items[*]", "did you mean item?"]),
    doc("an object instead of a list", '{"items":{"a":1}}', options='rows: "items[*]"', error="rows_not_found",
        says=["expected a list at $.items, found an object"]),
    doc("a list instead of an object", '{"data":[{"items":[]}]}', options='rows: "data.items[*]"', error="rows_not_found",
        says=["expected an object at $.data, found a list", "$.data[*]"]),
    doc("text instead of a list", '{"items":"x"}', options='rows: "items[*]"', error="rows_not_found", says=["found a text"]),
    doc("a path that is none", "[]", options='rows: "items[*"', error="invalid_option", says=["expected ] in the path"]),
    doc("no objects", "[1,2]", error="invalid_json", says=["is an object"]),
    doc("an empty file", "", error="empty_source"),
]


class JsonDocuments(FileCases):
    def test_documents_that_are_read(self):
        self.run_cases(READ)

    def test_documents_that_are_refused(self):
        self.run_cases(REFUSED)

    def test_rows_of_every_size_come_through_whatever_the_blocks(self):
        rng = random.Random(1)
        rows = [{"id": n, "text": "x" * rng.choice([0, 1, 17, 5000, 70_000]), "deep": [{"k": [1, 2]}] * rng.choice([0, 1, 50])} for n in range(2000)]
        document = {"before": ["y" * 300_000, {"items": 1}], "items": rows, "after": "z" * 300_000}
        for indent in (None, 2):
            for pack in (False, True):
                with self.subTest(indent=indent, pack=pack):
                    text = json.dumps(document, indent=indent).encode()
                    name = "a.json.gz" if pack else "a.json"
                    (self.folder / name).write_bytes(gzip.compress(text, 1) if pack else text)
                    self.write("p.yaml", f"""version: 1
pipeline: sizes
extract:
  in: {{ json: {{ path: {name}, rows: "items[*]" }} }}
load:
  out: {{ from: in, ndjson: {{ path: out.ndjson }} }}
""")
                    done = self.sluice("run", "p.yaml", "-q", "--fresh")
                    self.assertEqual(done.returncode, 0, done.stderr)
                    got = [json.loads(line) for line in (self.folder / "out.ndjson").read_text().splitlines()]
                    self.assertEqual(got, rows)

    def test_standard_input_is_read_and_its_lines_are_known(self):
        self.run_case(Case("standard input", {}, 'json: { path: "-", rows: "items[*]" }\ntypes: { a: bigint }',
                           rows=[[1]], stdin=b'{\n"items": [\n{"a":1},\n{"a":"x"}]}', rejects=[("-:4", "invalid_value", "a")]))

    def test_a_document_larger_than_memory_is_read(self):
        # 200 MB in a run of 64 MiB: the list is never held.
        line = '{"id": %d, "text": "' + "t" * 900 + '"}'
        with open(self.folder / "a.json", "w") as out:
            out.write('{"items": [\n')
            for n in range(220_000):
                out.write((",\n" if n else "") + line % n)
            out.write("\n]}\n")
        self.write("p.yaml", """version: 1
pipeline: large
run: { memory: 64MiB }
extract:
  in: { json: { path: a.json, rows: "items[*]" } }
transform:
  sums: { from: in, aggregate: { by: [], compute: { rows: "count(*)", ids: "sum(id)", bytes: "sum(length(text))" } } }
load:
  out: { from: sums, ndjson: { path: out.ndjson } }
""")
        process = subprocess.Popen([BINARY, "run", "p.yaml", "-q"], cwd=self.folder, env=self.environment(), stderr=subprocess.PIPE)
        _, status, used = os.wait4(process.pid, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0, process.stderr.read())
        process.stderr.close()
        process.returncode = 0
        self.assertEqual(json.loads((self.folder / "out.ndjson").read_text()), {"rows": 220_000, "ids": 220_000 * 219_999 // 2, "bytes": 220_000 * 900})
        self.assertLess(used.ru_maxrss, 200 * 1024)

    def test_preview_tells_documents_from_lines(self):
        for name, content, component in (("a.json", PRETTY, "json"), ("b.json", '{"a":1}\n{"a":2}\n', "ndjson"), ("c.json", "[\n{}]", "json"),
                                         ("d", '[{"a":1}]', "json"), ("e", '{\n"a":1}', "json")):
            with self.subTest(name):
                self.write(name, content)
                done = self.sluice("preview", name, "--yaml")
                self.assertIn(f"{component}: {{ path:", done.stdout, done.stderr)


if __name__ == "__main__":
    unittest.main()
