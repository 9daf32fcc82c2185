"""Many runs on a node, in turn and at once: equal events in file and Store, flat descriptors, bounded memory.

python tests/cluster/load_test.py --runs 1000 --at-once 50    measures at full size, with one node and with two
"""

import argparse
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

from command_line import PATIENCE, eventually

SLUICE = os.path.abspath(os.environ.get("SLUICE_BINARY", "build/sluice"))
MOST_MEMORY = 64  # MiB of a node
FINAL = {"succeeded", "partial", "failed", "cancelled"}
PIPELINE = """\
version: 1
pipeline: tiny
params: { i: { type: text } }
extract:
  a: { csv: { path: in.csv } }
transform:
  b: { from: a, filter: "id > 1" }
load:
  o: { from: b, csv: { path: "out/o-${i}.csv" }, place: { node: NODE } }
"""


class Node:
    def __init__(self, state, name, *flags):
        self.state = pathlib.Path(state)
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [SLUICE, "node", "--state", str(state), "--name", name, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", *flags],
            stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL, text=True)
        found = re.match(r"ready: node (\S+), cluster (\S+), http (\S+)\n", self.process.stdout.readline())
        if not found:
            self.log.seek(0)
            raise AssertionError(f"{name} is not ready: {self.log.read()}")
        self.cluster, self.http = found[2], found[3]
        self.token = (self.state / "token").read_text()

    def ask(self, method, path, body=None):
        host, port = self.http.rsplit(":", 1)
        with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=PATIENCE)) as connection:
            connection.request(method, path, body=body and json.dumps(body), headers={"Authorization": "Bearer " + self.token})
            answer = connection.getresponse()
            text = answer.read().decode()
            if answer.status >= 300:
                raise AssertionError(f"{method} {path}: {answer.status} {text}")
            return text

    def submit_and_wait(self, text, folder, number):
        run = json.loads(self.ask("POST", "/v1/runs", {"text": text, "file": "p.yaml", "base_folder": str(folder),
                                                        "params": {"i": str(number)}}))["run"]

        def ended():
            record = json.loads(self.ask("GET", f"/v1/runs/{run}"))
            return record if record["state"] in FINAL else None

        record = eventually(ended, f"the end of run {number}")
        assert record["state"] == "succeeded", record
        return run

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def memory(self):
        """MiB: now, and the most so far."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return [int(re.search(rf"{key}:\s+(\d+) kB", text)[1]) / 1024 for key in ("VmRSS", "VmHWM")]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=PATIENCE)
        self.process.stdout.close()
        self.log.close()


def stored_events(state):
    with contextlib.closing(sqlite3.connect(f"file:{state}/sluice.db?mode=ro", uri=True)) as store:
        # Events without a run, of nodes, are numbered by the Store's own stream.
        return store.execute("SELECT cursor, CASE run WHEN '' THEN (SELECT id FROM stream) ELSE run END || '/' || sequence, "
                             "type FROM events ORDER BY cursor").fetchall()


def written_events(state):
    path = pathlib.Path(state) / "events.ndjson"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(event["data"]["cursor"], event["id"], event["type"]) for event in map(json.loads, lines)]


def equal_events(state):
    stored = stored_events(state)
    return stored if stored and written_events(state) == stored else None


def measure(runs, at_once, nodes, tell=lambda text: None):
    """Gives what was seen; fails where the promises are not kept."""
    with tempfile.TemporaryDirectory(prefix="sluice-load-") as folder, contextlib.ExitStack() as all_nodes:
        folder = pathlib.Path(folder)
        (folder / "in.csv").write_text("id,name\n1,a\n2,b\n3,c\n")
        started = [Node(folder / "s1", "n1")]
        all_nodes.callback(started[0].stop)
        if nodes == 2:
            started.append(Node(folder / "s1", "n2", "--join", started[0].cluster))
            all_nodes.callback(started[1].stop)
        first = started[0]
        text = PIPELINE.replace("NODE", "n2" if nodes == 2 else "n1")
        for number in range(min(10, runs)):  # what is made once is there
            first.submit_and_wait(text, folder, number)
        begin = time.monotonic()
        before = [node.descriptors() for node in started]
        for number in range(runs):
            first.submit_and_wait(text, folder, number)
        in_turn = time.monotonic() - begin
        after_turns = eventually(lambda: (lambda now: now if all(n <= b + 8 for n, b in zip(now, before)) else None)(
            [node.descriptors() for node in started]), "descriptors as before")
        tell(f"{runs} runs in turn on {nodes} node(s): {in_turn:.1f} s, descriptors {before} -> {after_turns}")
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            list(pool.map(lambda number: first.submit_and_wait(text, folder, number), range(runs, 2 * runs)))
        together = time.monotonic() - begin
        # Calls that block have threads and connections of their own for a while; they end with them.
        after = eventually(lambda: (lambda now: now if all(n <= b + 24 for n, b in zip(now, before)) else None)(
            [node.descriptors() for node in started]), "descriptors as before")
        memory = [node.memory() for node in started]
        events = eventually(lambda: equal_events(folder / "s1"), "equal events in file and Store")
        tell(f"{runs} runs, {at_once} at once: {together:.1f} s, descriptors {after}, "
             f"memory now and at most {[[round(part) for part in each] for each in memory]} MiB, "
             f"{len(events)} events, equal in file and Store")
        for now, most in memory:
            assert most < MOST_MEMORY, f"a node uses {most:.0f} MiB"
        assert len({number for number, _, _ in events}) == len(events) == events[-1][0], "cursors have gaps"
        return events


class Load(unittest.TestCase):
    def test_one_node(self):
        measure(15, 10, 1, print)

    def test_two_nodes(self):
        measure(8, 8, 2, print)

    def test_events_of_other_processes_reach_the_nodes_file_in_their_order(self):
        with tempfile.TemporaryDirectory(prefix="sluice-load-") as folder:
            folder = pathlib.Path(folder)
            (folder / "in.csv").write_text("id,name\n1,a\n2,b\n3,c\n")
            node = Node(folder / "s", "n1")
            try:
                text = PIPELINE.replace(", place: { node: NODE }", "")
                (folder / "p.yaml").write_text(text)
                local = [SLUICE, "run", "p.yaml", "-q", "--state", folder / "s", "--set"]
                runs = [node.submit_and_wait(text, folder, 1)]
                subprocess.run([*local, "i=2"], cwd=folder, check=True, timeout=PATIENCE)
                runs.append(node.submit_and_wait(text, folder, 3))
                subprocess.run([*local, "i=4"], cwd=folder, check=True, timeout=PATIENCE)
                events = eventually(lambda: equal_events(folder / "s"), "equal events in file and Store")
                self.assertEqual(sum(kind == "run.succeeded" for _, _, kind in events), 4)
            finally:
                node.stop()

    def test_a_node_that_was_killed_goes_on_with_its_file_and_cleans_up_behind_its_runs(self):
        with tempfile.TemporaryDirectory(prefix="sluice-load-") as folder:
            folder = pathlib.Path(folder)
            (folder / "in.csv").write_text("id,name\n1,a\n2,b\n3,c\n")
            slow = ("version: 1\npipeline: slow\nextract:\n  a: { generate: { rows: 100000000, rate: 1000, columns: "
                    "{ id: sequence } } }\nload:\n  o: { from: a, csv: { path: out/slow.csv } }\n")
            node = Node(folder / "s", "n1")
            try:
                node.submit_and_wait(PIPELINE.replace(", place: { node: NODE }", ""), folder, 1)
                node.ask("POST", "/v1/runs", {"text": slow, "file": "p.yaml", "base_folder": str(folder), "params": {}})
                eventually(lambda: list((folder / "out").glob(".slow.csv*")), "the hidden file of a run")
            finally:
                node.process.kill()
                node.stop()
            node = Node(folder / "s", "n1")
            try:
                self.assertEqual([path.name for path in (folder / "out").iterdir()], ["o-1.csv"])
                runs = json.loads(node.ask("GET", "/v1/runs"))["runs"]
                self.assertEqual([run["state"] for run in runs], ["failed", "succeeded"])
                self.assertEqual(runs[0]["cause"]["code"], "engine_died")
                eventually(lambda: equal_events(folder / "s"), "equal events in file and Store")
                # What pipelines have done outlives their runs and the node.
                metrics = node.ask("GET", "/metrics")
                self.assertRegex(metrics, r'sluice_pipeline_last_success_timestamp_seconds\{pipeline="tiny"\} 1\d{9}\.')
                self.assertIn('sluice_pipeline_runs_total{pipeline="slow",state="failed"} 1\n', metrics)
                self.assertIn('sluice_pipeline_rows_loaded_total{pipeline="tiny"} 2\n', metrics)
                self.assertNotIn('last_success_timestamp_seconds{pipeline="slow"}', metrics)
                self.assertRegex(metrics, r'sluice_pipeline_last_duration_seconds\{pipeline="tiny"\} 0\.\d+')
            finally:
                node.stop()


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].startswith("--"):
        parser = argparse.ArgumentParser()
        parser.add_argument("--runs", type=int, default=1000)
        parser.add_argument("--at-once", type=int, default=50)
        chosen = parser.parse_args()
        for count in (1, 2):
            measure(chosen.runs, chosen.at_once, count, lambda text: print(text, flush=True))
    else:
        unittest.main()
