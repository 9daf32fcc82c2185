"""Folders by partition: what is written is read back, replaced, appended, and published all or nothing."""

import json
import resource
import subprocess
import unittest

from command_line import BINARY, PATIENCE, CommandLine

WRITE = """\
version: 1
pipeline: lake
extract:
  rows: {{ csv: {{ path: in.csv }}, types: {{ id: bigint, name: text, day: date, n: bigint }} }}
load:
  lake:
    from: rows
    {format}: {{ path: out/lake, partition_by: [{keys}]{more} }}
    {mode}
"""
READ = """\
version: 1
pipeline: back
extract:
  lake: {{ {format}: {{ path: out/lake/ }}{types} }}
transform:
  picked: {{ from: lake, steps: [{{ select: [id, name, day, n] }}, {{ sort: [id] }}] }}
load:
  out: {{ from: picked, csv: {{ path: back.csv }} }}
"""
TYPES = ', types: { id: bigint, name: text, day: date, n: bigint }'


class Partitions(CommandLine):
    def write_lake(self, format="parquet", keys="day", mode="", more="", exit_code=0):
        self.write("p.yaml", WRITE.format(format=format, keys=keys, more=more, mode=f"mode: {mode}" if mode else ""))
        done = self.sluice("run", "p.yaml", "-q")
        self.assertEqual(done.returncode, exit_code, done.stderr)
        return done

    def read_lake(self, format="parquet", types=""):
        self.write("r.yaml", READ.format(format=format, types=types))
        done = self.sluice("run", "r.yaml", "-q")
        self.assertEqual(done.returncode, 0, done.stderr)
        return (self.folder / "back.csv").read_text().splitlines()[1:]

    def folders(self):
        return sorted(str(path.parent.relative_to(self.folder / "out/lake")) for path in (self.folder / "out/lake").rglob("part-*"))

    def hidden(self):
        return [path for path in (self.folder / "out").rglob(".*")]

    def test_values_in_names_of_folders_come_back(self):
        names = ["plain", "", "a/b", "50%", "x=y", " spaced ", "__HIVE_DEFAULT_PARTITION__", ".hidden", "..", "ä\u2603", 'q"uote',
                 "colon:", "glob*?[", "_under", "12:30"]
        lines = [f'{i},"{name.replace(chr(34), chr(34) * 2)}",2024-05-0{1 + i % 3},{i * 10}' for i, name in enumerate(names)]
        lines.append(f"{len(names)},,,5")  # nulls
        self.write("in.csv", "id,name,day,n\n" + "\n".join(lines) + "\n")
        expected = [line.replace('"plain"', "plain") for line in lines]
        for format in ("parquet", "csv", "ndjson", "ipc"):
            with self.subTest(format=format):
                subprocess.run(["rm", "-rf", self.folder / "out"], check=True)
                self.write_lake(format, "day, name")
                types = {"parquet": ", types: { name: text }", "ipc": ""}.get(format, TYPES)
                back = self.read_lake(format, types)
                self.assertEqual([line.replace('"', "") for line in back], [line.replace('"', "") for line in expected])
                self.assertEqual(self.hidden(), [])
        self.assertIn("day=__HIVE_DEFAULT_PARTITION__/name=__HIVE_DEFAULT_PARTITION__", self.folders())
        self.assertIn("day=2024-05-03/name=a%2Fb", self.folders())
        self.assertIn("day=2024-05-01/name=%5F_HIVE_DEFAULT_PARTITION__", self.folders())

    def test_modes(self):
        self.write("in.csv", "id,name,day,n\n1,a,2024-05-01,1\n2,b,2024-05-02,2\n")
        self.write_lake(mode="error")
        self.assert_error(self.write_lake(mode="error", exit_code=1), "target_exists", 1)
        self.write("in.csv", "id,name,day,n\n3,c,2024-05-02,3\n4,d,2024-05-03,4\n")
        self.write_lake(mode="append")
        self.assertEqual([line[0] for line in self.read_lake()], ["1", "2", "3", "4"])
        self.write("in.csv", "id,name,day,n\n5,e,2024-05-02,5\n")
        (self.folder / "out/lake/day=2024-05-02/notes.txt").write_text("of someone else")
        self.write_lake(mode="replace_partitions")
        self.assertEqual([line[0] for line in self.read_lake()], ["1", "4", "5"])
        self.write_lake(mode="replace")
        self.assertEqual([line[0] for line in self.read_lake()], ["5"])
        self.assertFalse((self.folder / "out/lake/day=2024-05-01").exists())
        self.assertEqual((self.folder / "out/lake/day=2024-05-02/notes.txt").read_text(), "of someone else")

    def test_partitions_of_other_programs_are_replaced(self):
        self.write("in.csv", "id,name,day,n\n1,a,2024-05-01,1\n2,b,2024-05-02,2\n")
        self.write_lake("csv")
        for part in (self.folder / "out/lake").rglob("part-*"):
            part.rename(part.with_name("data_0.csv"))
        self.write("in.csv", "id,name,day,n\n5,e,2024-05-02,5\n")
        self.write_lake("csv", mode="replace_partitions")
        self.assertEqual([line[0] for line in self.read_lake("csv", TYPES)], ["1", "5"])

    def test_names_of_folders_are_columns_of_all_formats(self):
        for format, text in [("csv", "id,name\n1,a\n"), ("ndjson", '{"id":1,"name":"a"}\n'), ("json", '[{"id":1,"name":"a"}]')]:
            for day, n in [("2024-05-01", "7"), ("__HIVE_DEFAULT_PARTITION__", "8")]:
                self.write(f"in/{format}/day={day}/n={n}/a.{format}", text)
            self.write("r.yaml", f"""version: 1
pipeline: folders
extract:
  rows: {{ {format}: {{ path: in/{format}/ }}, metadata: {{ _file: path }} }}
transform:
  picked: {{ from: rows, steps: [{{ filter: "n > 7 or day > date '2024-04-30'" }}, {{ select: [n, day, name, id, {{ f: "right(_file, 5) <> ''" }}] }}, {{ sort: [n] }}] }}
load:
  out: {{ from: picked, csv: {{ path: back.csv }} }}
""")
            done = self.sluice("run", "r.yaml", "-q")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual((self.folder / "back.csv").read_text(), "n,day,name,id,f\n7,2024-05-01,a,1,true\n8,,a,1,true\n", format)
        some = "version: 1\npipeline: some\nextract:\n  rows: { csv: { path: in/csv/ }, columns: [n, id], types: { n: text } }\nload:\n  out: { from: rows, ndjson: { path: back.ndjson } }\n"
        self.write("s.yaml", some)
        self.assertEqual(self.sluice("run", "s.yaml", "-q").returncode, 0)
        self.assertEqual((self.folder / "back.ndjson").read_text().splitlines()[0], '{"n":"7","id":1}')
        # What stands in the files comes first; nothing is read but the names where only those are wanted.
        self.write("in/csv/day=2024-05-01/n=7/a.csv", "id,name,n\n1,a,70\n")
        self.write("in/csv/day=__HIVE_DEFAULT_PARTITION__/n=8/a.csv", "id,name,n\n1,a,80\n")
        self.write("s.yaml", some.replace("columns: [n, id], types: { n: text }", "types: { n: bigint }"))
        self.assertEqual(self.sluice("run", "s.yaml", "-q").returncode, 0)
        self.assertEqual((self.folder / "back.ndjson").read_text().splitlines()[0], '{"id":1,"name":"a","n":70,"day":"2024-05-01"}')
        self.write("in/csv/other=1/a.csv", "id,name,n\n1,a,70\n")
        self.assertIn("have other columns", self.assert_error(self.sluice("run", "s.yaml"), "different_columns"))

    def test_files_of_limited_rows_and_size(self):
        self.write("in.csv", "id,name,day,n\n" + "".join(f"{i},{'x' * 50}{i},2024-05-0{1 + i % 2},{i}\n" for i in range(100_000)))
        self.write_lake("csv", more=", file_rows: 20000")
        counts = [len(part.read_text().splitlines()) - 1 for part in (self.folder / "out/lake").rglob("part-*")]
        self.assertEqual(sorted(counts), [10000, 10000, 20000, 20000, 20000, 20000])
        self.write("p.yaml", WRITE.format(format="csv", keys="day", more=", file_size: 1MiB", mode="").replace("partition_by: [day], ", ""))
        self.assertEqual(self.sluice("run", "p.yaml", "-q").returncode, 0)
        sizes = sorted(part.stat().st_size for part in (self.folder / "out/lake").glob("part-*"))
        self.assertGreater(len(sizes), 4)
        self.assertTrue(all(1 << 20 <= size < 5 << 20 for size in sizes[1:]), sizes)

    def test_many_partitions_with_few_descriptors_and_little_memory(self):
        rows, days = 300_000, 2000
        self.write("in.csv", "id,name,day,n\n" + "".join(f"{i},{'name' * 20},2024-01-01,{i * 7919 % days}\n" for i in range(rows)))
        text = WRITE.format(format="ndjson", keys="n", more="", mode="").replace("pipeline: lake", "pipeline: lake\nrun: { memory: 16MiB }")
        self.write("p.yaml", text)
        done = subprocess.run([BINARY, "run", "p.yaml", "-q", "--progress", "none"], cwd=self.folder, env=self.environment(), text=True,
                              capture_output=True, timeout=PATIENCE * 10,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200)))
        self.assertEqual(done.returncode, 0, done.stderr)
        parts = list((self.folder / "out/lake").rglob("part-*"))
        self.assertEqual(len(parts), days)
        last = {}
        seen = 0
        for part in parts:
            n = int(part.parent.name.removeprefix("n="))
            for line in part.read_text().splitlines():
                row = json.loads(line)
                self.assertEqual(row["id"] * 7919 % days, n)
                self.assertGreater(row["id"], last.get(n, -1), "rows of a partition keep their order")
                last[n] = row["id"]
                seen += 1
        self.assertEqual(seen, rows)
        self.assertEqual(self.hidden(), [])

    def test_a_run_that_fails_leaves_nothing(self):
        self.write("in.csv", "id,name,day,n\n" + "".join(f"{i},a,2024-05-{1 + i % 28:02},{i - 999}\n" for i in range(1000)))
        self.write("p.yaml", WRITE.format(format="parquet", keys="day", more="", mode="").replace(
            "load:", 'transform:\n  t: { from: rows, derive: { q: "1 / n" } }\nload:').replace("from: rows\n    parquet", "from: t\n    parquet"))
        self.assert_error(self.sluice("run", "p.yaml", "-q"), "division_by_zero", 1)
        self.assertFalse((self.folder / "out/lake").exists() and list((self.folder / "out/lake").rglob("*")))

    def test_rows_that_json_can_not_hold_are_rejected(self):
        self.write("in.csv", "id,name,day,n\n1,a,2024-05-01,1\n2,b,2024-05-01,0\n3,c,2024-05-02,2\n")
        text = WRITE.format(format="ndjson", keys="day", more="", mode="on_error: reject").replace(
            "load:", "transform:\n  t: { from: rows, derive: { q: \"case when n = 0 then 'NaN'::double else n end\" } }\nload:")
        self.write("p.yaml", text.replace("from: rows\n    ndjson", "from: t\n    ndjson") + "rejects: { allow: 1 }\n")
        done = self.sluice("run", "p.yaml", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.folders()), 2)
        self.assertIn("not_representable", self.sluice("rejects", "export", "last", "-").stdout)

    def test_mistakes(self):
        self.write("in.csv", "id,name,day,n\n1,a,2024-05-01,1\n")
        cases = [("dya", "", "", "unknown_column", "did you mean day?"), ("day, day", "", "", "invalid_option", "twice"),
                 ("id, name, day, n", "", "", "invalid_option", "none is left"),
                 ("day", "", ", file_rows: 0", "invalid_option", "at least 1 row")]
        for keys, mode, more, code, words in cases:
            with self.subTest(keys=keys, more=more):
                done = self.write_lake(keys=keys, mode=mode, more=more, exit_code=2)
                self.assert_error(done, code, 2)
                self.assertIn(words, done.stderr)
        self.write("p.yaml", WRITE.format(format="csv", keys="day", more="", mode="mode: replace_partitions").replace(", partition_by: [day]", ""))
        done = self.sluice("run", "p.yaml")
        self.assert_error(done, "invalid_option", 2)
        self.assertIn("add partition_by", done.stderr)
        self.write("in.csv", f"id,name,day,n\n1,{'x' * 300},2024-05-01,1\n")
        self.assert_error(self.write_lake(keys="name", exit_code=1), "value_too_large", 1)
        self.assertEqual(list((self.folder / "out").rglob("*")) if (self.folder / "out").exists() else [], [])


if __name__ == "__main__":
    unittest.main()
