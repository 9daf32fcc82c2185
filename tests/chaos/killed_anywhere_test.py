"""A run that is killed at random calls that change files, as many as the time allows: SLUICE_CHAOS_SECONDS.

The same SLUICE_CHAOS_SEED tries the same calls.
"""

import os
import random
import time
import unittest

from kill_points import KillPoints

SECONDS = float(os.environ.get("SLUICE_CHAOS_SECONDS", "60"))
SEED = int(os.environ.get("SLUICE_CHAOS_SEED", "1"))


class KilledAtRandom(KillPoints):
    def test_no_row_is_loaded_twice_wherever_a_run_is_killed(self):
        begin = time.monotonic()
        chosen = random.Random(SEED)
        code, calls, stderr = self.run_counted()
        self.assertEqual(code, 0, stderr)
        tried = 0
        while tried == 0 or time.monotonic() - begin < SECONDS:
            number = chosen.randint(1, calls)
            how = {name: "1" for name in ("SLUICE_KILL_GROUP", "SLUICE_KILL_AFTER") if chosen.random() < 0.5}
            tried += 1
            with self.subTest(number=tried, call=number, again=f"./dev chaos --points 100 {SEED}", **how):
                self.check(number, **how)
        print(f"{tried} kills of {calls} calls, seed {SEED}")


if __name__ == "__main__":
    unittest.main()
