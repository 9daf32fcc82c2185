"""A folder as a project: sluice validate FOLDER, --select; and sluice explain --graph."""

import json
import unittest
import xml.etree.ElementTree as xml

from command_line import CommandLine

GOOD = """version: 1
pipeline: {name}
owner: {owner}
tags: [{tag}]
extract:
  rows: {{ generate: {{ rows: 3, columns: {{ id: sequence }} }} }}
transform:
  sums: {{ from: rows, sql: "select id % 2 as odd, count(*) as n from rows group by 1" }}
load:
  out: {{ from: sums, csv: {{ path: out.csv }} }}
"""
NO_DATA = """version: 1
pipeline: no-data
params: { day: { type: date } }
extract:
  rows: { csv: { path: "/nowhere/${day}.csv" } }
load:
  out: { from: rows, csv: { path: out.csv } }
"""
TEST = """tests:
  - { name: counts, given: { rows: [{ id: 1 }, { id: 3 }] }, expect: { sums: [{ odd: 1, n: 2 }] } }
"""


class Project(CommandLine):
    def setUp(self):
        super().setUp()
        self.write("p/a.yaml", GOOD.format(name="load-a", owner="ann", tag="shop"))
        self.write("p/deep/b.yml", GOOD.format(name="load-b", owner="bob", tag="finance"))
        self.write("p/no_data.yaml", NO_DATA)
        self.write("p/compose.yaml", "services: { db: { image: postgres } }\n")

    def validated(self, *words):
        done = self.sluice("validate", "--json", *words)
        told = json.loads(done.stdout)
        return done.returncode, {one["pipeline"]: one for one in told["pipelines"]}

    def test_all_pipelines_of_a_folder_are_checked(self):
        code, told = self.validated("p")
        self.assertEqual((code, sorted(told)), (0, ["load-a", "load-b", "no-data"]))
        self.assertIn("day", told["no-data"]["not_checked"])
        self.assertNotIn("not_checked", told["load-a"])
        shown = self.sluice("validate", "p")
        self.assertEqual(shown.returncode, 0)
        self.assertIn("3 of 3 pipelines are valid", shown.stderr)
        self.assertIn("not checked", shown.stdout)

    def test_faults_are_those_of_the_pipeline(self):
        self.write("p/bad.yaml", GOOD.format(name="bad", owner="ann", tag="x").replace("count(*)", "count(idd)"))
        self.write("p/worse.yaml", NO_DATA.replace("no-data", "worse").replace("load:", "lod:"))
        code, told = self.validated("p")
        self.assertEqual(code, 2)
        self.assertEqual({name for name, one in told.items() if not one["valid"]}, {"bad", "worse"})
        self.assertEqual(told["bad"]["errors"][0]["code"], "unknown_column")
        self.assertIn("p/bad.yaml:8:", self.sluice("validate", "p").stderr)

    def test_two_pipelines_of_one_name_are_refused(self):
        self.write("p/copy.yaml", GOOD.format(name="load-a", owner="ann", tag="shop"))
        code, told = self.validated("p")
        self.assertEqual(code, 2)
        self.assertEqual(told["load-a"]["errors"][0]["code"], "duplicate_pipeline")

    def test_what_pipelines_include_is_checked_with_them(self):
        head, rest = GOOD.split("transform:")
        self.write("p/shared/rows.yaml", head[head.index("extract:") :].format() + "tags: [included]\n")
        report = GOOD.format(name="report", owner="ann", tag="x").replace(head[head.index("extract:") :].format(), "")
        self.write("p/report.yaml", "include: shared/rows.yaml\n" + report + TEST)
        code, told = self.validated("p")
        self.assertEqual((code, sorted(told)), (0, ["load-a", "load-b", "no-data", "report"]))
        self.assertEqual(set(self.validated("p", "--select", "tag:included")[1]), {"report"})
        self.assertEqual(self.sluice("test", "p/report.yaml").returncode, 0)
        self.assertEqual(self.sluice("run", "p/report.yaml").returncode, 0)
        self.assertEqual((self.folder / "out.csv").read_text(), "odd,n\n1,2\n0,1\n")
        # A fault in a shared file is a fault of each pipeline; it names the file.
        self.write("p/shared/rows.yaml", "extract:\n  rows: { generate: { rows: 3, column: { id: sequence } } }\n")
        code, told = self.validated("p")
        self.assertEqual((code, told["report"]["valid"], told["load-a"]["valid"]), (2, False, True))
        self.assertEqual((told["report"]["errors"][0]["file"], told["report"]["errors"][0]["line"]), ("p/shared/rows.yaml", 2))
        # One that is not there is no data that is somewhere else.
        (self.folder / "p/shared/rows.yaml").unlink()
        code, told = self.validated("p")
        self.assertEqual((code, told["report"]["errors"][0]["code"]), (2, "include_not_found"))

    def test_select_takes_some(self):
        for rule, wanted in (("load-*", {"load-a", "load-b"}), ("load-b", {"load-b"}), ("tag:finance", {"load-b"}),
                             ("owner:ann", {"load-a"}), ("path:deep", {"load-b"})):
            self.assertEqual(set(self.validated("p", "--select", rule)[1]), wanted, rule)
        self.assertEqual(set(self.validated("p", "--select", "load-a", "--select", "tag:finance")[1]), {"load-a", "load-b"})
        done = self.sluice("validate", "p", "--select", "tag:financ")
        self.assertEqual(done.returncode, 2)
        self.assertIn("did you mean tag:finance?", done.stderr)

    def test_params_are_set_where_they_are(self):
        self.write("p/2024-05-01.csv", "id\n1\n")
        self.write("p/no_data.yaml", NO_DATA.replace("/nowhere", str(self.folder / "p")))
        code, told = self.validated("p", "--set", "day=2024-05-01")
        self.assertEqual(code, 0)
        self.assertNotIn("not_checked", told["no-data"])

    def test_a_folder_without_pipelines_is_told(self):
        (self.folder / "empty").mkdir()
        self.assert_error(self.sluice("validate", "empty"), "no_pipelines")

    def test_the_graph_is_svg_with_each_unit(self):
        done = self.sluice("explain", "p/a.yaml", "--graph")
        self.assertEqual(done.returncode, 0, done.stderr)
        root = xml.fromstring(done.stdout)
        texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
        for unit in ("rows", "sums", "out"):
            self.assertIn(unit, texts)
        self.assertEqual(len(list(root.iter("{http://www.w3.org/2000/svg}g"))), texts.count("steps") + 2)


if __name__ == "__main__":
    unittest.main()
