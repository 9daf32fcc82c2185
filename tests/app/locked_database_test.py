#!/usr/bin/env python3
"""A SQLite database that another program writes to while a run wants to publish in it."""

import sqlite3
import unittest

from command_line import CommandLine, eventually


class LockedDatabase(CommandLine):
    def setUp(self):
        super().setUp()
        self.write("in.csv", "a\n1\n")
        self.write("p.yaml", "version: 1\npipeline: locked\nextract: { in: { csv: { path: in.csv } } }\n"
                             "load: { out: { from: in, sqlite: { path: a.db, table: t }, mode: append } }\n")
        self.other = sqlite3.connect(self.folder / "a.db", isolation_level=None)
        self.addCleanup(self.other.close)
        self.other.execute("create table t (a integer)")
        self.other.execute("begin immediate")
        self.other.execute("insert into t values (100)")

    def begin_run(self):
        process = self.start("run", "p.yaml", "--progress", "none")
        eventually(lambda: (self.run_record() or {}).get("state") == "committing", "a run that wants to publish")
        return process

    def test_the_run_waits_and_no_row_of_either_is_lost(self):
        process = self.begin_run()
        self.other.execute("commit")
        code, _, error = self.end_of(process)
        self.assertEqual(code, 0, error)
        self.assertEqual(sorted(self.other.execute("select a from t")), [(1,), (100,)])
        self.assertEqual(self.names(), ["a.db", "in.csv", "p.yaml"])

    def test_what_the_other_takes_back_is_not_published(self):
        process = self.begin_run()
        self.other.execute("rollback")
        self.assertEqual(self.end_of(process)[0], 0)
        self.assertEqual(self.other.execute("select a from t").fetchall(), [(1,)])


if __name__ == "__main__":
    unittest.main()
