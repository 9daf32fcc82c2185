"""--params FILE: values of params from a file."""

import unittest

from command_line import CommandLine


class ParamsFile(CommandLine):
    def test_params_come_from_a_file_and_set_takes_precedence(self):
        self.write("params.yaml", "day: 2024-05-01\nlimit: 3\n")
        self.write("d.yaml", "pipeline: d\nparams: { day: { type: date }, limit: { type: integer }, name: { type: text, default: x } }\n"
                   "extract: { n: { generate: { rows: 10, columns: { id: sequence } } } }\n"
                   "load: { out: { from: n, csv: { path: \"out/${day}-${limit}-${name}.csv\" } } }\n")
        done = self.sluice("run", "d.yaml", "--params", "params.yaml", "--set", "limit=4")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.folder / "out/2024-05-01-4-x.csv").exists())
        self.write("bad.yaml", "day: [1, 2]\n")
        self.assertIn("bad.yaml:1:1", self.assert_error(self.sluice("run", "d.yaml", "--params", "bad.yaml"), "invalid_value"))
        self.assert_error(self.sluice("run", "d.yaml", "--params", "missing.yaml"), "file_not_found")


if __name__ == "__main__":
    unittest.main()
