"""`mvn verify` of clients/java, offline: its tests start nodes of the built program."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from command_line import BINARY, ROOT


class JavaClient(unittest.TestCase):
    def test_verify(self):
        repository = ROOT / ".deps/maven"
        self.assertTrue(repository.exists(), "./dev setup fetches the jars")
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "java"
            shutil.copytree(ROOT / "clients/java", source, ignore=shutil.ignore_patterns("target"))
            # Nothing of who runs the tests may count.
            kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLUICE_", "XDG_"))}
            done = subprocess.run(["mvn", "-o", "-B", "--no-transfer-progress", f"-Dmaven.repo.local={repository}", "verify"], cwd=source,
                                  env={**kept, "SLUICE_BINARY": os.path.abspath(BINARY)}, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertRegex(done.stdout, r"Tests run: \d{2}, Failures: 0, Errors: 0, Skipped: 0")
            self.assertEqual(len(list((source / "target").glob("sluice-client-*.jar"))), 1)
            self.assertFalse(re.search("WARNING.*sluice", done.stdout))


if __name__ == "__main__":
    unittest.main()
