"""Modes scd2 and merge of the sqlite sink: random histories beside a model, and what is refused."""

import sqlite3
import unittest

from command_line import CommandLine
from history_cases import SCD2, HistoryCases


class SqliteHistory(HistoryCases, CommandLine):
    sink = "sqlite: { path: shop.db, table: dim }"

    def query(self, sql):
        with sqlite3.connect(self.folder / "shop.db") as shop:
            return shop.execute(sql).fetchall()

    def execute(self, sql):
        with sqlite3.connect(self.folder / "shop.db") as shop:
            shop.execute(sql)

    def refused(self, text, code, words, exit_code=2):
        self.write("p.yaml", text)
        self.write("in.csv", "id,part,name,city,note,at\n1,a,x,u,n,2024-02-01\n")
        done = self.sluice("run", "p.yaml", "-q")
        self.assert_error(done, code, exit_code)
        self.assertIn(words, done.stderr)

    def test_mistakes(self):
        good = SCD2.format(sink=self.sink, at="at", gone="keep", select="select: [id, part, name, city, at]")
        self.refused(good.replace("tracked: [name, city]", "tracked: [nam]"), "unknown_column", "did you mean name?")
        self.refused(good.replace('at: "at"', 'at: "name"'), "invalid_option", "must be a date or a time")
        self.refused(good.replace("gone: keep", "gone: close"), "invalid_option", "at reads columns")
        self.refused(good.replace("gone: keep", "gone: drop"), "invalid_value", "gone")
        self.refused(good.replace("key: [id, part], ", ""), "missing_key", "mode: scd2 needs key")
        self.refused(good.replace("mode: scd2", "mode: append").replace("key: [id, part], ", ""), "invalid_value", "set mode: scd2")
        self.refused(good.replace("city, at]", "city, at, { valid_to: at }]"), "duplicate_column", "valid_to")
        close = SCD2.format(sink=self.sink, at="$day", gone="close", select="select: [id, part, name, city]")
        self.refused(close.replace("types:", "incremental: { by: file }, types:"), "replaces_increment", "gone: close")
        self.refused(close.replace("pipeline: dimension", "pipeline: dimension\nrun: { checkpoint: 1s }"), "one_epoch", "whole extract")

    def test_a_time_that_is_null_is_a_row_error(self):
        text = SCD2.format(sink=self.sink, at="at", gone="keep", select="select: [id, part, name, city, at]")
        self.write("p.yaml", text.replace("mode: scd2", "on_error: reject, mode: scd2") + "rejects: { allow: 1 }\n")
        self.write("in.csv", "id,part,name,city,note,at\n1,a,x,u,n,2024-02-01\n2,a,x,u,n,\n3,a,x,u,n,2024-02-03\n")
        done = self.sluice("run", "p.yaml", "-q")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.query("select id from dim order by id"), [(1,), (3,)])
        self.assertIn("the time of at is null", self.sluice("rejects", "export", "last", "-").stdout)

    def test_statements_run_in_the_transaction_of_the_commit(self):
        head = "version: 1\npipeline: with-statements\nextract:\n  rows: { csv: { path: in.csv }, types: { id: bigint } }\nload:\n  t:\n    from: rows\n    sqlite:\n      path: shop.db\n      table: dim\n      before: [%s]\n      after: [%s]\n    mode: append\n"
        self.load(head % ('"create table if not exists log(n)"', '"insert into log select count(*) from dim"'), "id,name\n1,a\n")
        self.load(head % ('"delete from dim where id = 1"', '"insert into log select count(*) from dim"'), "id,name\n2,b\n3,c\n")
        self.assertEqual(self.query("select n from log order by n"), [(1,), (2,)])
        for after, words in [("insert into nowhere values (1)", "a statement of after failed"), ("commit", "has ended the transaction")]:
            self.write("p.yaml", head % ('"delete from dim"', f'"{after}"'))
            done = self.sluice("run", "p.yaml", "-q", "--fresh")
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)
        self.assertEqual(self.query("select id from dim order by id"), [(2,), (3,)])

    def test_columns_are_added_where_create_says_so(self):
        head = "version: 1\npipeline: evolving\nextract:\n  rows: { csv: { path: in.csv }, types: { id: bigint } }\nload:\n  t: { from: rows, sqlite: { path: shop.db, table: dim, create: %s }, mode: %s }\n"
        self.write("in.csv", "id,name\n1,a\n")
        self.write("p.yaml", head % ("never", "append"))
        self.assert_error(self.sluice("run", "p.yaml", "-q"), "unknown_table", 1)
        self.load(head % ("if_missing", "append"), "id,name\n1,a\n")
        self.write("in.csv", "id,name,city\n2,b,x\n")
        self.write("p.yaml", head % ("if_missing", "append"))
        done = self.sluice("run", "p.yaml", "-q")
        self.assert_error(done, "unknown_column", 1)
        self.assertIn("create: evolve", done.stderr)
        self.load(head % ("evolve", "append"), "id,name,city\n2,b,x\n")
        self.load(head % ("evolve", "append"), "id,name,city\n3,c,y\n")
        self.assertEqual(self.query("select id, name, city from dim order by id"), [(1, "a", None), (2, "b", "x"), (3, "c", "y")])
        self.load(head % ("evolve", "replace"), "id,name,city,zip\n4,d,z,01234\n")
        self.assertEqual(self.query("select id, zip from dim"), [(4, "01234")])

    def test_a_dimension_gets_columns(self):
        text = SCD2.format(sink="sqlite: { path: shop.db, table: dim, create: evolve }", at="at", gone="keep", select="select: [id, part, name, city, at]")
        self.load(text, "id,part,name,city,note,at\n1,a,x,u,n,2024-02-01\n")
        more = text.replace("select: [id, part, name, city, at]", "select: [id, part, name, city, note, at]")
        self.load(more, "id,part,name,city,note,at\n1,a,y,u,n2,2024-02-02\n")
        self.assertEqual(self.query("select name, note, valid_to from dim order by valid_from"), [("x", None, "2024-02-02"), ("y", "n2", None)])

    def test_times_with_zones(self):
        text = SCD2.format(sink=self.sink, at="now()", gone="close", select="select: [id, part, name, city]")
        for rows in ("1,a,x,u,n,\n2,a,x,u,n,\n", "1,a,y,u,n,\n"):
            self.load(text, "id,part,name,city,note,at\n" + rows)
        found = self.query("select id, name, valid_from = (select max(valid_from) from dim), valid_to, is_current from dim order by id, name")
        begun = self.query("select max(valid_from) from dim")[0][0]
        self.assertEqual(found, [(1, "x", 0, begun, 0), (1, "y", 1, None, 1), (2, "x", 0, begun, 0)])


if __name__ == "__main__":
    unittest.main()
