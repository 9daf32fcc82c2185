"""Rows of standard input that go to standard output are there as soon as their line is."""

import os
import select
import subprocess
import unittest

from command_line import BINARY, PATIENCE, CommandLine

PIPELINE = """\
version: 1
pipeline: live
extract:
  lines:
    SOURCE
transform:
  seen: { from: lines, derive: { twice: "n * 2" } }
load:
  out: { from: seen, SINK }
"""
SOURCES = {
    "ndjson": ("", lambda n: f'{{"n": {n}}}\n'),
    "csv": ("n,name\n", lambda n: f"{n},x{n}\n"),
}


class LiveInput(CommandLine):
    def begin(self, source, sink):
        self.state = self.folder / f"state{len(self.started)}"
        self.write("p.yaml", PIPELINE.replace("SOURCE", source).replace("SINK", sink))
        process = subprocess.Popen([BINARY, "run", "p.yaml", "--progress", "none"], cwd=self.folder, env=self.environment(),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.started.append(process)
        return process

    def line_from(self, process):
        """The next line of the output; waits until it is there."""
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
            self.assertTrue(ready, "no row came")
            byte = os.read(process.stdout.fileno(), 1)
            self.assertTrue(byte, process.stderr.read() if process.poll() is not None else "the output ended")
            line += byte
        return line.decode()

    def test_each_row_comes_before_the_next_line_is_there(self):
        for format, (head, line) in SOURCES.items():
            for types in ("", "\n    types: { n: bigint }"):
                for sink in ('ndjson: { path: "-" }', "stdout: { format: ndjson }", "stdout: { format: csv }",
                             'csv: { path: "-" }'):
                    with self.subTest(format=format, types=bool(types), sink=sink):
                        process = self.begin(f'{format}: {{ path: "-" }}{types}', sink)
                        self.addCleanup(process.kill)
                        process.stdin.write(head.encode())
                        for n in range(1, 6):
                            process.stdin.write(line(n).encode())
                            process.stdin.flush()
                            if n == 1 and "csv" in sink:
                                self.assertTrue(self.line_from(process).startswith("n,"))
                            self.assertIn(str(2 * n), self.line_from(process))
                        process.stdin.close()
                        process.stdin = None
                        self.assertEqual(process.wait(timeout=PATIENCE), 0, process.stderr.read())

    def test_a_line_that_comes_in_pieces_is_one_row(self):
        process = self.begin('ndjson: { path: "-" }\n    types: { n: bigint }', 'ndjson: { path: "-" }')
        for piece in ('{"n": 1}\n{"n"', ': 2', '2}\n'):
            process.stdin.write(piece.encode())
            process.stdin.flush()
        self.assertIn('"twice":2', self.line_from(process).replace(" ", ""))
        self.assertIn('"twice":44', self.line_from(process).replace(" ", ""))
        process.stdin.close()
        process.stdin = None
        self.assertEqual(process.wait(timeout=PATIENCE), 0)

    def test_a_run_into_a_file_takes_all_of_the_sample(self):
        # What is inferred must not depend on when the lines come: the second one says that n is decimal.
        process = self.begin('ndjson: { path: "-" }', "ndjson: { path: out.ndjson }")
        process.stdin.write(b'{"n": 1}\n')
        process.stdin.flush()
        process.stdin.write(b'{"n": 1.5}\n')
        process.stdin.close()
        process.stdin = None
        self.assertEqual(process.wait(timeout=PATIENCE), 0, process.stderr.read())
        self.assertIn("1.5", (self.folder / "out.ndjson").read_text())


if __name__ == "__main__":
    unittest.main()
