"""The demo: real data, bad records, three targets, and the numbers that a plain script got from the same files."""

import hashlib
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ["SLUICE_BINARY"]


class FlightsDemo(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.out = pathlib.Path(self.folder.name) / "out"
        self.environment = {**os.environ, "SLUICE_STATE": f"{self.folder.name}/state"}

    def tearDown(self):
        self.folder.cleanup()

    def sluice(self, *arguments, expect=0):
        done = subprocess.run([BINARY, *arguments], cwd=ROOT, env=self.environment, text=True, capture_output=True)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done

    def run_demo(self):
        return self.sluice("run", "examples/flights.yaml", "--set", f"out={self.out}")

    def contents(self):
        with sqlite3.connect(self.out / "flights.db") as database:
            table = database.execute("select * from delays order by 1, 2, 3, 4").fetchall()
        files = {name: hashlib.sha256((self.out / name).read_bytes()).hexdigest()
                 for name in ("report.csv", "flights.parquet")}
        return table, files

    def test_its_numbers_equal_those_of_a_plain_script(self):
        self.run_demo()
        subprocess.run([sys.executable, "tests/pipelines/flights_golden.py", "--compare", str(self.out)], cwd=ROOT,
                       check=True, capture_output=True)

    def test_a_second_run_gives_the_same_targets(self):
        self.run_demo()
        first = self.contents()
        self.run_demo()
        self.assertEqual(self.contents(), first)

    def test_the_bad_records_end_in_the_rejects_with_their_lines(self):
        done = self.run_demo()
        self.assertIn("7", done.stderr)
        rejects = self.sluice("rejects", "last").stdout
        source = (ROOT / "examples/data/flights_2013_01.csv").read_text().splitlines()
        bad = [number for number, line in enumerate(source, start=1)
               if any(mark in line for mark in ("eight", "surplus", "01-32", "733.5km", "99999999999999999999"))]
        bad += [number for number, line in enumerate(source, start=1) if line.startswith(("2013,1,3,1535,1540,-5,1720", '2013,1,30,"'))
                and line.count(",") < 10]
        self.assertEqual(len(bad), 7)
        for line in bad:
            self.assertRegex(rejects.replace(",", ""), rf"flights_2013_01\.csv\D+{line}\b")

    def test_nothing_but_the_targets_is_left(self):
        self.run_demo()
        self.assertEqual(sorted(path.name for path in self.out.iterdir()),
                         ["flights.db", "flights.parquet", "report.csv"])


if __name__ == "__main__":
    unittest.main()
