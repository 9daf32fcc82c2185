#!/usr/bin/env python3
"""`./dev demo --live`: the engine is killed twice while orders flow, and source and targets agree in the end."""

import subprocess
import sys
import unittest

from command_line import ROOT


class LiveDemo(unittest.TestCase):
    def test_source_and_target_agree_although_the_engine_is_killed_twice(self):
        done = subprocess.run([sys.executable, ROOT / "tools/live_demo.py", "--orders", "10000"], capture_output=True, text=True,
                              timeout=600)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("killed with -9"), 2, done.stdout)
        self.assertIn("source: 10000 orders", done.stdout)
        self.assertIn("source and target agree", done.stdout)


if __name__ == "__main__":
    unittest.main()
