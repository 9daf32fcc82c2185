"""A node repeats the commits of another process that has died, without being asked for anything."""

import os
import signal
import sqlite3
import unittest

from command_line import CommandLine, eventually
from two_nodes_test import Node

PIPELINE = """\
version: 1
pipeline: shop
extract:
  numbers:
    generate: { rows: 100, columns: { id: sequence } }
load:
  shop:
    from: numbers
    sqlite: { path: shop.db, table: numbers }
    mode: append
"""


class LostCommits(CommandLine):
    def test_while_it_is_idle(self):
        self.state.mkdir(mode=0o700)
        node = Node("n1", self.state)
        self.addCleanup(node.stop)
        self.write("p.yaml", PIPELINE)
        database = sqlite3.connect(self.folder / "shop.db", isolation_level=None)
        self.addCleanup(database.close)
        database.execute("CREATE TABLE other (x)")
        database.execute("BEGIN IMMEDIATE")
        run = self.start("run", "p.yaml")
        record = eventually(lambda: (found := self.run_record("last")) and found["state"] == "committing" and found, "a decision")
        run.kill()
        os.kill(record["pid"], signal.SIGKILL)
        database.execute("ROLLBACK")
        events = [event["type"] for event in node.events(record["id"])]
        self.assertEqual(events[-1], "run.succeeded")
        self.assertEqual(database.execute("SELECT count(*) FROM numbers").fetchall(), [(100,)])


if __name__ == "__main__":
    unittest.main()
