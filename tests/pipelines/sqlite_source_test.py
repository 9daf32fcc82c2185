"""The sqlite source: types as declared, every value checked, new rows only, what users see of errors."""

import json
import sqlite3
import unittest

from command_line import CommandLine

PIPELINE = """\
version: 1
pipeline: reading
rejects: {{ allow: 100 }}
extract:
  rows:
    sqlite: {{ path: shop.db, {own} }}
{beside}
load:
  out: {{ from: rows, ndjson: {{ path: out.ndjson }}, mode: replace }}
"""


class SqliteSource(CommandLine):
    def setUp(self):
        super().setUp()
        self.database = sqlite3.connect(self.folder / "shop.db")
        self.addCleanup(self.database.close)

    def sql(self, text):
        with self.database:
            self.database.executescript(text)

    def run_with(self, own="table: t", beside="", code=0):
        beside = "\n".join("    " + line for line in beside.splitlines())
        self.write("p.yaml", PIPELINE.format(own=own, beside=beside))
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def rows(self):
        return [json.loads(line) for line in (self.folder / "out.ndjson").read_text().splitlines()]

    def rejects(self):
        done = self.sluice("rejects", "export", "last", "--format", "ndjson")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_columns_have_the_declared_types(self):
        self.sql("""create table t (i INTEGER, big BIGINT, b BOOLEAN, r REAL, d DECIMAL(12,2), s VARCHAR(10), x BLOB,
                                    day DATE, at TIMESTAMP, zoned TIMESTAMPTZ, clock TIME);
                    insert into t values (1, 9223372036854775807, 1, 2.5, 12.34, 'Zoë', x'00ff', '2024-05-01',
                                          '2024-05-01 10:00:00', '2024-05-01 10:00:00+02:00', '10:00:01');
                    insert into t values (null, null, null, 3, 5, null, null, null, null, null, null);""")
        self.run_with()
        self.assertEqual(self.rows(), [
            {"i": 1, "big": 9223372036854775807, "b": True, "r": 2.5, "d": 12.34, "s": "Zoë", "x": "\\x00ff",
             "day": "2024-05-01", "at": "2024-05-01T10:00:00", "zoned": "2024-05-01T08:00:00Z", "clock": "10:00:01"},
            {"i": None, "big": None, "b": None, "r": 3, "d": 5, "s": None, "x": None, "day": None, "at": None,
             "zoned": None, "clock": None}])
        plan = self.sluice("explain", "p.yaml").stdout
        self.assertIn("decimal(12,2)", plan)

    def test_a_value_of_another_kind_is_a_reject(self):
        self.sql("""create table t (id INTEGER, n INTEGER, day DATE, s TEXT);
                    insert into t values (1, 'many', null, null), (2, 2.5, null, null), (3, 3, 20240501, null),
                                         (4, 4, '2024-05-01', x'ff'), (5, 5, '2024-05-01', 'fine');""")
        self.run_with()
        self.assertEqual([row["id"] for row in self.rows()], [5])
        rejects = self.rejects()
        self.assertEqual([(one["column"], one["offset"]) for one in rejects],
                         [("n", 0), ("n", 1), ("day", 2), ("s", 3)])
        self.assertIn("expected bigint, found 'many'", rejects[0]["message"])
        self.assertEqual(json.loads(rejects[0]["record"])["n"], "many")

    def test_expressions_have_the_type_of_their_first_values_and_a_wrong_guess_is_told(self):
        self.sql("create table t (id INTEGER, s TEXT); insert into t values (1, 'a'), (2, 'b');")
        self.run_with('query: "select id + 1 as next, id / 4.0 as part, upper(s) as s, count(*) over () as n from t"')
        self.assertEqual(self.rows(), [{"next": 2, "part": 0.25, "s": "A", "n": 2}, {"next": 3, "part": 0.5, "s": "B", "n": 2}])
        self.sql("with recursive n(i) as (select 3 union all select i + 1 from n where i < 1500) "
                 "insert into t select i, 's' from n;")
        query = "query: \"select iif(id < 1200, id, 'late') as v from t\""
        done = self.run_with(query, code=1)
        self.assertIn("error[contradicts_type]", done.stderr)
        self.assertIn("types: { v: text }", done.stderr)
        self.run_with(query, beside="types: { v: text }")
        self.assertEqual(self.rows()[-1], {"v": "late"})

    def test_a_later_run_reads_what_is_new(self):
        self.sql("create table t (id INTEGER PRIMARY KEY, s TEXT); insert into t values (1, 'a'), (2, 'b');")
        self.write("p.yaml", PIPELINE.format(own="table: t", beside="    incremental: { by: column, column: id }")
                   .replace("mode: replace", "mode: append"))
        for more, expected in (("", [1, 2]), ("", [1, 2]), ("insert into t values (3, 'c'), (4, 'd');", [1, 2, 3, 4])):
            self.sql(more)
            done = self.sluice("run", "p.yaml")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual([row["id"] for row in self.rows()], expected)

    def test_columns_may_be_named_in_another_order_and_left_out(self):
        self.sql("create table t (id INTEGER, extra BLOB, s TEXT, n INTEGER); insert into t values (1, x'00', 'a', 10), (2, x'01', 'b', 'many');")
        self.run_with(beside="columns: [n, id]")
        self.assertEqual(self.rows(), [{"n": 10, "id": 1}])
        self.assertEqual(json.loads(self.rejects()[0]["record"])["s"], "b")
        self.run_with('query: "select s, n, id from t"', beside="columns: [id, s]")
        self.assertEqual(self.rows(), [{"id": 1, "s": "a"}, {"id": 2, "s": "b"}])
        # Below, one more is left out: what is read is found by its name.
        self.write("p.yaml", (self.folder / "p.yaml").read_text().replace("from: rows", "from: some") +
                   "transform: { some: { from: rows, select: [s] } }\n")
        self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
        self.assertEqual(self.rows(), [{"s": "a"}, {"s": "b"}])

    TO_ITSELF = """version: 1
pipeline: itself
{run}
extract:
  rows: {{ sqlite: {{ path: shop.db, table: t }} }}
  again: {{ sqlite: {{ path: shop.db, query: "select max(n) as most from t" }} }}
transform:
  more: {{ from: [rows, again], join: {{ how: cross }} }}
  shown: {{ from: more, select: [id, {{ n: "n + most" }}] }}
load:
  t: {{ from: shown, sqlite: {{ path: shop.db, table: t }}, {mode} }}
"""

    def test_a_table_that_is_read_and_written_is_seen_as_it_was_at_the_start(self):
        made = "drop table if exists t; create table t (id INTEGER PRIMARY KEY, n INTEGER); " \
               "with recursive i(x) as (select 1 union all select x + 1 from i where x < 70000) insert into t select x, x from i;"
        for mode, rows, total in (("mode: replace", 70_000, 70_000 * 70_000 + 70_000 * 70_001 // 2),
                                  ("mode: upsert, key: [id]", 70_000, 70_000 * 70_000 + 70_000 * 70_001 // 2)):
            for journal in ("delete", "wal"):
                self.sql(f"pragma journal_mode = {journal}; {made}")
                self.write("p.yaml", self.TO_ITSELF.format(run="run: { checkpoint: 20ms }", mode=mode))
                done = self.sluice("run", "p.yaml", "--fresh")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(self.database.execute("select count(*), sum(n) from t").fetchone(), (rows, total))
        self.write("p.yaml", self.TO_ITSELF.format(run="", mode="mode: upsert, key: [id], commit: checkpoint"))
        done = self.sluice("run", "p.yaml", "--fresh")
        self.assertEqual(done.returncode, 2)
        self.assertIn("error[overwrites_source]", done.stderr)

    def test_errors_say_what_to_do(self):
        self.sql("create table t (id INTEGER); create table u (id INTEGER);")
        done = self.run_with("table: orders", code=2)
        self.assertIn("error[unknown_table]", done.stderr)
        self.assertIn("its tables are t, u", done.stderr)
        self.sql("create view customers as select * from t;")
        self.assertIn("did you mean customers?", self.run_with("table: custmers", code=2).stderr)
        self.run_with("table: CUSTOMERS")
        done = self.run_with("table: t, query: select 1", code=2)
        self.assertIn("found both", done.stderr)
        done = self.run_with('query: "delete from t"', code=2)
        self.assertIn("SELECT", done.stderr)
        done = self.run_with('query: "select t.id, u.id from t, u"', code=2)
        self.assertIn("error[duplicate_column]", done.stderr)
        done = self.run_with(beside="types: { idd: text }", code=2)
        self.assertIn("did you mean id?", done.stderr)
        self.write("p.yaml", (self.folder / "p.yaml").read_text().replace("shop.db", "shopp.db"))
        done = self.sluice("run", "p.yaml")
        self.assertIn("error[file_not_found]", done.stderr)
        self.assertFalse((self.folder / "shopp.db").exists())


if __name__ == "__main__":
    unittest.main()
