"""A component is one file or folder, one line in the list, a test, an example and generated docs."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINE = re.compile(r"^SLUICE_COMPONENT\((\w+), (\w+)\)$", re.MULTILINE)


class Components(unittest.TestCase):
    def setUp(self):
        self.listed = LINE.findall((ROOT / "engine/components.inc").read_text())

    def test_the_list_is_sorted_and_without_repetition(self):
        self.assertEqual(self.listed, sorted(set(self.listed)))
        self.assertGreater(len(self.listed), 20)

    def test_each_has_a_file_and_a_test(self):
        # Those of databases and queues run against real servers.
        paths = [*(ROOT / "tests/engine").rglob("*_test.cpp"), *(ROOT / "tests/services").glob("*_test.*")]
        tests = [path.stem + "\n" + path.read_text() for path in paths]
        for kind, name in self.listed:
            folder = ROOT / "engine" / f"{kind}s"
            self.assertTrue((folder / f"{name}.cpp").exists() or (folder / name).is_dir(), f"{kind} {name}: no file")
            self.assertTrue(any(f'"{name}"' in text or f"{name}_{kind}" in text for text in tests), f"{kind} {name}: no test names it")

    def test_the_docs_say_what_the_specs_say(self):
        done = subprocess.run([sys.executable, "docs/generate.py", os.environ["SLUICE_BINARY"], "--check"], cwd=ROOT,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
