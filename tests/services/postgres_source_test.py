"""The postgres source against a server of its own: what it reads is what the server has, value by value."""

import csv
import os
import subprocess
import unittest

from command_line import ROOT, CommandLine
from cutting_proxy import CuttingProxy, nth
from postgres_server import Server

PIPELINE = """\
version: 1
pipeline: read
extract:
  rows:
    postgres: {{ url: "{url}", {what} }}
{beside}
load:
  file: {{ from: rows, csv: {{ path: out.csv }}, mode: {mode} }}
{rejects}
"""


class PostgresSource(CommandLine):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server())

    def setUp(self):
        super().setUp()
        self.database = self.server.connect()
        self.addCleanup(lambda: self.database.close())
        self.database.run("drop schema public cascade; create schema public")

    def url(self, port=None):
        return f"postgresql://postgres@127.0.0.1:{port or self.server.port}/postgres"

    def read(self, what="table: t", beside="", rejects="", code=0, port=None, mode="replace"):
        self.write("p.yaml", PIPELINE.format(url=self.url(port), what=what, beside=beside, rejects=rejects, mode=mode))
        done = self.sluice("run", "p.yaml", "-q")
        self.assertEqual(done.returncode, code, done.stderr)
        if code not in (0, 3):
            return done
        with open(self.folder / "out.csv", newline="") as file:
            return list(csv.DictReader(file))

    TYPES = {
        "b": "boolean", "i2": "smallint", "i4": "integer", "i8": "bigint", "f4": "real", "f8": "double precision",
        "n": "numeric(12,2)", "n38": "numeric(38,10)", "n76": "numeric(70,20)", "t": "text", "v": "varchar(20)", "c": "char(4)",
        "d": "date", "tm": "time", "ts": "timestamp", "tz": "timestamptz", "iv": "interval", "bin": "bytea", "u": "uuid",
        "j": "json", "jb": "jsonb", "o": "oid"}
    VALUES = [
        {"b": "true", "i2": "-32768", "i4": "2147483647", "i8": "-9223372036854775808", "f4": "0.1", "f8": "1e-300", "n": "-0.01",
         "n38": "1234567890123456789012345678.0123456789", "n76": "1" * 45 + ".00000000000000000001", "t": "Grüße", "v": "x y",
         "c": "ab", "d": "0044-03-15 BC", "tm": "23:59:59.999999", "ts": "1969-12-31 23:59:59.999999",
         "tz": "2024-05-01 12:00:00+02", "iv": "1 year 2 mons -3 days 04:05:06.7", "bin": "\\x00ff", "u": "0190163d-8694-739b-aea5-966c26f8ad91",
         "j": '{"a":  1}', "jb": '{"a": [1, 2]}', "o": "4294967295"},
        {"b": "false", "i2": "0", "i4": "-1", "i8": "7", "f4": "-3.4e38", "f8": "NaN", "n": "9999999999.99", "n38": "-0.0000000001",
         "n76": "-10000", "t": "it's", "v": "", "c": "abcd", "d": "5874897-12-31", "tm": "00:00:00", "ts": "0001-01-01 00:00:00",
         "tz": "1900-01-01 00:00:00+00", "iv": "-00:00:00.000001", "bin": "\\x", "u": "00000000-0000-0000-0000-000000000000", "j": "null",
         "jb": "3", "o": "0"}]

    def test_every_type_keeps_its_values_and_comes_back_into_a_table_as_it_was(self):
        self.database.run("create table t (" + ", ".join(f"{name} {kind}" for name, kind in self.TYPES.items()) + ")")
        for values in self.VALUES:
            self.database.run("insert into t values (" + ", ".join("'" + value.replace("'", "''") + "'" for value in values.values()) + ")")
        self.database.run("insert into t default values; create table copy (like t)")
        self.write("p.yaml", f"""\
version: 1
pipeline: copy
connections: {{ db: {{ postgres: {{ url: "{self.url()}" }} }} }}
extract: {{ rows: {{ postgres: {{ connection: db, table: t }}, columns: [{", ".join(n for n in self.TYPES if n != "o")}] }} }}
load: {{ copy: {{ from: rows, postgres: {{ connection: db, table: copy }}, mode: append }} }}
""")
        done = self.sluice("run", "p.yaml", "-q")
        self.assertEqual(done.returncode, 0, done.stderr + self.sluice("rejects", "last").stdout)
        for name in self.TYPES:
            if name != "o":
                with self.subTest(name):
                    self.assertEqual(self.database.run(f"select {name}::text from copy order by i4 nulls last"),
                                     self.database.run(f"select {name}::text from t order by i4 nulls last"))

    def test_arrays_enums_and_domains(self):
        self.database.run("create type mood as enum ('ok', 'sad'); create domain small as integer; "
                          "create table t (a integer[], m mood, s small, x text[]); "
                          "insert into t values ('{1,null,3}', 'sad', 5, '{a,\"b c\"}'), ('{}', null, null, null)")
        rows = self.read()
        self.assertEqual([row["a"] for row in rows], ["[1,null,3]", "[]"])
        self.assertEqual([(row["m"], row["s"]) for row in rows], [("sad", "5"), ("", "")])

    def test_what_has_no_place_is_refused_by_name_or_rejected_by_row(self):
        self.database.run("create table t (id integer, a inet)")
        self.assertIn("column a is inet", self.read(code=2).stderr)
        self.assertEqual(self.read(beside="    columns: [id]"), [])
        self.database.run("drop table t; create table t (id integer, d date, a integer[]); insert into t values "
                          "(1, '2024-01-01', '{1}'), (2, 'infinity', '{1}'), (3, '2024-01-01', '{{1},{2}}')")
        rows = self.read(rejects="rejects: { allow: 10 }")
        self.assertEqual([row["id"] for row in rows], ["1"])
        failed = self.read(beside="    on_error: fail", code=1)
        self.assertIn("infinity", failed.stderr)

    def test_numeric_without_precision_gets_the_places_of_a_sample(self):
        self.database.run("create table t (n numeric); insert into t values (1.25), (100)")
        self.assertEqual([float(row["n"]) for row in self.read()], [1.25, 100])
        self.database.run("insert into t select 1 from generate_series(1, 20000); insert into t values (1.0000000000000000001)")
        self.assertIn("types: { n:", self.read(code=1).stderr)
        rows = self.read(beside='    types: { n: "decimal(38,19)" }')
        self.assertEqual(len(rows), 20003)

    def test_parallel_ranges_read_each_row_once_nulls_too(self):
        self.database.run("create table t (id bigint, x integer); insert into t select g, g from generate_series(-5000, 50000) g; "
                          "insert into t values (null, -1), (9000000000000000000, 7)")
        rows = self.read("table: t, partition: { column: id, parts: 7 }")
        self.assertEqual(len(rows), 55003)
        self.assertEqual(len({row["x"] for row in rows}), 55001)
        self.assertIn("partition needs", self.read("query: \"select x::text as id from t\", partition: { column: id, parts: 7 }", code=1).stderr)

    def test_columns_may_be_named_in_another_order(self):
        self.database.run("create table t (id int, p point, n numeric(5,1), s text); insert into t values (1, '(1,2)', 1.5, 'a')")
        self.assertEqual([list(row.items()) for row in self.read(beside="    columns: [s, n, id]")], [[("s", "a"), ("n", "1.5"), ("id", "1")]])

    def test_a_table_that_is_read_and_written_is_seen_as_it_was_at_the_start(self):
        for mode, what in (("mode: replace", "table: t, partition: { column: id, parts: 3 }"), ("mode: replace", "table: t"),
                           ("mode: upsert, key: [id]", "table: t, partition: { column: id, parts: 3 }")):
            self.database.run("drop table if exists t; create table t (id bigint primary key, n bigint); "
                              "insert into t select i, i from generate_series(1, 50000) i")
            self.write("p.yaml", f"""version: 1
pipeline: itself
run: {{ checkpoint: 50ms }}
extract:
  rows: {{ postgres: {{ url: "{self.url()}", {what} }}, parallelism: 2 }}
  most: {{ postgres: {{ url: "{self.url()}", query: "select max(n) as most from t" }} }}
transform:
  more: {{ from: [rows, most], join: {{ how: cross }} }}
  shown: {{ from: more, select: [id, {{ n: "n + most" }}] }}
load:
  t: {{ from: shown, postgres: {{ url: "{self.url()}", table: public.t }}, {mode} }}
""")
            done = self.sluice("run", "p.yaml", "--fresh")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.database.run("select count(*), sum(n) from t"), [("50000", str(50000 * 50000 + 50000 * 50001 // 2))])
        text = (self.folder / "p.yaml").read_text()
        self.write("p.yaml", text.replace("key: [id]", "key: [id], commit: checkpoint"))
        self.assertIn("error[overwrites_source]", self.sluice("run", "p.yaml", "--fresh").stderr)

    def test_an_incremental_source_reads_only_new_rows(self):
        self.database.run("create table t (id bigint); insert into t values (1), (2)")
        incremental = "    incremental: { by: column, column: id }"
        self.assertEqual([row["id"] for row in self.read(beside=incremental, mode="append")], ["1", "2"])
        self.database.run("insert into t values (3)")
        self.assertEqual([row["id"] for row in self.read(beside=incremental, mode="append")], ["1", "2", "3"])

    def test_a_query_is_read_as_it_stands_and_its_faults_are_shown(self):
        self.database.run("create table t (id bigint); insert into t values (1), (2)")
        self.assertEqual(self.read('query: "select id * 2 as twice from t where id > 1 -- new ones"'), [{"twice": "4"}])
        self.assertIn("nowhere", self.read('query: "select * from nowhere"', code=2).stderr)
        self.assertIn("missing_key", self.read("", code=2).stderr)
        self.assertIn("unknown_table", self.read("table: nowhere", code=2).stderr)

    def test_a_connection_that_breaks_before_the_first_row_is_made_again_later_it_fails_the_run(self):
        self.database.run("create table t (id bigint, x text); insert into t select g, repeat('x', 500) from generate_series(1, 100000) g")
        proxy = CuttingProxy(self.server.port, nth(b"COPY ", 1, "before"))
        self.addCleanup(proxy.close)
        self.assertEqual(len(self.read(beside="    retry: { backoff: 10ms }", port=proxy.port)), 100000)
        self.assertEqual(proxy.cuts, 1)
        (self.folder / "out.csv").unlink()
        proxy.when = lambda piece: None
        proxy.limit = 20_000_000
        failed = self.read(beside="    retry: { backoff: 10ms }", port=proxy.port, code=1)
        self.assertIn("connection_lost", failed.stderr)
        self.assertFalse((self.folder / "out.csv").exists())

    def test_the_examples_run(self):
        for name in ("orders", "revenue"):
            done = subprocess.run([os.environ["SLUICE_BINARY"], "run", f"config/examples/postgres/{name}.yaml", "-q"], cwd=ROOT, text=True,
                                  env=self.environment(PG_URL=self.url(), OUT=str(self.folder)), capture_output=True)
            self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.folder / "revenue.csv", newline="") as file:
            found = {row["customer_id"]: float(row["revenue"] or 0) for row in csv.DictReader(file)}
        self.assertEqual(found, {key: float(value or 0) for key, value in
                                 self.database.run("select customer_id, sum(amount) from orders group by 1")})

    def test_the_examples_of_both_components_run(self):
        for kind in ("source", "sink"):
            self.write("p.yaml", self.example_of("postgres", kind))
            done = self.sluice("run", "p.yaml", "-q", env={"PG_URL": self.url()})
            self.assertEqual(done.returncode, 0, kind + done.stderr)
        self.assertEqual(self.database.run("select count(*), count(distinct id) from orders"), [("1000", "1000")])


if __name__ == "__main__":
    unittest.main()
