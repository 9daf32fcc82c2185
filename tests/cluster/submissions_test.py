"""Planning a pipeline may take as long as the files that it names: nobody else waits for it. And what is submitted is read in
memory that is bounded, whatever it holds."""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
import urllib.error
import urllib.request

from command_line import BINARY, PATIENCE, eventually
from processes import children, open_files

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from two_nodes_test import Node, peak_kilobytes  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEMORY = 128 * 1024  # kilobytes, the most that a node may have while it refuses
MEBIBYTE = 1024 * 1024
LARGEST = 16 * MEBIBYTE
ENDLESS = """version: 1
pipeline: endless
extract: { numbers: { generate: { rows: 100000000000, rate: 1000, columns: { id: sequence } } } }
load: { nothing: { from: numbers, blackhole: {} } }
"""
SLOW = """version: 1
pipeline: slow
extract: { rows: { csv: { path: slow/a.csv } } }
load: { nothing: { from: rows, blackhole: {} } }
"""


class Submissions(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name).resolve()

    def start(self):
        node = Node("n1", self.path)
        self.addCleanup(lambda: node.process.poll() is None and node.process.kill())
        return node


@unittest.skipIf("sanitize" in BINARY, "AddressSanitizer wants to be preloaded first")
class SlowPlanning(Submissions):
    def setUp(self):
        super().setUp()
        (self.path / "slow").mkdir()
        (self.path / "slow" / "a.csv").write_text("a\n1\n")
        shim = self.path / "stall.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, ROOT / "tests/support/stall.c", "-ldl"], check=True)
        self.stalled = self.path / "stalled"
        self.environment = {"LD_PRELOAD": str(shim), "SLUICE_STALL": str(self.stalled), "SLUICE_STALL_IN": str(self.path / "slow")}
        self.addCleanup(lambda: self.stalled.unlink(missing_ok=True))

    def hangs(self, pid):
        """Threads that have the file open which nobody can read."""
        return [*open_files(pid).values()].count(str(self.path / "slow" / "a.csv"))

    def test_others_are_answered_while_submissions_hang_and_so_is_sigterm(self):
        with unittest.mock.patch.dict(os.environ, self.environment):
            node = self.start()
        run = node.submit(ENDLESS, self.path)
        eventually(lambda: node.json(f"/v1/runs/{run}")["state"] == "running", "a run")
        self.stalled.touch()
        with concurrent.futures.ThreadPoolExecutor(80) as pool:
            asked = [pool.submit(self.refusal_of, node, SLOW) for _ in range(70)]
            eventually(lambda: self.hangs(node.process.pid) >= 2, "submissions that hang")
            self.assertEqual(node.get("/healthz", token=False), "ok\n")
            self.assertEqual(node.json("/v1/runs")["runs"][0]["id"], run)
            self.assertEqual(len(node.json("/v1/nodes")["nodes"]), 1)
            self.assertIn("sluice_runs", node.get("/metrics"))
            node.get("/v1/runs/endless/cancel", data=b"")
            eventually(lambda: node.json(f"/v1/runs/{run}")["state"] == "cancelled", "the run's end")
            self.assertFalse(any(each.done() for each in asked))
            self.assertEqual(node.stop(), 0)
            self.assertTrue(self.stalled.exists())
            self.assertIn("left behind", pathlib.Path(node.log.name).read_text())
            for each in asked:
                self.assertIn(each.result(PATIENCE), ("connection", 503))

    def test_submissions_are_taken_when_the_disk_answers_again(self):
        with unittest.mock.patch.dict(os.environ, self.environment):
            node = self.start()
        self.stalled.touch()
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            # Each a pipeline of its own: two runs of one at once are refused.
            asked = [pool.submit(node.submit, SLOW.replace("pipeline: slow", f"pipeline: slow{number}"), self.path) for number in range(10)]
            eventually(lambda: self.hangs(node.process.pid) >= 2, "submissions that hang")
            self.stalled.unlink()
            self.assertEqual(len({each.result(PATIENCE) for each in asked}), 10)
        self.assertEqual(node.stop(), 0)

    def test_a_key_has_one_submission_under_way(self):
        with unittest.mock.patch.dict(os.environ, self.environment):
            node = self.start()
        self.stalled.touch()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            first = pool.submit(self.keyed, node)
            eventually(lambda: self.hangs(node.process.pid) >= 1, "a submission that hangs")
            with self.assertRaises(urllib.error.HTTPError) as refused:
                self.keyed(node)
            self.assertEqual(refused.exception.code, 409)
            self.assertEqual(json.load(refused.exception)["error"]["code"], "submission_in_progress")
            refused.exception.close()
            self.stalled.unlink()
            run = first.result(PATIENCE)
        self.assertEqual(run["repeated"], False)
        self.assertEqual(self.keyed(node), {"run": run["run"], "repeated": True})
        self.assertEqual(len(node.json("/v1/runs")["runs"]), 1)
        self.assertEqual(node.stop(), 0)

    def keyed(self, node):
        body = json.dumps({"text": SLOW, "base_folder": str(self.path)}).encode()
        request = urllib.request.Request(f"http://{node.http}/v1/runs", data=body,
                                         headers={"Authorization": "Bearer " + node.token, "Idempotency-Key": "once"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def refusal_of(self, node, text):
        """The status of an answer, or that there was none."""
        body = json.dumps({"text": text, "base_folder": str(self.path)}).encode()
        try:
            return node.get("/v1/runs", data=body)
        except urllib.error.HTTPError as refused:
            return refused.code
        except OSError:
            return "connection"

    def test_a_signal_ends_a_run_that_is_still_planned(self):
        (self.path / "p.yaml").write_text(SLOW)
        self.stalled.touch()
        for ends in (lambda run: run.terminate(), lambda run: run.send_signal(2)):
            run = subprocess.Popen([BINARY, "--state", str(self.path / "s"), "run", "p.yaml"], cwd=self.path, text=True,
                                   env={**os.environ, **self.environment}, stderr=subprocess.PIPE)
            self.addCleanup(lambda run=run: run.poll() is None and run.kill())

            def child():
                found = children(run.pid)
                return found and self.hangs(found[0])

            eventually(child, "a run that hangs")
            ends(run)
            _, said = run.communicate(timeout=PATIENCE)
            self.assertIn(run.returncode, (130, 143))
            self.assertIn("error[cancelled]", said)
            self.assertTrue(self.stalled.exists())


def filled(before, part, after, size=LARGEST):
    return before + part * ((size - len(before) - len(after)) // len(part)) + after


def keys(before, after):
    count = (LARGEST - len(before) - len(after)) // 13
    return before + b",".join(b'"%08d":1' % number for number in range(count)) + after


BODIES = {
    "empty lists": lambda: filled(b"[", b"[],", b"0]"),
    "empty maps": lambda: filled(b"[", b"{},", b"0]"),
    "numbers": lambda: filled(b"[", b"1,", b"1]"),
    "lists in lists": lambda: filled(b"[", b"[" * 900 + b"]" * 900 + b",", b"0]"),
    "brackets": lambda: b"[" * LARGEST,
    "keys": lambda: keys(b"{", b"}"),
    "params": lambda: keys(b'{"text":"a: 1","base_folder":"/","params":{', b"}}"),
    "a text": lambda: filled(b'{"base_folder":"/","text":"', b"a", b'"}'),
    "a text of escapes": lambda: filled(b'{"base_folder":"/","text":"', b"\\u00e4", b'"}'),
    "a key": lambda: filled(b'{"', b"a", b'":1}'),
    "a number": lambda: filled(b"[", b"1", b"]"),
}


def pipeline(before, part, after=""):
    return json.dumps({"text": filled(before, part, after, 4 * MEBIBYTE - 100), "base_folder": "/"}).encode()


PIPELINES = {
    "entries": lambda: pipeline("a:\n", "- 1\n"),
    "dashes": lambda: pipeline("", "- "),
    "questions": lambda: pipeline("", "? a\n"),
    "tags": lambda: pipeline("a:\n", "- !x 1\n"),
    "comments": lambda: pipeline("a: 1\n", "#\n"),
    "lines of a text": lambda: pipeline("a: |\n", "  x\n"),
    "a quoted text": lambda: pipeline('a: "', "\\x41", '"'),
    "indentation": lambda: json.dumps({"text": "".join(" " * depth + "k:\n" for depth in range(2800)), "base_folder": "/"}).encode(),
    "aliases of aliases": lambda: json.dumps({"base_folder": "/", "text": "a0: &a0 [1,2,3,4,5,6,7,8,9]\n" + "".join(
        f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))}).encode(),
}


@unittest.skipIf("sanitize" in BINARY, "AddressSanitizer's shadow memory is not ours")
class LargeSubmissions(Submissions):
    def check(self, bodies):
        for name, body in bodies.items():
            with self.subTest(name):
                node = self.start()
                with self.assertRaises(urllib.error.HTTPError) as refused:
                    node.get("/v1/runs", data=body())
                self.assertIn(refused.exception.code, (400, 422))
                self.assertEqual(node.get("/readyz", token=False), "ready\n")
                self.assertLess(peak_kilobytes(node.process.pid), MEMORY)
                node.stop()

    def test_bodies_of_every_shape_are_refused_in_bounded_memory(self):
        self.check(BODIES)

    def test_pipelines_of_every_shape_are_refused_in_bounded_memory(self):
        self.check(PIPELINES)


if __name__ == "__main__":
    unittest.main()
