"""Runs tables of small nasty files through the program: each case says what must come out of it."""

import dataclasses
import json
import re

import pyarrow as pa
import pyarrow.ipc

from command_line import CommandLine


@dataclasses.dataclass
class Case:
    """`files` are written first; `source` is what stands under `extract: in:`. `rows` (lists, one a row) and `types`
    are of the columns as they are loaded; `rejects` are (place, code, column) in order; `error` is a code and texts that
    stand in the message."""

    name: str
    files: dict
    source: str
    columns: list = None
    rows: list = None
    types: list = None
    rejects: list = ()
    error: str = None
    says: list = ()
    stdin: bytes = None
    set_null: int = 0


def type_text(kind):
    names = {"string": "text", "large_string": "text", "int64": "bigint", "uint64": "ubigint", "bool": "boolean", "date32[day]": "date",
             "timestamp[us]": "timestamp", "timestamp[us, tz=UTC]": "timestamptz", "time64[us]": "time", "binary": "bytea"}
    text = str(kind)
    return names.get(text, re.sub(r"decimal(128|256)\((\d+), (\d+)\)", r"decimal(\2,\3)", text))


class FileCases(CommandLine):
    def run_case(self, case):
        for name, content in case.files.items():
            self.write(name, content)
        source = "\n".join("    " + line for line in case.source.strip().splitlines())
        self.write("p.yaml", f"version: 1\npipeline: files\nrejects: {{ allow: 1000 }}\nextract:\n  in:\n{source}\n"
                             "load:\n  out: { from: in, ipc: { path: out.arrow } }\n")
        more = {}
        if case.stdin is not None:
            (self.folder / "stdin").write_bytes(case.stdin)
            more["stdin"] = self.enterContext(open(self.folder / "stdin", "rb"))
        done = self.sluice("run", "p.yaml", "-q", "--fresh", **more)
        if case.error:
            self.assertIn(done.returncode, (1, 2), done.stderr)
            self.assertIn(f"error[{case.error}]", done.stderr)
            for text in case.says:
                self.assertIn(text, done.stderr)
            self.assertFalse((self.folder / "out.arrow").exists(), "a failed run has left its output")
            return
        self.assertEqual(done.returncode, 0, done.stderr)
        with pa.ipc.open_file(self.folder / "out.arrow") as opened:
            table = opened.read_all()
        if case.columns is not None:
            self.assertEqual(table.column_names, case.columns)
        if case.types is not None:
            self.assertEqual([type_text(field.type) for field in table.schema], case.types)
        if case.rows is not None:
            self.assertEqual([list(row.values()) for row in table.to_pylist()], [list(row) for row in case.rows])
        rejects = self.rejects()
        self.assertEqual([(r["place"], r["code"], r["column"]) for r in rejects], list(case.rejects), rejects)
        for text in case.says:
            self.assertTrue(any(text in r["message"] or text in r["record"] for r in rejects), (text, rejects))
        if case.set_null:
            units = self.run_record()["summary"]["units"]
            self.assertEqual(sum(unit["set_null"] for unit in units), case.set_null)

    def rejects(self):
        done = self.sluice("rejects", "export", "last", "--format", "ndjson")
        self.assertEqual(done.returncode, 0, done.stderr)
        found = []
        for line in done.stdout.splitlines():
            one = json.loads(line)
            found.append({"place": f"{one.get('file')}:{one.get('line')}", "code": one["code"], "column": one.get("column", ""),
                          "message": one["message"], "record": str(one.get("record", ""))})
        return found

    def run_cases(self, cases):
        for case in cases:
            with self.subTest(case.name):
                for path in sorted(self.folder.rglob("*"), reverse=True):
                    if self.state not in path.parents and path != self.state:
                        path.rmdir() if path.is_dir() else path.unlink()
                self.run_case(case)
