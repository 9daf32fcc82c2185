"""pivot without into: its values are found before the run."""

import unittest

from command_line import CommandLine

TEXT = """version: 1
pipeline: wide
extract:
  sales: {{ csv: {{ path: in.csv }}, types: {{ id: bigint, month: {type}, amount: "decimal(10,2)" }} }}
transform:
  some: {{ from: sales, filter: "id < 9" }}
  wide: {{ from: some, pivot: {{ by: [id], on: month, values: {{ amount: "sum(amount)" }}{more} }} }}
  sorted: {{ from: wide, sort: [id] }}
load:
  out: {{ from: sorted, csv: {{ path: out.csv }} }}
"""


class PivotValues(CommandLine):
    def go(self, code=0, type="text", more="", verb="run"):
        self.write("p.yaml", TEXT.format(type=type, more=more))
        done = self.sluice(verb, "p.yaml")
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_values_become_columns_in_their_order(self):
        self.write("in.csv", "id,month,amount\n1,feb,2.50\n1,jan,1\n2,feb,3\n2,,9\n9,mar,7\n")
        self.go()
        self.assertEqual((self.folder / "out.csv").read_text(), "id,amount_feb,amount_jan\n1,2.50,1.00\n2,3.00,\n")
        self.assertIn("amount_feb", self.go(verb="preview").stdout)
        self.assertIn("p.yaml", self.go(verb="validate").stdout + "p.yaml")
        self.write("in.csv", "id,month,amount\n1,10,2.50\n1,9,1\n")
        self.go(type="bigint")
        self.assertEqual((self.folder / "out.csv").read_text(), "id,amount_9,amount_10\n1,1.00,2.50\n")
        self.write("in.csv", "id,month,amount\n1,2024-05-01,2.50\n")
        self.go(type="date")
        self.assertEqual((self.folder / "out.csv").read_text(), "id,amount_2024-05-01\n1,2.50\n")

    def test_too_many_values_and_none_are_refused(self):
        self.write("in.csv", "id,month,amount\n" + "".join(f"{i % 9},m{i},1\n" for i in range(20)))
        self.assertIn("more than 10 values", self.assert_error(self.go(2, more=", max: 10"), "too_many_columns"))
        self.write("in.csv", "id,month,amount\n")
        self.assertIn("has no values", self.assert_error(self.go(2), "invalid_option"))
        self.assertIn("p.yaml:7:", self.go(2).stderr)


if __name__ == "__main__":
    unittest.main()
