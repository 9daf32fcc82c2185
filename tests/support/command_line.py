"""Drives the built program for the tests of the command line, each in a folder and with a state folder of its own."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("SLUICE_BINARY", str(ROOT / "build/sluice"))
PATIENCE = 60  # seconds until a test gives up; machines may be slow

ORDERS = "order_id,country,status,amount\n1,DE,paid,119.00\n2,FR,open,59.90\n3,NL,paid,twelve\n4,DE,paid,9.99\n"

STARTER = """\
version: 1
pipeline: orders
rejects: { allow: 10 }
extract:
  orders:
    csv: { path: orders.csv }
    types: { order_id: bigint, country: text, status: text, amount: double }
transform:
  paid:
    from: orders
    filter: "status = 'paid'"
load:
  out:
    from: paid
    ndjson: { path: out/paid.ndjson }
"""

# Ends only when it is told to: ten rows a second for years.
ENDLESS = """\
version: 1
pipeline: endless
extract:
  numbers:
    generate: { rows: 1000000000, rate: 2000, columns: { id: sequence } }
load:
  out:
    from: numbers
    ndjson: { path: out/numbers.ndjson }
"""


def eventually(look, what):
    """Calls `look` until it gives something true."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        if found := look():
            return found
        time.sleep(0.02)  # polls a condition of another process
    raise AssertionError(f"never saw: {what}")


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-cli-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.state = self.folder / "state"
        self.started = []
        self.addCleanup(self.kill_all)

    def kill_all(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def environment(self, **more):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SLUICE_") and k != "NO_COLOR"}
        return {**kept, "SLUICE_STATE": str(self.state), "LC_ALL": "C.UTF-8", **more}

    def example_of(self, component, kind):
        """The example that the documentation of a component shows."""
        known = json.loads(self.sluice("components", "--json").stdout)
        return next(each["example"] for each in known if (each["name"], each["kind"]) == (component, kind))

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def sluice(self, *words, env=None, **more):
        """Runs to the end; gives code, stdout and stderr."""
        return subprocess.run([BINARY, *words], cwd=self.folder, env=self.environment(**(env or {})), text=True,
                              stdin=more.pop("stdin", subprocess.DEVNULL), stdout=more.pop("stdout", subprocess.PIPE),
                              stderr=more.pop("stderr", subprocess.PIPE), timeout=PATIENCE, **more)

    def start(self, *words):
        process = subprocess.Popen([BINARY, *words], cwd=self.folder, env=self.environment(), text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.started.append(process)
        return process

    def end_of(self, process):
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err

    def run_record(self, run="last"):
        done = self.sluice("status", run, "--json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def running(self, pipeline="endless"):
        """Waits until a run has read rows; gives its record."""

        def look():
            record = self.run_record(pipeline)
            return record if record and any(u["in"] > 0 for u in record.get("progress", {}).get("units", [])) else None

        return eventually(look, "a run that reads rows")

    def names(self):
        """All files outside the state folder."""
        return sorted(str(p.relative_to(self.folder)) for p in self.folder.rglob("*")
                      if p.is_file() and self.state not in p.parents)

    def assert_error(self, done, code, exit_code=2):
        self.assertEqual(done.returncode, exit_code, done.stderr)
        self.assertIn(f"error[{code}]", done.stderr)
        return done.stderr


def events(text):
    return [json.loads(line) for line in text.splitlines()]


SIGINT, SIGTERM, SIGKILL = signal.SIGINT, signal.SIGTERM, signal.SIGKILL
