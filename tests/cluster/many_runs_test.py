"""A node with more runs than one answer may have: they are listed page by page."""

import contextlib
import json
import pathlib
import sqlite3
import tempfile
import unittest
import urllib.request

from command_line import CommandLine
from real_node import RealNode

RUNS = 2500
LITTLE = """version: 1
pipeline: little
extract: { numbers: { generate: { rows: 3, columns: { id: sequence } } } }
load: { nothing: { from: numbers, blackhole: {} } }
"""


class ManyRuns(CommandLine):
    def test_all_are_listed_from_afar_the_newest_first(self):
        self.write("little.yaml", LITTLE)
        node = RealNode(pathlib.Path(tempfile.mkdtemp(dir=self.folder)))
        self.addCleanup(node.stop)
        at = {"SLUICE_TO": node.address, "SLUICE_STATE": str(node.state)}
        self.assertEqual(self.sluice("submit", "little.yaml", "--wait", env=at).returncode, 0)
        # The record of that run many times over: what the Store would have after weeks.
        with contextlib.closing(sqlite3.connect(node.state / "sluice.db")) as database, database:
            columns = [row[1] for row in database.execute("PRAGMA table_info(runs)") if row[1] not in ("position", "id", "created")]
            database.executemany(f"INSERT INTO runs (id, created, {', '.join(columns)}) SELECT ?, created + ?, {', '.join(columns)} FROM runs LIMIT 1",
                                 [(f"made-{number:05}", number) for number in range(1, RUNS)])
        done = self.sluice("runs", "--limit", "10000", "--json", env=at)
        self.assertEqual(done.returncode, 0, done.stderr)
        listed = [run["id"] for run in json.loads(done.stdout)]
        self.assertEqual(listed[:-1], [f"made-{number:05}" for number in range(RUNS - 1, 0, -1)])
        done = self.sluice("runs", "--limit", "1500", "--states", "succeeded", "--states", "failed", "--json", env=at)
        self.assertEqual([run["id"] for run in json.loads(done.stdout)], listed[:1500])
        request = urllib.request.Request(f"{node.url}/v1/runs?limit=1000&after={listed[1999]}", headers={"Authorization": "Bearer " + node.token})
        with urllib.request.urlopen(request) as answer:
            page = json.load(answer)
        self.assertEqual([run["id"] for run in page["runs"]], listed[2000:])
        self.assertNotIn("next", page)


if __name__ == "__main__":
    unittest.main()
