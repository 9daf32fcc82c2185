"""Typical mistakes in pipelines: all of a file are told in one go, each with its place, and nothing else.

mistakes/expected.txt has the code and the place of each fault.
"""

import json
import pathlib
import shutil
import unittest

from command_line import CommandLine

MISTAKES = pathlib.Path(__file__).parent / "mistakes"


def expected():
    faults = {}
    for line in (MISTAKES / "expected.txt").read_text().splitlines():
        if line.startswith(" "):
            faults[name].append(line.strip())
        else:
            name = line
            faults[name] = []
    return faults


class Mistakes(CommandLine):
    maxDiff = None

    def test_all_faults_of_a_file_are_told_in_one_go(self):
        shutil.copytree(MISTAKES, self.folder, dirs_exist_ok=True)
        faults = expected()
        self.assertEqual(sorted(faults), sorted(path.name for path in MISTAKES.glob("*.yaml")))
        for name, wanted in faults.items():
            done = self.sluice("validate", "--json", name)
            told = json.loads(done.stdout)["errors"]
            with self.subTest(file=name):
                self.assertEqual([f"{each['code']} {each['line']}:{each['column']}" for each in told], wanted)
                self.assertEqual(done.returncode, 2 if wanted else 0)
                for each in told:
                    self.assertTrue(each["message"])

    def test_each_fault_is_shown_with_its_line(self):
        shutil.copytree(MISTAKES, self.folder, dirs_exist_ok=True)
        for name, wanted in expected().items():
            shown = self.sluice("validate", name).stderr
            for fault in wanted:
                code, place = fault.split(" ")
                self.assertIn(f"error[{code}] {name}:{place}:", shown)
                if name != "29-empty.yaml":
                    self.assertIn(f"\n  {place.split(':')[0]} | ", shown, name)


if __name__ == "__main__":
    unittest.main()
