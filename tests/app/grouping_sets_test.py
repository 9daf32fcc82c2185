"""aggregate with sets, rollup and cube: rows for each set, and faults that point at what was written, once."""

import csv
import unittest

from command_line import CommandLine

PIPELINE = """version: 1
pipeline: sums
extract:
  orders: {{ csv: {{ path: orders.csv }} }}
transform:
  sums:
    from: orders
    aggregate: {aggregate}
load:
  out: {{ from: sums, csv: {{ path: out.csv }} }}
"""


class GroupingSets(CommandLine):
    def setUp(self):
        super().setUp()
        self.write("orders.csv", "country,city,n\nDE,Berlin,1\nDE,Bonn,2\nFR,Paris,4\nFR,,8\n")

    def rows(self, aggregate):
        self.write("p.yaml", PIPELINE.format(aggregate=aggregate))
        done = self.sluice("run", "-q", "p.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.folder / "out.csv", newline="") as file:
            return sorted(tuple(row) for row in list(csv.reader(file))[1:])

    def fault(self, aggregate):
        self.write("p.yaml", PIPELINE.format(aggregate=aggregate))
        done = self.sluice("validate", "p.yaml")
        self.assertEqual(done.returncode, 2, done.stdout)
        return done.stderr

    def test_rollup_has_the_sums_of_each_prefix(self):
        each = [("DE", "Berlin", "1"), ("DE", "Bonn", "2"), ("FR", "Paris", "4"), ("FR", "", "8")]
        self.assertEqual(self.rows('{ rollup: [country, city], compute: { s: "sum(n)" } }'),
                         sorted([*each, ("DE", "", "3"), ("FR", "", "12"), ("", "", "15")]))

    def test_cube_has_all_combinations_and_sets_those_that_are_named(self):
        wanted = [("DE", "3"), ("FR", "12"), ("", "15")]
        self.assertEqual(self.rows('{ cube: [country], compute: { s: "sum(n)" } }'), sorted(wanted))
        self.assertEqual(self.rows('{ sets: [[country], []], compute: { s: "sum(n)" } }'), sorted(wanted))
        self.assertEqual(len(self.rows('{ cube: [country, city], compute: { s: "sum(n)" } }')), 4 + 2 + 4 + 1)

    def test_columns_of_by_are_in_each_set(self):
        self.assertEqual(self.rows('{ by: [country], sets: [[city], []], compute: { c: "count(*)" } }'),
                         sorted([("DE", "Berlin", "1"), ("DE", "Bonn", "1"), ("FR", "Paris", "1"), ("FR", "", "1"), ("DE", "", "2"), ("FR", "", "2")]))

    def test_the_empty_set_has_a_row_for_no_rows(self):
        self.write("orders.csv", "country,city,n\n")
        self.assertEqual(self.rows('{ rollup: [country], compute: { c: "count(*)" } }'), [("", "0")])

    def test_faults_are_told_once_and_where_they_are(self):
        told = self.fault('{ rollup: [country, city], compute: { s: "sum(m)" } }')
        self.assertEqual(told.count("error["), 1, told)
        self.assertIn("p.yaml:8:", told)
        self.assertIn("there is no column m", told)
        self.assertIn("unit sums:", told)
        self.assertIn("did you mean", self.fault('{ rollup: [contry], compute: { s: "sum(n)" } }'))
        self.assertIn("one of sets, rollup and cube", self.fault('{ rollup: [country], cube: [city], compute: { s: "sum(n)" } }'))
        self.assertIn("sets is empty", self.fault('{ sets: [], compute: { s: "sum(n)" } }'))

    def test_a_step_can_not_have_them(self):
        self.write("p.yaml", PIPELINE.replace("aggregate: {aggregate}", 'steps: [{{ aggregate: {{ rollup: [country], compute: {{ s: "sum(n)" }} }} }}]').format())
        self.assertIn("separate unit", self.sluice("validate", "p.yaml").stderr)


if __name__ == "__main__":
    unittest.main()
