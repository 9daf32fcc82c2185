"""`sluice profile`: what it finds in a file, and that the rules it suggests hold for it."""

import json
import unittest

from command_line import CommandLine

ROWS = "id,zip,country,amount,note,at\n" + "".join(
    f"{number},{number * 37 % 90000 + 10000:05}-{'AB' if number % 2 else 'CD'},{['DE', 'FR', 'IT'][number % 3]},{number * 1.25:.2f},"
    f"{'' if number % 4 else 'a note'},2024-05-{number % 28 + 1:02}\n" for number in range(1, 101))


class Profile(CommandLine):
    def profile(self, *words):
        done = self.sluice("profile", *words, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_what_is_found(self):
        self.write("orders.csv", ROWS)
        found = self.profile("orders.csv")
        self.assertEqual(found["rows"], 100)
        columns = {each["name"]: each for each in found["columns"]}
        self.assertEqual(columns["id"], {"name": "id", "type": "bigint", "nulls": 0, "distinct": 100, "least": "1", "most": "100"})
        self.assertEqual((columns["zip"]["patterns"], columns["zip"]["pattern"], columns["zip"]["distinct"]), (1, "99999-AA", 100))
        self.assertEqual(sorted(columns["country"]["values"]), ["DE", "FR", "IT"])
        self.assertEqual((columns["note"]["nulls"], columns["note"]["distinct"]), (75, 1))
        self.assertEqual((columns["at"]["type"], columns["at"]["least"], columns["at"]["most"]), ("date", "2024-05-01", "2024-05-28"))

    def test_suggested_rules_hold_and_are_broken_by_other_rows(self):
        self.write("orders.csv", ROWS)
        rules = self.profile("orders.csv")["rules"]
        self.assertEqual(rules["present"], {"not_null": ["id", "zip", "country", "amount", "at"]})
        self.assertEqual(rules["unique_id"], {"unique": ["id"]})
        self.assertEqual(rules["form_zip"], {"matches": {"zip": "^[0-9]{5}-[A-Z]{2}$"}})
        shown = self.sluice("profile", "orders.csv").stdout
        text = shown[shown.index("    validate:\n"):]
        pipeline = ("version: 1\npipeline: checked\nextract:\n  orders: { csv: { path: orders.csv }, types: { amount: \"decimal(12,2)\" } }\ntransform:\n  checked:\n    from: orders\n"
                    + text + "load:\n  out: { from: checked, csv: { path: out.csv } }\n")
        self.write("p.yaml", pipeline)
        done = self.sluice("run", "p.yaml", "-q")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / "out.csv").read_text().count("\n"), 101)
        self.write("orders.csv", ROWS + "101,1-AB,DE,1,,2024-05-01\n102,99998-ZZ,XX,1,,2024-05-01\n103,99999-ZZ,DE,9999,,2024-05-01\n")
        self.write("p.yaml", pipeline + "rejects: { allow: 10 }\n")
        done = self.sluice("run", "p.yaml", "-q")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(self.sluice("status", "last", "--json").stdout)["summary"]["rejected"], 3)

    def test_other_formats_and_contradictions(self):
        self.write("rows.ndjson", '{"a": 1, "l": [1, 2], "s": {"x": null}}\n{"a": null, "l": null, "s": null}\n')
        found = {each["name"]: each for each in self.profile("rows.ndjson")["columns"]}
        self.assertEqual((found["a"]["nulls"], found["l"]["nulls"], found["a"]["most"]), (1, 1, "1"))
        self.assertNotIn("distinct", found["l"])
        self.write("empty.csv", "a,b\n")
        self.assertEqual(self.profile("empty.csv")["rows"], 0)

    def test_mistakes(self):
        self.write("p.yaml", "version: 1\npipeline: p\n")
        self.assert_error(self.sluice("profile", "p.yaml"), "bad_arguments", 2)
        self.assert_error(self.sluice("profile", "none.csv"), "file_not_found", 2)


class Fresh(CommandLine):
    def go(self, rule, now, exit_code):
        self.write("in.csv", f"id,at,day\n1,2020-01-01 00:00:00,2020-01-01\n2,{now},2024-05-01\n")
        self.write("p.yaml", f"""\
version: 1
pipeline: fresh
extract:
  rows: {{ csv: {{ path: in.csv }}, types: {{ at: timestamptz, day: date }} }}
transform:
  checked: {{ from: rows, validate: {{ new: {{ {rule} }} }} }}
load:
  out: {{ from: checked, csv: {{ path: out.csv }} }}
""")
        done = self.sluice("run", "p.yaml", "-q")
        self.assertEqual(done.returncode, exit_code, done.stderr)
        return done

    def test_the_newest_value_counts(self):
        self.go("fresh: { at: 1h }", "9999-01-01 00:00:00", 0)
        done = self.go("fresh: { at: 1d }", "2024-05-01 12:00:00", 1)
        self.assert_error(done, "rule_broken", 1)
        self.assertIn("at most 1d old, but the newest is 2024-05-01 12:00:00+00", done.stderr)
        self.assert_error(self.go("fresh: { id: 1d }", "", 2), "invalid_option", 2)
        self.assert_error(self.go("fresh: { day: 1d }, severity: reject", "", 2), "invalid_option", 2)
        self.assertIn("soon", self.go("fresh: { day: soon }", "", 2).stderr)


if __name__ == "__main__":
    unittest.main()
