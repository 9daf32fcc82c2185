"""The demo of notifications: pipelines that start each other, one alert by webhook and e-mail, and its end. It checks itself."""

import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Demo(unittest.TestCase):
    def test_a_failing_load_alerts_once_and_its_repair_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([ROOT / "examples/notify/demo.sh", os.environ["SLUICE_BINARY"], f"{folder}/out"],
                                  capture_output=True, text=True, timeout=300)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            for line in ("webhooks: 2, e-mails: 2: one alert and its end each", "[info] Resolved: load-revenue failed",
                         "DK,DKK,1,745.00,99.83"):
                self.assertIn(line, done.stdout)
            happened = [line.split()[1:] for line in done.stdout.splitlines() if "run.succeeded" in line]
            self.assertEqual([words[0] for words in happened], ["extract-orders", "transform-orders", "load-revenue"])


if __name__ == "__main__":
    unittest.main()
