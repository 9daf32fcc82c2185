"""A quote that never closes, or only by chance, is no reject for half of a file: it fails the run and says where."""

import gzip
import os
import subprocess
import unittest

from command_line import BINARY, CommandLine

PIPELINE = """\
version: 1
pipeline: quotes
rejects: { allow: 10, fail_above: "1%" }
extract:
  in: { csv: { path: PATH } }
load:
  out: { from: in, csv: { path: out.csv } }
"""


class OpenQuotes(CommandLine):
    def run_path(self, path, source=None, **more):
        self.write("p.yaml", PIPELINE.replace("PATH", path) if source is None else PIPELINE.replace("csv: { path: PATH }", source))
        return self.sluice("run", "p.yaml", "-q", **more)

    def assert_unclosed(self, done, *says):
        error = self.assert_error(done, "unclosed_quote", 1)
        for text in says:
            self.assertIn(text, error)
        self.assertFalse((self.folder / "out.csv").exists())

    def test_small_files_of_every_kind(self):
        text = "a,b\n1,x\n2,\"y\n3,z\n4,w\n"
        says = ("line 3: the quote at the start of field 2 (b) is never closed; it swallows 2 more lines (11 bytes)", "close the quote", 'quote: ""')
        self.write("a.csv", text)
        self.assert_unclosed(self.run_path("a.csv"), "a.csv " + says[0], *says[1:])
        self.write("in/a.csv", text)
        self.write("in/b.csv", "a,b\n1,x\n")
        self.assert_unclosed(self.run_path("in/"), "in/a.csv " + says[0])
        self.write("a.csv.gz", gzip.compress(text.encode()))
        self.assert_unclosed(self.run_path("a.csv.gz"), "a.csv.gz " + says[0])
        self.write("u.csv", b"\xff\xfe" + text.encode("utf-16-le"))
        self.assert_unclosed(self.run_path("u.csv"), "u.csv " + says[0])
        self.write("stdin", text)
        with open(self.folder / "stdin", "rb") as stdin:
            self.assert_unclosed(self.run_path('"-"', stdin=stdin), says[0])
        # Lines above the header and comments have no quotes.
        self.write("c.csv", 'of "today\na,b\n# it\'s "odd\n1,x\n')
        self.assertEqual(self.run_path("", 'csv: { path: c.csv, skip_rows: 1, comment: "#" }').returncode, 0)
        (self.folder / "out.csv").unlink()
        # Whatever on_error says, and where nobody reads the column.
        for beside in ("on_error: set_null", "on_error: fail", "columns: [a]"):
            self.assert_unclosed(self.run_path("", f"csv: {{ path: a.csv }}, {beside}"), "line 3")
        error = self.sluice("preview", "a.csv")
        self.assertIn("is never closed", error.stderr)

    def test_a_late_quote_in_a_large_file_is_found_in_little_memory(self):
        # Written piece by piece: what this process holds would count as the peak of the one that it starts.
        with open(self.folder / "a.csv", "wb") as plain, gzip.open(self.folder / "a.csv.gz", "wb", 1) as packed:
            for piece in range(51):
                lines = "".join(f"{i},some text,more text\n" for i in range(100_000)) if piece != 10 else '7,"open,x\n'
                for out in (plain, packed):
                    out.write((("id,b,c\n" if piece == 0 else "") + lines).encode())
        for path in ("a.csv", "a.csv.gz"):
            self.write("p.yaml", PIPELINE.replace("PATH", path) + "run: { memory: 64MiB }\n")
            process = subprocess.Popen([BINARY, "run", "p.yaml", "-q"], cwd=self.folder, env=self.environment(), stderr=subprocess.PIPE, text=True)
            error = process.stderr.read()
            process.stderr.close()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 1, error)
            self.assertIn(f"{path} line 1000002: the quote at the start of field 2 (b) is never closed; it swallows 4000000 more lines", error)
            self.assertLess(usage.ru_maxrss, (64 * 1.3 + 160) * 1024)

    def test_a_quote_that_closes_by_chance(self):
        lines = [f"{i},x,y" for i in range(20_000)]
        lines[5_000], lines[15_000] = '5000,"x,y', '15000,"x",y'
        self.write("a.csv", "a,b,c\n" + "\n".join(lines) + "\n")
        error = self.assert_error(self.run_path("a.csv"), "runaway_quote", 1)
        self.assertRegex(error, r"a\.csv line 5002: .*10000 lines that look like separate records")

    def test_a_quote_that_closes_by_chance_so_that_all_is_one_record(self):
        lines = [f"{i},x,y" for i in range(100)]
        lines[50], lines[60] = '50,"5 inch,y', '60,6 inch",y'
        self.write("a.csv", "a,b,c\n" + "\n".join(lines) + "\n")
        self.write("p.yaml", PIPELINE.replace("PATH", "a.csv"))
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("warning[lines_in_quotes]", done.stderr)
        self.assertRegex(done.stderr, r"line 52 of a\.csv .* (9|10) of them")
        self.assertIn("lines_in_quotes", self.sluice("preview", "a.csv").stderr)
        # What is in quotes for good has no lines like the file's own, or one at most.
        lines[50], lines[60] = '50,"a, b\nand c\nd,e,f",y', '60,6,y'
        self.write("a.csv", "a,b,c\n" + "\n".join(lines) + "\n")
        self.assertNotIn("lines_in_quotes", self.sluice("run", "p.yaml").stderr)

    def test_ndjson_loses_one_line_to_a_string_that_never_closes(self):
        lines = [f'{{"a":{i},"b":"x"}}' for i in range(1_000)]
        lines[500], lines[600] = '{"a":500,"b":"x', '{"a":[1,2,"b":"x"}'
        self.write("a.ndjson", "\n".join(lines) + "\n")
        done = self.run_path("", "ndjson: { path: a.ndjson }")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len((self.folder / "out.csv").read_text().splitlines()), 999)


if __name__ == "__main__":
    unittest.main()
