"""A disk that no longer answers does not keep `cancel` from answering."""

import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

from command_line import PATIENCE, eventually

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ["SLUICE_BINARY"]
PIPELINE = """
version: 1
pipeline: stalled
extract:
  numbers: { generate: { rows: 2000000000, columns: { id: sequence } } }
load:
  out: { from: numbers, csv: { path: "FOLDER/out.csv" } }
"""


@unittest.skipIf("sanitize" in BINARY, "AddressSanitizer wants to be preloaded first")
class StalledDisk(unittest.TestCase):
    def test_cancel_is_answered_while_every_disk_hangs(self):
        with tempfile.TemporaryDirectory() as folder:
            shim = f"{folder}/stall.so"
            subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, ROOT / "tests/support/stall.c", "-ldl"], check=True)
            (pathlib.Path(folder) / "p.yaml").write_text(PIPELINE.replace("FOLDER", folder))
            state, stalled = f"{folder}/state", pathlib.Path(folder) / "stalled"
            environment = {**os.environ, "LD_PRELOAD": shim, "SLUICE_STALL": str(stalled)}
            run = subprocess.Popen([BINARY, "--state", state, "--json", "run", f"{folder}/p.yaml"], env=environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                eventually(lambda: any(path.name.endswith("tmp") or path.name.startswith(".") and path.stat().st_size > 0
                                       for path in pathlib.Path(folder).iterdir() if path.is_file()), "rows in the hidden file")
                stalled.touch()
                begin = time.monotonic()
                cancelled = subprocess.run([BINARY, "--state", state, "cancel", "last"], text=True, timeout=PATIENCE,
                                           capture_output=True)
                seconds = time.monotonic() - begin
                self.assertTrue(stalled.exists())  # answered while the disk still hung
                self.assertEqual(cancelled.returncode, 0, cancelled.stderr)
                print(f"cancel answered in {seconds * 1000:.0f} ms, start of its process included")
                stalled.unlink()
                out, _ = run.communicate(timeout=PATIENCE)
                self.assertEqual(json.loads(out.splitlines()[-1])["type"].rsplit(".", 1)[-1], "cancelled", out)
                self.assertFalse((pathlib.Path(folder) / "out.csv").exists())
            finally:
                stalled.unlink(missing_ok=True)
                if run.poll() is None:
                    run.kill()
                run.wait()


if __name__ == "__main__":
    unittest.main()
