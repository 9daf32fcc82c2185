"""Files that shrink or are replaced while they are read: no row is cut, none is missing."""

import os
import subprocess
import unittest

from command_line import BINARY, CommandLine

ROWS = 400_000

PIPELINE = """\
version: 1
pipeline: changing
extract:
  in:
    SOURCE
    types: { id: bigint, s: text }
transform:
  slow: { from: in, derive: { h: "sha256(s || id::text)" } }
load:
  out: { from: slow, csv: { path: "-" } }
"""


class ChangingFiles(CommandLine):
    def read_while(self, name, source, change):
        """Runs a pipeline into a pipe, which stops it when it is full; then changes its file, and lets it go on."""
        self.write("p.yaml", PIPELINE.replace("SOURCE", source))
        run = subprocess.Popen([BINARY, "run", "p.yaml", "-q"], cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        self.started.append(run)
        self.assertEqual(run.stdout.read(5), b"id,s,")
        change(self.folder / name)
        out, error = run.communicate(timeout=60)
        return run.returncode, b"id,s," + out, error.decode()

    def assert_changed(self, came, *says):
        code, _, error = came
        self.assertEqual(code, 1, error)
        self.assertIn("error[source_changed]", error)
        for text in says:
            self.assertIn(text, error)

    def csv(self, letter):
        return "id,s\n" + "".join(f"{i},{letter * 60}\n" for i in range(ROWS))

    def ndjson(self, letter):
        return "".join(f'{{"id":{i},"s":"{letter * 60}"}}\n' for i in range(ROWS))

    def test_a_file_that_shrinks(self):
        for name, source, text in (("a.csv", "csv: { path: a.csv }", self.csv("x").encode()),
                                   ("a.ndjson", "ndjson: { path: a.ndjson }", self.ndjson("x").encode()),
                                   ("u.csv", "csv: { path: u.csv, encoding: utf-16le }", self.csv("x").encode("utf-16-le"))):
            with self.subTest(name):
                self.write(name, text)
                self.assert_changed(self.read_while(name, source, lambda path: os.truncate(path, path.stat().st_size - 400_017)),
                                    f"the file {name} had {len(text)} bytes", "while it was being read")

    def test_a_csv_file_that_is_replaced(self):
        def replace(path, content):
            (self.folder / "new").write_bytes(content)
            os.replace(self.folder / "new", path)

        # It goes on in the file that it has open.
        self.write("a.csv", self.csv("x"))
        code, out, error = self.read_while("a.csv", "csv: { path: a.csv }", lambda path: replace(path, self.csv("y").encode()))
        self.assertEqual(code, 0, error)
        rows = out.splitlines()
        self.assertEqual(len(rows), ROWS + 1)
        self.assertFalse(any(b"yyy" in row for row in rows))

    def test_a_file_that_grows_is_read_to_where_it_ended(self):
        def grow(path):
            with open(path, "a") as file:
                file.write(self.csv("z")[5:])

        self.write("a.csv", self.csv("x"))
        code, out, error = self.read_while("a.csv", "csv: { path: a.csv }", grow)
        self.assertEqual(code, 0, error)
        self.assertEqual(len(out.splitlines()), ROWS + 1)


if __name__ == "__main__":
    unittest.main()
