"""Hints of file sources, followed to the letter: what a message says to write must mend what it complains about."""

import gzip
import json
import os
import re
import unittest

from command_line import CommandLine


class HintsThatMend(CommandLine):
    def run_source(self, source, beside="", load="csv: { path: out.csv }"):
        self.write("p.yaml", f"version: 1\npipeline: mended\nextract:\n  in:\n    {source}\n{beside}load:\n  out: {{ from: in, {load} }}\n")
        return self.sluice("run", "p.yaml", "-q")

    def output(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        return (self.folder / "out.csv").read_text()

    def test_an_option_that_the_bytes_ask_for(self):
        text, record = "ä,b\n1,x\n", '{"ä":1,"b":"x"}\n'
        for option, turn in (("encoding: utf-16le", lambda t: t.encode("utf-16-le")), ("encoding: utf-16be", lambda t: t.encode("utf-16-be")),
                             ("encoding: latin-1", lambda t: t.encode("latin-1")), ("compression: gzip", lambda t: gzip.compress(t.encode()))):
            for component, content, code in (("csv", text, "invalid_header" if "latin" in option else "invalid_utf8"),
                                             ("ndjson", record, "invalid_json")):
                with self.subTest(option, component=component):
                    self.write("a.txt", turn(content))
                    if (component, option) == ("ndjson", "encoding: latin-1"):
                        continue  # a record of its own may be Latin-1: it goes to the rejects
                    error = self.assert_error(self.run_source(f"{component}: {{ path: a.txt }}"), code)
                    self.assertIn(option, error)
                    self.assertFalse((self.folder / "out.csv").exists())
                    self.assertEqual(self.output(self.run_source(f"{component}: {{ path: a.txt, {option} }}")), text)
                    (self.folder / "out.csv").unlink()

    def test_the_types_line_fits_every_name(self):
        names = ["a b", "a: b", "a.b", "a[0]", '"q"', "it's", "back\\slash", "two\nlines", "${x}", "$$", "{x}", "#x", "null", "-", "ä", "1.5", "x, y", ""]
        for component in ("csv", "ndjson"):
            for name in names:
                if (component, name) == ("csv", ""):
                    continue  # an empty name of a header is replaced
                with self.subTest(name, component=component):
                    values = ["foo" if i == 2_000 else i for i in range(8_000)]
                    if component == "csv":
                        quoted = name.replace('"', '""')
                        lines = [f'id,"{quoted}"'] + [f"{i},{value}" for i, value in enumerate(values)]
                    else:
                        lines = [json.dumps({"id": i, name: value}) for i, value in enumerate(values)]
                    self.write("a.txt", "\n".join(lines) + "\n")
                    source = f"{component}: {{ path: a.txt }}\n    sample: 60"
                    error = self.assert_error(self.run_source(source), "contradicts_type", 1)
                    line = re.search(r": (types: \{.*\})$", error, re.M)
                    self.assertTrue(line, error)
                    self.assertEqual(self.output(self.run_source(f"{source}\n    {line[1]}")).count("foo"), 1)

    def test_a_watermark_that_is_no_double(self):
        self.write("a.csv", "a\n1.5\n2.25\n")
        source, beside, load = "csv: { path: a.csv }", "    incremental: { by: column, column: a }\n", "mode: append, csv: { path: out.csv }"
        error = self.assert_error(self.run_source(source, beside, load), "invalid_watermark")
        line = re.search(r'types: \{ a: "[^"]*" \}|types: \{ a: [^ ]* \}', error)[0]
        self.assertEqual(self.output(self.run_source(source, f"{beside}    {line}\n", load)), "a\n1.500000000\n2.250000000\n")

    def test_headers_that_can_be_no_names(self):
        self.write("a.csv", b"a,b\0\n1,2\n")
        self.assertIn("header: [id, name], skip_rows: 1", self.assert_error(self.run_source("csv: { path: a.csv }"), "invalid_header"))
        self.assertEqual(self.output(self.run_source("csv: { path: a.csv, header: [id, name], skip_rows: 1 }")), "id,name\n1,2\n")

    def test_json_that_is_not_one_object_a_line(self):
        self.write("a.json", '{\n  "a": 1\n}\n')
        error = self.assert_error(self.run_source("ndjson: { path: a.json }"), "invalid_json")
        self.assertIn("none of 3 lines in the sample of a.json is a JSON object; the first one is: {", error)
        self.assertIn("json: { path: ... }", error)
        self.assertEqual(self.output(self.run_source("json: { path: a.json }")), "a\n1\n")
        self.write("a.json", '[{"a": 1}, {"a": 2}]\n')
        self.assertIn("json: { path: ... }", self.assert_error(self.run_source("ndjson: { path: a.json }"), "invalid_json"))
        self.assertEqual(self.output(self.run_source("json: { path: a.json }")), "a\n1\n2\n")

    def test_files_of_no_records(self):
        self.write("in/1.csv", "")
        self.write("in/2.csv", "1,x\n")
        self.assertEqual(self.output(self.run_source("csv: { path: in/, header: false }")), "column_1,column_2\n1,x\n")
        (self.folder / "in/2.csv").unlink()
        error = self.assert_error(self.run_source("csv: { path: in/, header: false }"), "empty_file")
        self.assertIn("header: [id, name]", error)
        self.assertEqual(self.output(self.run_source("csv: { path: in/, header: [id, name] }")), "id,name\n")
        self.write("in/2.csv", "a,b\n1,x\n")
        self.assertEqual(self.output(self.run_source("csv: { path: in/ }")), "a,b\n1,x\n")
        self.assertEqual(self.output(self.run_source("csv: { path: in/ }", "    contract: freeze\n")), "a,b\n1,x\n")
        (self.folder / "in/2.csv").unlink()
        self.assertIn("in/1.csv is empty", self.assert_error(self.run_source("csv: { path: in/ }"), "empty_file"))

    def test_a_pipe_is_read_as_standard_input(self):
        os.mkfifo(self.folder / "pipe.csv")
        self.assertIn('path: "-"', self.assert_error(self.run_source("csv: { path: pipe.csv }"), "not_seekable"))

    def test_a_frozen_contract_is_reset_by_the_command_that_is_shown(self):
        source, beside = "ndjson: { path: a.ndjson }", "    contract: freeze\n"
        self.write("a.ndjson", '{"a":1}\n')
        self.output(self.run_source(source, beside))
        self.write("a.ndjson", '{"a":1,"b":2}\n')
        error = self.assert_error(self.run_source(source, beside), "schema_changed")
        self.assertIn("sluice state reset mended --unit in --schema", error)
        self.assertEqual(self.sluice("state", "reset", "mended", "--unit", "in", "--schema", "--yes").returncode, 0)
        self.assertEqual(self.output(self.run_source(source, beside)), "a,b\n1,2\n")
        # A field that is in no record of the sample needs a type as well.
        lines = ['{"a":1,"b":2}\n'] * 200_000
        lines[50_000] = '{"a":1,"b":2,"c":3}\n'
        self.write("a.ndjson", "".join(lines))
        error = self.assert_error(self.run_source(source, beside), "schema_changed", 1)
        self.assertIn("types: { c: text }", error)
        self.assertIn("sluice state reset mended --unit in --schema", error)
        self.sluice("state", "reset", "mended", "--unit", "in", "--schema", "--yes")
        self.assertIn("\n1,2,3\n", self.output(self.run_source(source, beside + "    types: { c: text }\n")))

    def test_what_was_taken_is_forgotten_by_the_command_that_is_shown(self):
        source, beside, load = "csv: { path: a.csv }", "    incremental: { by: file }\n", "mode: append, csv: { path: out.csv }"
        self.write("a.csv", "a\n1\n")
        self.output(self.run_source(source, beside, load))
        self.write("a.csv", "a\n2\n")
        error = self.assert_error(self.run_source(source, beside, load), "file_changed")
        by_column = "    incremental: { by: column, column: a }\n"
        for told in (error, self.assert_error(self.run_source(source, by_column, load), "state_mismatch")):
            self.assertIn("sluice state reset mended --unit in\n", told)
        self.assertEqual(self.sluice("state", "reset", "mended", "--unit", "in", "--yes").returncode, 0)
        self.assertEqual(self.output(self.run_source(source, beside, load)), "a\n1\n2\n")


if __name__ == "__main__":
    unittest.main()
