"""sluice prune: what goes, what stays, and that nothing is lost by it."""

import json
import unittest

from command_line import ORDERS, STARTER, CommandLine


class Prune(CommandLine):
    def setUp(self):
        super().setUp()
        self.write("orders.csv", ORDERS)
        self.write("orders.yaml", STARTER)

    def runs(self):
        return [each["id"] for each in json.loads(self.sluice("runs", "--json").stdout)]

    def test_older_runs_go_with_their_events_and_rejects(self):
        for _ in range(3):
            self.assertEqual(self.sluice("run", "orders.yaml", "-q").returncode, 0)
        newest, *older = self.runs()
        self.assertEqual(len(older), 2)
        young = self.sluice("prune")
        self.assertEqual((young.returncode, young.stderr), (0, ""))
        self.assertIn("removed 0 runs", young.stdout)

        look = json.loads(self.sluice("prune", "--older-than", "0s", "--dry-run", "--json").stdout)
        self.assertEqual((sorted(look["runs"]), look["dry_run"]), (sorted(older), True))
        self.assertGreater(look["bytes"], 0)
        self.assertEqual(len(self.runs()), 3)

        done = self.sluice("prune", "--older-than", "0s")
        self.assertRegex(done.stdout, r"^removed 2 runs, \d+ events and .* of files")
        self.assertEqual(self.runs(), [newest])
        self.assertEqual([each.name for each in (self.state / "runs").iterdir()], [newest])
        self.assert_error(self.sluice("status", older[0]), "run_not_found")
        self.assertIn("twelve", self.sluice("rejects", "last").stdout)
        # The next run works, and the log goes on.
        self.assertEqual(self.sluice("run", "orders.yaml", "-q").returncode, 0)
        self.assertIn("run.succeeded", self.sluice("events", "last").stdout)

    def test_files_of_runs_that_the_store_forgot_go_too(self):
        self.assertEqual(self.sluice("run", "orders.yaml", "-q").returncode, 0)
        left = self.state / "runs/0190a3f2-1b2c-7abc-8000-000000000001"
        left.mkdir()
        (left / "rejects.ndjson").write_text("{}\n")
        self.assertEqual(self.sluice("prune").returncode, 0)
        self.assertTrue(left.exists(), "it could be a run that begins")
        self.assertEqual(self.sluice("prune", "--older-than", "0s").returncode, 0)
        self.assertFalse(left.exists())

    def test_wrong_words_are_explained(self):
        for age in ("-1d", "soon"):
            self.assertIn("1h30m", self.assert_error(self.sluice("prune", "--older-than", age), "invalid_duration"))
        self.assert_error(self.sluice("prune", "--to", "127.0.0.1:1"), "bad_arguments")

    def test_without_a_state_folder_none_is_made(self):
        self.assertEqual(self.sluice("prune").returncode, 0)
        self.assertFalse(self.state.exists())


if __name__ == "__main__":
    unittest.main()
