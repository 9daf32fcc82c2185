#!/usr/bin/env python3
"""A bounded share of `./dev chaos`: all jobs, some kills, and two of the planted bugs, which must be caught.

SLUICE_CHAOS_KILLS and SLUICE_CHAOS_SEED choose otherwise."""

import json
import os
import subprocess
import sys
import unittest

from command_line import ROOT

CHAOS = ROOT / "tests/chaos"
sys.path.insert(0, str(CHAOS))

from planted import plant  # noqa: E402  (needs the path above)


class Soak(unittest.TestCase):
    def test_killed_and_stopped_at_any_moment_every_row_is_loaded_once(self):
        kills, seed = os.environ.get("SLUICE_CHAOS_KILLS", "18"), os.environ.get("SLUICE_CHAOS_SEED", "1")
        done = subprocess.run([sys.executable, CHAOS / "chaos.py", "--kills", kills, "--seed", seed, "--minutes", "1"],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr[-6000:] + done.stdout)
        counts = json.loads(done.stdout.splitlines()[-1])
        print(done.stdout)
        self.assertGreater(counts["kills"], 0)
        self.assertGreater(counts["rounds"], 0)

    def test_two_planted_bugs_are_caught(self):
        for bug in ("commit_forgotten", "rejects_not_cut"):
            with self.subTest(bug=bug):
                found, counts, said = plant(bug, 1, 2)
                self.assertTrue(found, f"not caught: {counts}\n{said[-3000:]}")


if __name__ == "__main__":
    unittest.main()
