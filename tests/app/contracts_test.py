"""Columns that come and go: what becomes of them is what the source's contract says."""

import json
import unittest

from remembering import BY_FILE, Incremental

CONTRACT = """\
version: 1
pipeline: daily
rejects: { allow: 10 }
extract:
  orders:
    csv: { path: "in/*.csv" }
    contract: CONTRACT
load:
  out:
    from: orders
    csv: { path: out.csv }
"""


class Contracts(Incremental):
    def setUp(self):
        super().setUp()
        self.write("in/a.csv", "id,name\n1,anna\n")

    def use(self, contract, text=CONTRACT):
        self.write("p.yaml", text.replace("CONTRACT", contract))

    def out(self):
        return (self.folder / "out.csv").read_text()

    def drifts(self):
        return [each["data"] for each in self.run_events() if each["type"] == "schema.drifted"]

    def test_without_a_contract_the_hint_names_evolve(self):
        self.write("p.yaml", CONTRACT.replace("    contract: CONTRACT\n", ""))
        self.write("in/b.csv", "id,name,mail\n2,ben,b@x\n")
        problem = self.assert_error(self.sluice("run", "p.yaml"), "different_columns")
        self.assertIn("in/b.csv", problem)
        self.assertIn("contract: evolve beside csv", problem)
        self.use("evolve")
        self.run_it()

    def test_changes_are_told_in_one_short_line_each(self):
        self.use("evolve")
        for name in "bcd":
            self.write(f"in/{name}.csv", "id,name,mail,tel\n1,x,y,z\n")
        self.write("in/e.csv", "id,mail,tel,name\n1,x,y,z\n")
        self.write("in/f.csv", "id\n1\n")
        done = self.sluice("run", "p.yaml")
        told = [line for line in done.stderr.splitlines() if line.startswith("orders: ")]
        self.assertEqual(told, ["orders: missing columns: name (null) in in/f.csv",
                                "orders: new columns: mail, tel (read) in in/b.csv and 3 other files"], done.stderr)

    def test_freeze_fails_until_the_change_is_accepted(self):
        self.use("freeze")
        self.run_it()
        self.run_it()
        self.write("in/a.csv", "id,name,mail\n1,anna,a@x\n")
        problem = self.assert_error(self.sluice("run", "p.yaml"), "schema_changed")
        self.assertIn("new columns: mail", problem)
        self.assertIn("sluice state reset daily --unit orders --schema", problem)
        self.assertEqual(self.out(), "id,name\n1,anna\n")
        self.assertEqual(self.sluice("state", "reset", "daily", "--unit", "orders", "--schema", "--yes").returncode, 0)
        self.run_it()
        self.assertEqual(self.out(), "id,name,mail\n1,anna,a@x\n")

    def test_freeze_compares_the_files_of_one_run(self):
        self.use("freeze")
        self.write("in/b.csv", "id\n2\n")
        self.assertIn("missing columns: name", self.assert_error(self.sluice("run", "p.yaml"), "schema_changed"))

    def test_evolve_takes_new_columns_and_fills_lost_ones(self):
        self.use("evolve")
        self.write("in/b.csv", "mail,id,name\nb@x,2,ben\n")
        self.write("in/c.csv", "id\n3\n")
        drifts = self.drifts()
        self.assertEqual([(each["new"], each["lost"]) for each in drifts], [(["mail"], []), ([], ["name"])])
        self.assertEqual(self.out(), "id,name,mail\n1,anna,\n2,ben,b@x\n3,,\n")
        # The next run knows all columns, also where no file has them any more.
        (self.folder / "in/b.csv").unlink()
        self.run_it()
        self.assertEqual(self.out(), "id,name,mail\n1,anna,\n3,,\n")

    def test_discard_passes_new_columns_over(self):
        self.use("discard")
        self.run_it()
        self.write("in/a.csv", "mail,id\na@x,1\n")
        drifts = self.drifts()
        self.assertEqual([(each["new"], each["lost"]) for each in drifts], [(["mail"], ["name"])])
        self.assertEqual(self.out(), "id,name\n1,\n")

    def test_quarantine_rejects_the_rows_of_other_files(self):
        self.use("quarantine")
        self.run_it()
        self.write("in/b.csv", 'id,name,mail\n2,"b,en",b@x\n3,cid,\n')
        done = self.run_it()
        self.assertIn("3 read = 1 loaded + 2 rejected  ok", done)
        self.assertEqual(self.out(), "id,name\n1,anna\n")
        rejects = [json.loads(line) for line in self.sluice("rejects", "export", "last").stdout.splitlines()]
        self.assertEqual([(each["code"], each["line"]) for each in rejects], [("schema_drifted", 2), ("schema_drifted", 3)])
        self.assertEqual(json.loads(rejects[0]["record"]), {"id": "2", "name": "b,en", "mail": "b@x"})
        self.assertIn("new columns: mail", rejects[0]["message"])

    def test_types_stay_those_of_the_first_run(self):
        self.use("evolve")
        self.run_it()
        self.write("in/a.csv", "id,name\nx,anna\n")
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("types: { id: text }", done.stderr)
        self.use("evolve", CONTRACT.replace("    contract", "    types: { id: text }\n    contract"))
        self.run_it()
        self.assertEqual(self.out(), "id,name\nx,anna\n")

    def test_ndjson_fields(self):
        text = CONTRACT.replace("csv: { path: \"in/*.csv\" }", "ndjson: { path: in/a.ndjson }")
        old, new = '{"id":1,"name":"anna"}\n', '{"id":1,"mail":"a@x"}\n'
        for contract, out, code in (("evolve", "id,name,mail\n1,,a@x\n", 0), ("discard", "id,name\n1,\n", 0),
                                    ("quarantine", "id,name\n", 0), ("freeze", "id,name\n1,anna\n", 2)):
            with self.subTest(contract):
                self.use(contract, text.replace("daily", "daily-" + contract))
                self.write("in/a.ndjson", old)
                self.run_it()
                self.write("in/a.ndjson", new)
                self.run_it(code=code)
                self.assertEqual(self.out(), out)

    def test_parquet_columns_and_types(self):
        import pyarrow
        import pyarrow.parquet

        def put(path, **columns):
            pyarrow.parquet.write_table(pyarrow.table(columns), self.folder / path)

        text = CONTRACT.replace("csv: { path: \"in/*.csv\" }", 'parquet: { path: "in/*.parquet" }')
        put("in/a.parquet", id=[1], name=["anna"])
        self.use("evolve", text)
        put("in/b.parquet", id=[2], mail=["b@x"])
        self.run_it()
        self.assertEqual(self.out(), "id,name,mail\n1,anna,\n2,,b@x\n")
        put("in/b.parquet", id=["two"], name=["ben"])
        self.assertIn("id is text, was bigint", self.assert_error(self.sluice("run", "p.yaml"), "schema_changed"))
        self.use("quarantine", text.replace("daily", "other"))
        self.run_it()
        self.assertEqual(self.out(), "id,name\n1,anna\n")

    def test_contract_and_incremental_go_together(self):
        self.write("p.yaml", BY_FILE.replace("    incremental", "    contract: discard\n    incremental"))
        self.run_it()
        self.write("in/b.csv", "name,id,mail\nben,2,b@x\n")
        self.assertIn("new columns: mail", self.run_it())
        self.assertIn("nothing new", self.run_it())
        self.assertEqual(self.loaded("id, name"), [(1, "anna"), (2, "ben")])


if __name__ == "__main__":
    unittest.main()
