"""A run that is killed at any call that changes files loads no row twice, and never says `failed` of what is visible.

A few calls are tried, spread over the run; SLUICE_ALL_KILLS=1 (./dev chaos --every-kill) tries each, before and after
it; chaos/killed_anywhere tries random ones.
"""

import json
import os
import signal
import subprocess
import unittest

from command_line import BINARY, PATIENCE
from kill_points import KillPoints


class KilledAnywhere(KillPoints):
    def test_no_row_is_loaded_twice_and_nothing_visible_is_called_failed(self):
        code, calls, stderr = self.run_counted()
        self.assertEqual(code, 0, stderr)
        self.assertGreater(calls, 30)
        every = bool(os.environ.get("SLUICE_ALL_KILLS"))
        chosen = range(1, calls + 1) if every else range(2, calls, max(1, calls // 8))
        for number in chosen:
            with self.subTest(call=number):
                self.check(number, SLUICE_KILL_GROUP="1")
                if every:
                    self.check(number, SLUICE_KILL_GROUP="1", SLUICE_KILL_AFTER="1")
        # The end of the run is where it matters most: the decision, three commits, the note that all is visible.
        for number in (range(1, calls + 1) if every else range(max(1, calls - 12), calls + 1, 3)):
            with self.subTest(call=number, parent="alive"):
                self.check(number)

    def test_a_full_state_disk_after_publication_is_waited_for(self):
        full = self.write("full", "")
        self.calls.write_bytes(bytes(4096))
        environment = self.environment(LD_PRELOAD=str(self.shim), SLUICE_CALLS=str(self.calls), SLUICE_FULL=str(full))
        run = subprocess.Popen([BINARY, "run", "p.yaml", "-q"], cwd=self.folder, env=environment, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.started.append(run)
        self.eventually_visible()
        self.assertEqual(self.newest_run()["state"], "committing")
        full.unlink()
        code, _, stderr = self.end_of(run)
        self.assertEqual(code, 0, stderr)
        self.assertEqual(self.newest_run()["state"], "succeeded")

    def test_a_run_that_dies_with_a_full_state_disk_is_ended_by_the_next_one(self):
        full = self.write("full", "")
        self.calls.write_bytes(bytes(4096))
        environment = self.environment(LD_PRELOAD=str(self.shim), SLUICE_CALLS=str(self.calls), SLUICE_FULL=str(full))
        run = subprocess.Popen([BINARY, "run", "p.yaml", "-q"], cwd=self.folder, env=environment, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               start_new_session=True)
        self.started.append(run)
        self.eventually_visible()
        os.killpg(run.pid, signal.SIGKILL)
        run.wait(timeout=PATIENCE)
        # A look publishes nothing and calls nothing failed.
        self.assertEqual(self.newest_run()["state"], "committing")
        self.assertIn("committing", self.sluice("status", "last").stdout)
        again = self.sluice("run", "p.yaml")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("published now", again.stderr)
        self.assertEqual(self.visible(), {name: list(range(150)) for name in ("plain", "lines", "table")})
        states = [each["state"] for each in json.loads(self.sluice("runs", "--json").stdout)]
        self.assertEqual(states, ["succeeded"] * 3)


if __name__ == "__main__":
    unittest.main()
