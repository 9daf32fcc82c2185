"""What a run writes is written by one sink, and is nothing that the run reads: else rows would be lost in silence."""

import os
import re
import sqlite3
import unittest

from command_line import CommandLine

TWO_SINKS = """\
version: 1
pipeline: two
params: { day: { type: text, default: a } }
extract:
  s: { csv: { path: rows.csv } }
transform:
  p: { from: s, filter: "a = 1" }
  q: { from: s, filter: "a = 2" }
load:
  first: { from: p, FIRST }
  second: { from: q, SECOND }
"""

ONE_SINK = """\
version: 1
pipeline: one
extract:
  s: { SOURCE }
load:
  out: { from: s, SINK }
"""


class Targets(CommandLine):
    def setUp(self):
        super().setUp()
        self.write("rows.csv", "a\n1\n2\n")

    def plan(self, text):
        self.write("p.yaml", text)
        return self.sluice("validate", "p.yaml")

    def two(self, first, second):
        return self.plan(TWO_SINKS.replace("FIRST", first).replace("SECOND", second))

    def one(self, source, sink):
        return self.plan(ONE_SINK.replace("SOURCE", source).replace("SINK", sink))

    def refused(self, done, code):
        """The faults of `validate`, which `run` has too and which leave everything as it was."""
        error = self.assert_error(done, code)
        before = {name: (self.folder / name).read_bytes() for name in self.names()}
        run = self.sluice("run", "p.yaml")
        self.assert_error(run, code)
        self.assertEqual({name: (self.folder / name).read_bytes() for name in self.names()}, before)
        return error

    def accepted(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)


class TwoWriters(Targets):
    def test_it_says_both_places_and_what_to_do(self):
        error = self.refused(self.two("csv: { path: out/a.csv }", "csv: { path: ./out//../out/a.csv }"), "target_used_twice")
        self.assertIn("p.yaml:11:35: unit second: the file ./out//../out/a.csv is the same file as the file out/a.csv, "
                      "which unit first (p.yaml:10:3) writes", error)
        self.assertIn("union", error)

    def test_spellings_of_one_path(self):
        (self.folder / "real").mkdir()
        (self.folder / "link").symlink_to("real")
        (self.folder / "chain").symlink_to(self.folder / "link")
        self.write("real/there.csv", "a\n")
        os.link(self.folder / "real/there.csv", self.folder / "hard.csv")
        (self.folder / "to_file.csv").symlink_to("real/there.csv")
        (self.folder / "to_nowhere.csv").symlink_to("real/new.csv")
        for first, second in (("out.csv", "out.csv"), ("out.csv", "./out.csv"), ("out.csv", "x/../out.csv"),
                              ("out.csv", str(self.folder / "out.csv")), ("out.csv", "//" + str(self.folder) + "//out.csv"),
                              ("real/new.csv", "link/new.csv"), ("chain/new/a.csv", "real/new/a.csv"),
                              ("real/there.csv", "to_file.csv"), ("real/there.csv", "hard.csv"), ("to_file.csv", "hard.csv"),
                              ("real/new.csv", "to_nowhere.csv"), ("chain/new.csv", "to_nowhere.csv"),
                              ("out/a.csv", "out/${day}.csv"), ("${day}", "a")):
            with self.subTest(f"{first} {second}"):
                self.refused(self.two(f"csv: {{ path: '{first}' }}", f"ndjson: {{ path: '{second}' }}"), "target_used_twice")

    def test_the_short_form_and_every_format(self):
        for kind in ("csv", "ndjson", "parquet", "ipc"):
            with self.subTest(kind):
                self.refused(self.two("csv: { path: out }", f"{kind}: {{ path: out }}"), "target_used_twice")

    def test_tables(self):
        table = "sqlite: {{ path: {}, table: {} }}, mode: replace"
        (self.folder / "other.db").symlink_to("x.db")
        for first, second in ((("x.db", "t"), ("x.db", "t")), (("x.db", "t"), ("./x.db", "T")), (("x.db", "t"), ("other.db", "t")),
                              (("x.db", '"Größe"'), ("x.db", '"GRößE"'))):
            with self.subTest(f"{first} {second}"):
                self.refused(self.two(table.format(*first), table.format(*second)), "target_used_twice")
        self.accepted(self.two(table.format("x.db", "t"), table.format("x.db", "u")))
        self.accepted(self.two(table.format("x.db", '"größe"'), table.format("x.db", '"grÖße"')))
        self.accepted(self.two(table.format("x.db", "t"), table.format("y.db", "t")))
        self.refused(self.two(table.format("x.db", "_SLUICE_commits"), "csv: { path: b.csv }"), "reserved_table")

    def test_a_file_over_a_database_that_another_sink_fills(self):
        sqlite3.connect(self.folder / "there.db").execute("create table t (a integer)").connection.close()
        for path in ("x.db", "./x.db", "x.db-wal", "x.db-journal"):
            self.refused(self.two("sqlite: { path: x.db, table: t }, mode: append", f"csv: {{ path: {path} }}"), "target_used_twice")
        self.refused(self.two("csv: { path: there.db }", "sqlite: { path: there.db, table: t }, mode: append"), "target_used_twice")

    def test_a_file_where_another_one_needs_a_folder(self):
        self.refused(self.two("csv: { path: out/a }", "csv: { path: out/a/b.csv }"), "target_used_twice")
        self.refused(self.two("csv: { path: out/a/b/c.csv }", "csv: { path: out/a }"), "target_used_twice")
        self.accepted(self.two("csv: { path: out/a }", "csv: { path: out/ab }"))

    def test_standard_output(self):
        for first, second in (('csv: { path: "-" }', 'csv: { path: "-" }'), ("stdout: {}", 'ndjson: { path: "-" }'),
                              ("stdout: {}", "stdout: {}"), ("stdout: {}", "csv: { path: /dev/stdout }"),
                              ('csv: { path: "-" }', "csv: { path: /proc/self/fd/1 }")):
            with self.subTest(f"{first} {second}"):
                self.refused(self.two(first, second), "target_used_twice")
        self.two('csv: { path: "-" }', "csv: { path: seen.csv }")
        with open(self.folder / "seen.csv", "w") as seen:
            self.assert_error(self.sluice("run", "p.yaml", stdout=seen), "target_used_twice")

    def test_what_keeps_nothing_takes_the_rows_of_all(self):
        self.accepted(self.two("blackhole: {}", "blackhole: {}"))
        self.accepted(self.two("csv: { path: /dev/null }", "csv: { path: /dev/null }"))

    def test_a_node_refuses_it_too(self):
        self.two("csv: { path: out.csv }", "csv: { path: ./out.csv }")
        node = self.start("node", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0")
        where = re.search(r"http (\S+)", node.stdout.readline()).group(1)
        done = self.sluice("submit", "p.yaml", "--to", where)
        self.assertIn("p.yaml:11:", self.assert_error(done, "target_used_twice"))


class WhatIsRead(Targets):
    def test_a_file_that_the_run_reads(self):
        os.link(self.folder / "rows.csv", self.folder / "hard.csv")
        (self.folder / "soft.csv").symlink_to("rows.csv")
        for path in ("rows.csv", "./rows.csv", "hard.csv", "soft.csv", str(self.folder / "rows.csv")):
            for mode in ("", ", mode: append"):
                with self.subTest(path + mode):
                    error = self.refused(self.one("csv: { path: rows.csv }", f"csv: {{ path: {path} }}{mode}"), "overwrites_source")
                    self.assertIn("unit s (p.yaml:4:3)", error)
                    self.assertIn("overwrite_source: true", error)
        self.refused(self.one("csv: { path: [other.csv, rows.csv] }", "csv: { path: rows.csv }"), "overwrites_source")
        self.refused(self.one("csv: { path: 'r*.csv' }", "csv: { path: rows.csv }"), "overwrites_source")
        self.refused(self.one("csv: { path: . }", "csv: { path: soft.csv }"), "overwrites_source")
        self.refused(self.one("csv: { path: rows.csv }", "sqlite: { path: rows.csv, table: t }, mode: append, overwrite_source: true"),
                     "overwrites_source")

    def test_the_pipeline_itself_is_not_written_over(self):
        for sink in ("csv: { path: ./p.yaml }, overwrite_source: true", "sqlite: { path: p.yaml, table: t }, mode: append"):
            self.assertIn("own file", self.refused(self.one("csv: { path: rows.csv }", sink), "overwrites_source"))

    def test_any_source_of_the_run_counts(self):
        self.write("more.csv", "a\n7\n")
        self.write("p.yaml", "version: 1\nextract:\n  s: { csv: { path: rows.csv } }\n  m: { csv: { path: more.csv } }\n"
                             "load:\n  o: { from: s, csv: { path: more.csv } }\n  n: { from: m, csv: { path: out.csv } }\n")
        self.assertIn("unit m", self.refused(self.sluice("validate", "p.yaml"), "overwrites_source"))

    def test_a_target_that_the_next_run_would_read(self):
        self.write("in/deep/a.csv", "a\n1\n")
        (self.folder / "same").symlink_to("in")
        for read, written in (("in/deep/*.csv", "in/deep/out.csv"), ("in/*/*.csv", "same/deep/out.csv"), ("in/**/*.csv", "in/new/x/out.csv"),
                              ("in/**", "in/out.csv"), ("in/", "in/out.csv"), ("in", "in/new/out.tsv.gz"), ("same/deep", "in/deep/b.csv"),
                              ("same/**", "in/deep/b.csv"), ("in/deep/[a-z]*", "in/deep/sums"), (".", "out.csv"), ("**/*.csv", "new/out.csv")):
            with self.subTest(f"{read} {written}"):
                done = self.one(f"csv: {{ path: '{read}' }}", f"csv: {{ path: '{written}' }}, overwrite_source: true")
                self.assertIn("next run", self.refused(done, "overwrites_source"))

    def test_a_pattern_that_finds_the_hidden_file_of_a_sink(self):
        self.write("in/.a", "a\n1\n")
        self.refused(self.one("csv: { path: 'in/.*' }", "csv: { path: in/out.csv }"), "overwrites_source")

    def test_a_target_beside_it_is_fine(self):
        self.write("in/a.csv", "a\n1\n")
        for read, written in (("in/*.csv", "out.csv"), ("in/*.csv", "in/out/a.csv"), ("in/*.csv", "in/out.parquet"), ("in/a*.csv", "in/out.csv"),
                              ("in/", "in/out.json"), ("in/**", "in/_out.csv"), ("in/**", "in/.x/out.csv"), ("in/**", "inner/out.csv")):
            with self.subTest(f"{read} {written}"):
                self.accepted(self.one(f"csv: {{ path: '{read}' }}", f"csv: {{ path: '{written}' }}"))

    def test_a_folder_that_is_empty_now(self):
        self.write("in/a.csv", "a\n1\n")
        self.one("csv: { path: 'in/*.csv' }, incremental: { by: file }", "csv: { path: out.csv }, mode: append")
        self.assertEqual(self.sluice("run", "p.yaml", "-q").returncode, 0)
        (self.folder / "in/a.csv").unlink()
        text = (self.folder / "p.yaml").read_text()
        self.write("p.yaml", text.replace("out.csv", "in/out.csv"))
        self.assert_error(self.sluice("run", "p.yaml"), "overwrites_source")
        self.assertEqual(list((self.folder / "in").iterdir()), [])

    def test_standard_input_and_output(self):
        self.one('csv: { path: "-" }', "csv: { path: rows.csv }")
        with open(self.folder / "rows.csv") as rows:
            self.assert_error(self.sluice("run", "p.yaml", stdin=rows), "overwrites_source")
        self.one("csv: { path: rows.csv }", 'csv: { path: "-" }, overwrite_source: true')
        with open(self.folder / "rows.csv", "a") as rows:
            self.assert_error(self.sluice("run", "p.yaml", stdout=rows), "overwrites_source")
        self.assertEqual((self.folder / "rows.csv").read_text(), "a\n1\n2\n")

    def test_a_source_is_replaced_on_purpose(self):
        rows = [f"{i},text {i}" for i in range(300_000)]
        self.write("t.csv", "\n".join(["i,s"] + rows + rows) + "\n")
        self.write("p.yaml", "version: 1\nextract:\n  s: { csv: { path: 't*.csv' } }\ntransform:\n  d: { from: s, deduplicate: {} }\n"
                             "load:\n  o: { from: d, csv: { path: ./t.csv }, overwrite_source: true }\n")
        done = self.sluice("run", "p.yaml", "-q")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / "t.csv").read_text().splitlines(), ["i,s"] + rows)
        self.assertEqual(self.names(), ["p.yaml", "rows.csv", "t.csv"])

    def test_each_format_replaces_what_it_reads(self):
        for kind in ("ndjson", "parquet", "ipc"):
            with self.subTest(kind):
                self.accepted(self.one("csv: { path: rows.csv }", f"{kind}: {{ path: t.{kind} }}"))
                self.assertEqual(self.sluice("run", "p.yaml", "-q").returncode, 0)
                self.one(f"{kind}: {{ path: t.{kind} }}", f"{kind}: {{ path: t.{kind} }}, overwrite_source: true")
                for _ in range(2):
                    done = self.sluice("run", "p.yaml", "-q")
                    self.assertEqual(done.returncode, 0, done.stderr)
                self.one(f"{kind}: {{ path: t.{kind} }}", "csv: { path: back.csv }")
                self.assertEqual(self.sluice("run", "p.yaml", "-q").returncode, 0)
                self.assertEqual((self.folder / "back.csv").read_text(), "a\n1\n2\n")

    def test_rows_can_be_added_to_what_is_read_on_purpose(self):
        self.one("csv: { path: rows.csv }", "csv: { path: rows.csv }, mode: append, overwrite_source: true")
        self.assertEqual(self.sluice("run", "p.yaml", "-q").returncode, 0)
        self.assertEqual((self.folder / "rows.csv").read_text(), "a\n1\n2\n1\n2\n")

    def test_what_a_source_remembers_is_not_replaced(self):
        self.refused(self.one("csv: { path: rows.csv }, incremental: { by: file }",
                              "csv: { path: rows.csv }, mode: append, overwrite_source: true"), "overwrites_source")

    def test_overwrite_source_is_true_or_false(self):
        self.assert_error(self.one("csv: { path: rows.csv }", "csv: { path: b.csv }, overwrite_source: maybe"), "invalid_value")


if __name__ == "__main__":
    unittest.main()
