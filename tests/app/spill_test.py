"""Runs that need more than run.memory: a spill folder that is full, and ends while they spill."""

import os
import signal
import subprocess
import unittest

from command_line import CommandLine, eventually
from processes import open_files

PIPELINE = """\
version: 1
pipeline: endless
run: { memory: 4MiB }
extract:
  numbers:
    generate: { rows: 400000, RATE columns: { id: sequence, key: { random: [1, 1000000000] } } }
transform:
  made:
    from: numbers
    OPERATION
load:
  out:
    from: made
    ndjson: { path: out/numbers.ndjson }
"""

OPERATIONS = {
    "sort": "sort: [key]",
    "aggregate": 'aggregate: { by: [key], compute: { n: "count(*)", id: "max(id)" } }',
    "deduplicate": "deduplicate: { by: [key], order: [id desc] }",
}


class Spill(CommandLine):
    def pipeline(self, operation, rate="", rows=None):
        text = PIPELINE.replace("OPERATION", OPERATIONS[operation]).replace("RATE", rate)
        if rows:
            text = text.replace("400000", str(rows))
        self.write("p.yaml", text)

    def spilled_files(self):
        return [path for path in self.folder.rglob("*") if path.is_file() and "spill" in path.parts]

    def test_results_are_those_of_a_run_with_memory(self):
        for operation in OPERATIONS:
            self.pipeline(operation)
            self.assertEqual(self.sluice("run", "p.yaml", "--spill", "spill").returncode, 0)
            spilled = (self.folder / "out/numbers.ndjson").read_bytes()
            self.write("p.yaml", (self.folder / "p.yaml").read_text().replace("4MiB", "1GiB"))
            self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
            self.assertEqual(spilled, (self.folder / "out/numbers.ndjson").read_bytes(), operation)
            self.assertEqual(list((self.folder / "spill").iterdir()), [])

    def test_a_full_spill_folder_fails_the_run_and_is_left_empty(self):
        disk = self.folder / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("no file system can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], capture_output=True)
        for operation in OPERATIONS:
            self.pipeline(operation)
            failed = self.sluice("run", "p.yaml", env={"SLUICE_SPILL": f"{disk}/spill"})
            self.assertEqual(failed.returncode, 1, failed.stderr)
            self.assertIn("error[spill_failed]", failed.stderr)
            self.assertIn(f"{disk}/spill", failed.stderr)
            self.assertIn("which is full", failed.stderr)
            self.assertEqual([path for path in disk.rglob("*") if path.is_file()], [])
            self.assertEqual(os.statvfs(disk).f_bavail, os.statvfs(disk).f_blocks)
            self.assertFalse((self.folder / "out/numbers.ndjson").exists())

    def test_ends_while_spilling_leave_nothing(self):
        self.pipeline("sort", "rate: 300000,", 40_000_000)
        for how in (signal.SIGINT, signal.SIGKILL):
            run = self.start("run", "p.yaml", "--spill", "spill")
            record = eventually(lambda: self.spilling(), "an open spill file")
            os.kill(record["pid"] if how == signal.SIGKILL else run.pid, how)
            code, _, err = self.end_of(run)
            self.assertEqual(code, 1 if how == signal.SIGKILL else 130, err)
            self.assertEqual(list((self.folder / "spill").rglob("*")), [])
            self.assertFalse((self.folder / "out/numbers.ndjson").exists())

    def spilling(self):
        """The record of the run, once its engine has a spill file open."""
        record = self.run_record("endless")
        if not record or not record.get("pid"):
            return None
        files = open_files(record["pid"]).values()
        return record if any("/spill/" in file and file.endswith("(deleted)") for file in files) else None


if __name__ == "__main__":
    unittest.main()
