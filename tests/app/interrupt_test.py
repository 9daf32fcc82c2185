"""Ctrl-C ends a run soon although it waits for others: a database that is locked, a pipe that nobody reads."""

import os
import sqlite3
import subprocess
import unittest

from command_line import BINARY, SIGINT, CommandLine, eventually

TABLE = """\
version: 1
pipeline: shop
extract:
  numbers:
    generate: { rows: 100, columns: { id: sequence } }
load:
  shop:
    from: numbers
    sqlite: { path: shop.db, table: numbers }
    mode: MODE
"""

PIPE = """\
version: 1
pipeline: shown
extract:
  numbers:
    generate: { rows: 10000000, columns: { id: sequence } }
load:
  shown:
    from: numbers
    OUT
"""


class Interrupt(CommandLine):
    def locked(self):
        database = sqlite3.connect(self.folder / "shop.db", isolation_level=None)
        self.addCleanup(database.close)
        database.execute("CREATE TABLE IF NOT EXISTS other (x)")
        return database

    def state_of(self, wanted):
        eventually(lambda: (self.run_record("last") or {}).get("state") == wanted, f"a run that is {wanted}")

    def test_a_commit_that_waits_for_a_lock(self):
        self.write("p.yaml", TABLE.replace("MODE", "append"))
        database = self.locked()
        database.execute("BEGIN IMMEDIATE")
        run = self.start("run", "p.yaml")
        self.state_of("committing")
        run.send_signal(SIGINT)
        code, _, err = self.end_of(run)
        # The run has decided to commit: the next one does it.
        self.assertEqual(code, 4, err)
        self.assertIn("error[commit_unfinished]", err)
        self.assertIn("waiting for the database", err)
        database.execute("ROLLBACK")
        self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
        self.assertEqual(database.execute("SELECT count(*) FROM numbers").fetchall(), [(200,)])

    def test_a_table_that_can_not_be_looked_at(self):
        self.write("p.yaml", TABLE.replace("MODE", "replace"))
        self.locked().execute("BEGIN EXCLUSIVE")
        run = self.start("run", "p.yaml")
        self.state_of("starting")
        run.send_signal(SIGINT)
        code, _, err = self.end_of(run)
        self.assertEqual(code, 130, err)
        self.assertEqual(self.run_record("last")["state"], "cancelled")
        self.assertEqual(self.names(), ["p.yaml", "shop.db"])

    def full_pipe(self, out, open_ends):
        """Starts a run that writes to a pipe, waits until the pipe is full, and stops the run."""
        self.write("p.yaml", PIPE.replace("OUT", out))
        reader, writer = open_ends()
        run = subprocess.Popen([BINARY, "run", "p.yaml"], cwd=self.folder, env=self.environment(), text=True,
                               stdin=subprocess.DEVNULL, stdout=writer, stderr=subprocess.PIPE)
        self.started.append(run)
        self.running("shown")
        run.send_signal(SIGINT)
        _, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 130, err)
        self.assertNotIn("kill", err.replace("press Ctrl-C again to kill", ""))
        self.assertEqual(self.run_record("last")["state"], "cancelled")
        os.close(reader)

    def test_standard_output_that_nobody_reads(self):
        def ends():
            reader, writer = os.pipe()
            self.addCleanup(os.close, writer)
            return reader, writer

        self.full_pipe("stdout: { format: csv }", ends)

    def test_a_named_pipe_that_nobody_reads(self):
        os.mkfifo(self.folder / "pipe")
        self.full_pipe("csv: { path: pipe }", lambda: (os.open(self.folder / "pipe", os.O_RDONLY | os.O_NONBLOCK),
                                                       subprocess.DEVNULL))

    def test_a_named_pipe_that_nobody_has_opened(self):
        os.mkfifo(self.folder / "pipe")
        self.write("p.yaml", PIPE.replace("OUT", "csv: { path: pipe }"))
        run = self.start("run", "p.yaml")
        self.state_of("starting")
        run.send_signal(SIGINT)
        self.assertEqual(self.end_of(run)[0], 130)
        self.assertEqual(self.run_record("last")["state"], "cancelled")


if __name__ == "__main__":
    unittest.main()
