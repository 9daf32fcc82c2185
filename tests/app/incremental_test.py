"""Sources that remember: files and rows are taken once, `sluice state` shows and forgets what was taken."""

import gzip
import json
import os
import sqlite3
import unittest

from command_line import SIGINT, events
from remembering import BY_COLUMN, BY_FILE, Incremental


class ByFile(Incremental):
    def setUp(self):
        super().setUp()
        self.write("p.yaml", BY_FILE)
        self.write("in/a.csv", "id,name\n1,anna\n2,ben\n")

    def test_each_file_is_taken_once(self):
        self.assertIn("1 new file", self.run_it())
        again = self.run_it()
        self.assertIn("orders: nothing new, 1 already loaded", again)
        self.assertIn("succeeded", again)
        self.assertIn("0 read = 0 loaded", again)
        self.write("in/b.csv", "id,name\n3,cid\n")
        self.assertIn("1 new file, 1 already loaded", self.run_it())
        self.assertEqual(self.loaded(), [1, 2, 3])

    def test_a_run_that_finds_nothing_new_leaves_the_targets_alone(self):
        sinks = "".join(f"  {unit}: {{ from: orders, {component}, mode: {mode} }}\n" for unit, component, mode in (
            ("parquet", 'parquet: { path: "out-${part}.parquet" }', "error"),
            ("arrow", 'ipc: { path: "out-${part}.arrow" }', "error"),
            ("csv", "csv: { path: all.csv }", "append"), ("ndjson", "ndjson: { path: all.ndjson.gz }", "append"),
            ("table", "sqlite: { path: shop.db, table: orders }", "append"),
            ("upsert", "sqlite: { path: other.db, table: orders }", "upsert, key: [id]")))
        self.write("p.yaml", BY_FILE.split("load:")[0] + "params: { part: text }\nload:\n" + sinks)
        self.run_it("--set", "part=1")

        def targets():
            return {name: (os.stat(self.folder / name).st_mtime_ns, os.stat(self.folder / name).st_ino)
                    for name in self.names() if name.startswith(("out", "all", "shop", "other"))}

        before = targets()
        self.assertEqual(len(before), 6, before)
        for part in ("2", "1"):  # a part of its own, and the one that is there
            told = self.run_it("--set", f"part={part}")
            self.assertIn("nothing new", told)
            self.assertIn("0 read = 0 loaded", told)
            self.assertEqual(targets(), before)
        self.write("in/b.csv", "id,name\n3,cid\n")
        self.run_it("--set", "part=2")
        self.assertEqual(sorted(set(targets()) - set(before)), ["out-2.arrow", "out-2.parquet"])
        self.assertEqual(self.loaded(), [1, 2, 3])

    def test_without_incremental_no_rows_replace_a_target(self):
        self.write("p.yaml", BY_FILE.split("    incremental")[0] +
                   "transform: { none: { from: orders, filter: \"id > 9\" } }\n"
                   "load: { out: { from: none, csv: { path: out.csv } } }\n")
        self.write("out.csv", "id,name\n7,old\n")
        self.run_it()
        self.assertEqual((self.folder / "out.csv").read_text(), "id,name\n")

    def test_the_event_tells_what_was_new(self):
        self.run_it()
        self.write("in/b.csv", "id,name\n3,cid\n")
        told = [each for each in self.run_events() if each["type"] == "incremental.planned"]
        self.assertEqual(len(told), 1)
        data = told[0]["data"]
        self.assertEqual((data["new_files"], data["known_files"]), (1, 1))
        kinds = [each["type"] for each in events(self.sluice("events", "last", "--json").stdout)]
        self.assertEqual(kinds[:3], ["run.queued", "run.started", "incremental.planned"])

    def test_a_file_that_was_touched_or_copied_is_known(self):
        self.run_it()
        os.utime(self.folder / "in/a.csv", (1, 1))
        self.assertIn("nothing new", self.run_it())
        self.assertIn("nothing new", self.run_it())
        self.assertEqual(self.loaded(), [1, 2])

    def test_a_file_that_has_grown_is_read_on(self):
        self.run_it()
        with open(self.folder / "in/a.csv", "a") as file:
            file.write('3,"c\n,d"\n4,dora')
        self.assertIn("1 grown file", self.run_it())
        # The last line had no end, and gets one.
        with open(self.folder / "in/a.csv", "a") as file:
            file.write("\n5,emil\n")
        self.assertIn("1 grown file", self.run_it())
        self.assertEqual(self.loaded("id, name"),
                         [(1, "anna"), (2, "ben"), (3, "c\n,d"), (4, "dora"), (5, "emil")])

    def test_a_last_line_that_goes_on_is_a_change(self):
        self.write("in/a.csv", "id,name\n1,anna\n2,be")
        self.run_it()
        with open(self.folder / "in/a.csv", "a") as file:
            file.write("n\n3,cid\n")
        done = self.sluice("run", "p.yaml")
        self.assertIn("in/a.csv (has more text in the line that was its last line)", self.assert_error(done, "file_changed"))
        self.assertEqual(self.loaded(), [1, 2])

    def test_a_changed_file_fails_or_is_read_again(self):
        self.run_it()
        for text, why in (("id,name\n1,anna\n9,ben\n", "has other content"), ("id,name\n1,anna\n", "is shorter"),
                          ("id,name\n7,gus\n1,anna\n2,ben\n", "has other content")):
            with self.subTest(why):
                self.write("in/a.csv", text)
                self.assertIn(why, self.assert_error(self.sluice("run", "p.yaml"), "file_changed"))
        self.write("p.yaml", BY_FILE.replace("by: file", "by: file, changed: read_again"))
        self.assertIn("1 changed file", self.run_it())
        self.assertEqual(self.loaded(), [1, 1, 2, 2, 7])
        self.assertIn("nothing new", self.run_it())

    def test_every_byte_that_was_taken_counts(self):
        rows = [f"{i},name {i}" for i in range(40_000)]  # longer than any begin or end that could be looked at
        text = "\n".join(["id,name", *rows]) + "\n"
        path = self.write("in/a.csv", text)
        self.run_it()
        was = path.stat()
        middle = text.replace("20000,name 20000", "20000,NAME 20000")
        for what, now in (("in the middle", middle), ("in the middle, and grown", middle + "40000,new\n"),
                          ("at its begin, and grown", text.replace("0,name 0\n", "0,NAME 0\n", 1) + "40000,new\n")):
            with self.subTest("corrected " + what):
                self.write("in/a.csv", now)
                self.assertIn("in/a.csv (has other content)", self.assert_error(self.sluice("run", "p.yaml"), "file_changed"))
        for how in ("in place", "by another file"):
            with self.subTest("its time set back, written " + how):
                if how == "in place":
                    self.write("in/a.csv", middle)
                    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
                else:
                    os.utime(self.write("new", middle), ns=(was.st_atime_ns, was.st_mtime_ns))
                    os.replace(self.folder / "new", path)
                self.assertEqual((path.stat().st_size, path.stat().st_mtime_ns), (was.st_size, was.st_mtime_ns))
                self.assertIn("has other content", self.assert_error(self.sluice("run", "p.yaml"), "file_changed"))
        self.write("copy", text)
        os.replace(self.folder / "copy", path)
        self.assertIn("nothing new", self.run_it())
        self.write("in/a.csv", text + "40000,new\n")
        self.assertIn("1 grown file", self.run_it())
        self.assertEqual(len(self.loaded()), 40_001)

    def test_a_corrected_file_is_read_again_where_that_is_asked_for(self):
        text = "id,name\n" + "".join(f"{i},name {i}\n" for i in range(30_000))
        for kind, pack in (("csv", lambda made: made), ("csv.gz", gzip.compress)):
            with self.subTest(kind):
                self.write("p.yaml", BY_FILE.replace("by: file", "by: file, changed: read_again").replace("daily", kind.replace(".", "-"))
                           .replace("in/*.csv", "big/*." + kind).replace("table: orders", f"table: {kind[-2:]}"))
                self.write("big/a." + kind, pack(text.encode()))
                self.run_it()
                self.write("big/a." + kind, pack(text.replace(",name 15000\n", ",NAME 15000\n").encode()))
                self.assertIn("1 changed file", self.run_it())
                with sqlite3.connect(self.folder / "shop.db") as database:
                    self.assertEqual(database.execute(f"select name from {kind[-2:]} where id = 15000 order by 1").fetchall(),
                                     [("NAME 15000",), ("name 15000",)])

    def test_a_packed_file_that_has_grown_was_changed(self):
        self.write("p.yaml", BY_FILE.replace("*.csv", "*.csv.gz"))
        self.write("in/a.csv.gz", gzip.compress(b"id,name\n1,anna\n"))
        self.run_it()
        self.write("in/a.csv.gz", gzip.compress(b"id,name\n1,anna\n") + gzip.compress(b"2,ben\n"))
        self.assert_error(self.sluice("run", "p.yaml"), "file_changed")

    def test_ndjson_is_read_on_too(self):
        self.write("p.yaml", BY_FILE.replace("csv:", "ndjson:").replace("*.csv", "*.ndjson"))
        self.write("in/a.ndjson", '{"id":1,"name":"a"}\n{"id":2,"name":"b"}')
        self.run_it()
        with open(self.folder / "in/a.ndjson", "a") as file:
            file.write('\n{"id":3,"name":"c"}\n')
        self.assertIn("1 grown file", self.run_it())
        self.assertEqual(self.loaded(), [1, 2, 3])

    def test_parquet_files_are_taken_once(self):
        import pyarrow
        import pyarrow.parquet

        self.write("p.yaml", BY_FILE.replace("csv:", "parquet:").replace("*.csv", "*.parquet"))
        for number in (1, 2):
            pyarrow.parquet.write_table(pyarrow.table({"id": [number]}), self.folder / f"in/{number}.parquet")
            self.run_it()
        self.assertEqual(self.loaded(), [1, 2])

    def test_files_that_were_put_away_leave_nothing_new(self):
        self.run_it()
        (self.folder / "in/a.csv").unlink()
        self.assertIn("nothing new", self.run_it())
        self.write("in/b.csv", "id,name\n3,cid\n")
        self.run_it()
        self.assertEqual(self.loaded(), [1, 2, 3])

    def test_a_first_run_without_files_fails(self):
        (self.folder / "in/a.csv").unlink()
        self.assert_error(self.sluice("run", "p.yaml"), "file_not_found")

    def test_only_runs_that_published_are_remembered(self):
        broken = BY_FILE.replace("load:", 'transform:\n  bad:\n    from: orders\n    derive: { x: "id / (id - 2)" }\nload:')
        self.write("p.yaml", broken.replace("from: orders\n    sqlite", "from: bad\n    sqlite"))
        self.run_it(code=1)
        self.assertEqual(self.sluice("state", "show", "daily").returncode, 2)
        self.write("p.yaml", BY_FILE)
        self.run_it()
        self.assertEqual(self.loaded(), [1, 2])

    def test_a_partial_run_has_published_and_is_remembered(self):
        self.write("p.yaml", BY_FILE.replace("    incremental", "    types: { id: bigint }\n    incremental"))
        self.write("in/a.csv", "id,name\n1,anna\nx,ben\n")
        self.run_it(code=3)
        self.assertIn("nothing new", self.run_it())
        self.assertEqual(self.loaded(), [1])

    def test_fresh_takes_everything_again(self):
        self.run_it()
        self.assertIn("1 new file", self.run_it("--fresh"))
        self.assertEqual(self.loaded(), [1, 1, 2, 2])
        self.assertIn("nothing new", self.run_it())

    def test_types_do_not_change_with_the_new_files(self):
        self.write("in/a.csv", "id,name\n1,007\n2,x\n")
        self.run_it()
        self.write("in/b.csv", "id,name\n3,12\n")
        self.run_it()
        self.assertEqual(self.loaded("id, name"), [(1, "007"), (2, "x"), (3, "12")])

    def test_a_file_sink_must_not_replace(self):
        text = BY_FILE.replace("sqlite: { path: shop.db, table: orders }\n    mode: append", "csv: { path: out.csv }")
        self.write("p.yaml", text)
        for verb in ("run", "validate"):
            problem = self.assert_error(self.sluice(verb, "p.yaml"), "replaces_increment")
            self.assertRegex(problem, "p.yaml:[89]")
            self.assertIn("append", problem)
        self.write("p.yaml", text + "    mode: append\n")
        self.run_it()
        self.run_it()
        self.assertEqual((self.folder / "out.csv").read_text(), "id,name\n1,anna\n2,ben\n")

    def test_sources_without_files_are_refused(self):
        self.write("p.yaml", BY_FILE.replace('csv: { path: "in/*.csv" }',
                                             "generate: { rows: 3, columns: { id: sequence } }"))
        self.assert_error(self.sluice("validate", "p.yaml"), "reads_no_files")
        self.write("p.yaml", BY_FILE.replace("in/*.csv", "-"))
        self.assert_error(self.sluice("run", "p.yaml"), "not_a_file")

    def test_wrong_forms_are_explained(self):
        for form, said in (("file", "incremental must be a map"), ("{}", "needs by"), ("{ by: column }", "needs column"),
                           ("{ by: row }", "one of file and column"), ("{ by: file, column: id }", "can only be used with by: column"),
                           ("{ by: column, column: nme }", "did you mean `name`?")):
            with self.subTest(form):
                self.write("p.yaml", BY_FILE.replace("{ by: file }", form))
                done = self.sluice("validate", "p.yaml")
                self.assertEqual(done.returncode, 2)
                self.assertIn(said, done.stderr)

    def test_a_second_live_run_is_refused(self):
        self.write("p.yaml", BY_FILE.replace("daily", "endless").replace('csv: { path: "in/*.csv" }', (
            "generate: { rows: 1000000000, rate: 2000, columns: { id: sequence } }")).replace(
                "{ by: file }", "{ by: column, column: id }"))
        first = self.start("run", "p.yaml")
        record = self.running()
        self.assertIn(str(record["pid"]), self.assert_error(self.sluice("run", "p.yaml"), "already_running"))
        (self.state / "locks/endless").unlink()  # what stands in the Store is enough
        problem = self.assert_error(self.sluice("run", "p.yaml"), "already_running")
        self.assertIn(f"pid {record['pid']}", problem)
        first.send_signal(SIGINT)
        self.assertEqual(self.end_of(first)[0], 130)
        self.assertEqual(self.sluice("state", "show", "endless").returncode, 2)


class ByColumn(Incremental):
    def setUp(self):
        super().setUp()
        self.write("p.yaml", BY_COLUMN)
        self.write("in/a.csv", "id,name\n1,anna\n2,ben\n")

    def test_rows_above_the_highest_value_are_new(self):
        self.run_it()
        self.write("in/a.csv", "id,name\n1,anna\n2,ben\n4,dora\n3,cid\n")
        done = self.run_it()
        self.assertIn("orders: rows with id above 2", done)
        self.assertIn("4 read = 2 loaded + 2 filtered  ok", done)
        self.assertIn("4 read = 0 loaded + 4 filtered  ok", self.run_it())
        self.assertEqual(self.loaded(), [1, 2, 3, 4])
        self.assertEqual(self.state_of()["position"]["value"], "4")

    def test_a_highest_value_of_0_is_one(self):
        self.write("in/a.csv", "id,name\n-1,anna\n0,ben\n")
        self.run_it()
        self.assertEqual(self.state_of()["position"]["value"], "0")
        self.write("in/a.csv", "id,name\n-1,anna\n0,ben\n0,bert\n1,cid\n")
        self.assertIn("4 read = 1 loaded + 3 filtered  ok", self.run_it())
        self.assertEqual(self.loaded(), [-1, 0, 1])

    def test_every_kind_of_column_that_has_an_order(self):
        for kind, old, new in (("timestamptz", "2024-05-01 10:00:00.5+02", "2024-05-01 10:00:00.6+02"),
                               ("timestamp", "2024-05-01 10:00:00", "2024-05-01 10:00:01"),
                               ("date", "2024-05-01", "2024-05-02"), ("decimal(20,4)", "9.5000", "10.0001"),
                               ("decimal(60,4)", "9" * 50 + ".5000", "1" + "0" * 50 + ".0001"),
                               ("text", "b", "c"), ("smallint", "-3", "4")):
            with self.subTest(kind):
                name = "".join(each for each in kind if each.isalnum())
                self.write("p.yaml", BY_COLUMN.replace("daily", "daily-" + name).replace(
                    "column: id", "column: at").replace("    incremental", f'    types: {{ at: "{kind}" }}\n    incremental')
                    .replace("table: orders", "table: t_" + name))
                self.write("in/a.csv", f"id,at\n1,{old}\n")
                self.run_it()
                self.write("in/a.csv", f"id,at\n1,{old}\n2,{new}\n")
                self.assertIn("2 read = 1 loaded + 1 filtered  ok", self.run_it())

    def test_a_column_that_nobody_reads_can_tell(self):
        self.write("p.yaml", BY_COLUMN.replace("load:", "transform:\n  names:\n    from: orders\n    select: [name]\nload:")
                   .replace("from: orders\n    sqlite", "from: names\n    sqlite"))
        self.run_it()
        self.write("in/a.csv", "id,name\n1,anna\n2,ben\n3,cid\n")
        self.run_it()
        self.assertEqual(self.loaded("name"), [("anna",), ("ben",), ("cid",)])

    def test_rows_that_come_late_are_told(self):
        self.run_it()
        self.write("in/a.csv", "id,name\n1,anna\n2,ben\n2,bert\n0,zoe\n3,cid\n")
        late = [each for each in self.run_events() if each["type"] == "incremental.late_rows"]
        self.assertEqual([each["data"]["rows"] for each in late], [2])
        self.assertEqual(self.loaded(), [1, 2, 3])
        self.assertNotIn("incremental.late_rows", [each["type"] for each in self.run_events()])

    def test_a_row_without_value_is_rejected(self):
        self.write("in/a.csv", "id,name\n1,anna\n,ben\n3,cid\n")
        self.run_it(code=3)
        reject = json.loads(self.sluice("rejects", "last", "--json").stdout.splitlines()[0])
        self.assertEqual((reject["code"], reject["line"]), ("null_watermark", 3))
        self.assertIn("ben", reject["record"])
        self.assertEqual(self.loaded(), [1, 3])

    def test_another_way_or_type_is_refused_until_it_is_forgotten(self):
        self.run_it()
        self.write("p.yaml", BY_FILE)
        self.assert_error(self.sluice("run", "p.yaml"), "state_mismatch")
        self.write("p.yaml", BY_COLUMN.replace("    incremental", "    types: { id: text }\n    incremental"))
        self.assert_error(self.sluice("run", "p.yaml"), "state_mismatch")
        self.assertEqual(self.sluice("state", "reset", "daily", "--yes").returncode, 0)
        self.write("p.yaml", BY_FILE)
        self.run_it()

    def test_a_column_without_order_is_refused(self):
        self.write("p.yaml", BY_COLUMN.replace("    incremental", "    types: { id: double }\n    incremental"))
        self.assert_error(self.sluice("validate", "p.yaml"), "invalid_watermark")


class State(Incremental):
    def setUp(self):
        super().setUp()
        self.write("p.yaml", BY_FILE)
        self.write("in/a.csv", "id,name\n1,anna\n2,ben\n")

    def test_it_is_shown_and_forgotten(self):
        self.assertIn("no pipeline has a saved state", self.sluice("state", "show").stderr)
        self.assert_error(self.sluice("state", "show", "daily"), "no_state")
        self.assert_error(self.sluice("state", "reset", "daily", "--yes"), "no_state")
        self.assertFalse(self.state.exists())
        self.run_it()
        shown = self.sluice("state")
        self.assertEqual(shown.returncode, 0)
        self.assertRegex(shown.stdout, r"daily\s+orders\s+1 file, ")
        unit = self.state_of()
        self.assertEqual([os.path.basename(file["path"]) for file in unit["files"]], ["a.csv"])
        self.assertEqual(unit["columns"], [{"name": "id", "type": "bigint"}, {"name": "name", "type": "text"}])
        self.assertIn("in/a.csv", self.sluice("state", "show", "--files").stdout)
        self.assert_error(self.sluice("state", "reset", "daily"), "confirmation_needed")
        self.assert_error(self.sluice("state", "reset", "daily", "--unit", "nobody", "--yes"), "no_state")
        self.assertEqual(self.sluice("state", "reset", "daily", "--unit", "orders", "-y").returncode, 0)
        self.run_it()
        self.assertEqual(self.loaded(), [1, 1, 2, 2])

    def test_wrong_words_are_refused(self):
        self.assertEqual(self.sluice("state", "rest", "daily").returncode, 2)
        self.assertEqual(self.sluice("state", "reset").returncode, 2)

    def test_the_shell_completes_pipelines_with_state(self):
        self.run_it()
        self.assertEqual(self.sluice("__complete", "state", "reset", "").stdout.split(), ["daily"])


if __name__ == "__main__":
    unittest.main()
