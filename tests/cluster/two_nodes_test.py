"""Two `sluice node` processes: the same output as one, pins, tokens, foreign clients, and a worker killed during a run."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import sqlite3
import struct
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from command_line import PATIENCE, eventually
from processes import open_files

SLUICE = os.path.abspath(os.environ["SLUICE_BINARY"])
PROMISED = 10  # seconds until a run fails whose worker died (docs/delivery.md)
PIPELINE = """version: 1
pipeline: spread
params: { out: { type: text } }
extract:
  orders:
    csv: { path: orders.csv }
transform:
  paid:
    from: orders
    filter: "amount > 10"
    place: { node: n2 }
  priced:
    from: paid
    derive: { net: "amount / 3.0", label: "upper(name)" }
  by_name:
    from: priced
    aggregate:
      by: [label]
      compute: { orders: "count(*)", revenue: "sum(net)" }
load:
  detail: { from: priced, csv: { path: "${out}/detail.csv" } }
  report: { from: by_name, parquet: { path: "${out}/report.parquet" } }
"""
WINDOWS = """version: 1
pipeline: minutes
params: { out: { type: text } }
extract:
  events:
    csv: { path: events.csv }
    types: { at: timestamptz, k: text, v: bigint }
    parallelism: 2
    time: { column: at }
transform:
  good:
    from: events
    filter: "v >= 0"
    place: { node: n2 }
  per_minute:
    from: good
    aggregate: { by: [k], window: { tumble: 1m }, compute: { n: "count(*)", s: "sum(v)" } }
    parallelism: 2
  sorted: { from: per_minute, sort: [k, window_start] }
load:
  minutes: { from: sorted, csv: { path: "${out}/minutes.csv" } }
"""
ENDLESS = """version: 1
pipeline: endless
extract:
  numbers:
    generate: { rows: 100000000000, columns: { id: sequence } }
load:
  nothing: { from: numbers, blackhole: {}, place: { node: n2 } }
"""


class Node:
    def __init__(self, name, state, *flags, at=("127.0.0.1:0", "127.0.0.1:0"), **environment):
        """`at`: where it listens for nodes, and for HTTP."""
        self.name = name
        self.log = open(state / f"{name}.log", "a+")
        self.process = subprocess.Popen(
            [SLUICE, "node", "--state", str(state), "--name", name, "--listen", at[0], "--http", at[1], *flags],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env={**os.environ, **environment})
        line = self.process.stdout.readline()
        found = re.match(r"ready: node (\S+), cluster (\S+), https? (\S+)\n", line)
        if not found:
            self.stop()
            raise AssertionError(f"{name} is not ready: {line!r} {pathlib.Path(self.log.name).read_text()}")
        self.cluster, self.http = found[2], found[3]
        self.token = (state / "token").read_text()

    scheme = "http"
    trust = None  # an SSLContext for https

    def get(self, path, token=True, data=None):
        request = urllib.request.Request(f"{self.scheme}://{self.http}{path}", data=data)
        if token:
            request.add_header("Authorization", "Bearer " + self.token)
        with urllib.request.urlopen(request, timeout=PATIENCE, context=self.trust) as answer:
            return answer.read().decode()

    def json(self, path):
        return json.loads(self.get(path))

    def submit(self, text, folder, **params):
        body = {"text": text, "file": "p.yaml", "base_folder": str(folder), "params": params}
        try:
            return json.loads(self.get("/v1/runs", data=json.dumps(body).encode()))["run"]
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{refused.read().decode()} {self.logged()}") from None

    def events(self, run):
        """Yields a run's events until its last."""
        request = urllib.request.Request(f"{self.scheme}://{self.http}/v1/runs/{run}/events", headers={"Authorization": "Bearer " + self.token})
        with urllib.request.urlopen(request, timeout=PATIENCE, context=self.trust) as stream:
            for line in stream:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])

    def logged(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.process.stdout.close()
        self.log.close()
        return code


class TwoNodes(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        self.nodes = []
        with open(self.path / "orders.csv", "w") as file:
            file.write("id,name,amount\n")
            file.writelines(f"{i},name{i % 17},{i * 7919 % 1000}.25\n" for i in range(200000))

    def tearDown(self):
        for node in reversed(self.nodes):
            node.stop()
        self.folder.cleanup()

    def two(self):
        self.nodes.append(Node("n1", self.path))
        self.nodes.append(Node("n2", self.path, "--join", self.nodes[0].cluster, "--labels", "zone=dmz"))
        return self.nodes

    def sluice(self, *words, **more):
        return subprocess.run([SLUICE, *words, "--state", str(self.path)], capture_output=True, text=True, timeout=2 * PATIENCE,
                              cwd=self.path, **more)

    def test_watermarks_travel_with_the_rows_so_that_windows_are_those_of_one_process(self):
        first, _ = self.two()
        with open(self.path / "events.csv", "w") as file:
            file.write("at,k,v\n")
            file.writelines(f"2024-05-01 {n // 72000:02}:{n // 1200 % 60:02}:{n // 20 % 60:02}Z,{'abcdefghij'[n * 7919 % 10]},{n % 100}\n"
                            for n in range(200000))
        (self.path / "p.yaml").write_text(WINDOWS)
        alone = self.sluice("run", "p.yaml", "--set", "out=one")
        self.assertEqual(alone.returncode, 0, alone.stderr)
        spread = self.sluice("submit", "p.yaml", "--set", "out=two", "--wait", "--to", first.http)
        self.assertEqual(spread.returncode, 0, spread.stderr)
        one, two = ((self.path / run / "minutes.csv").read_text() for run in ("one", "two"))
        self.assertEqual(one, two)
        self.assertEqual(sum(int(line.split(",")[3]) for line in one.splitlines()[1:]), 200000)

    def test_output_is_that_of_one_process_bit_for_bit(self):
        first, worker = self.two()
        (self.path / "p.yaml").write_text(PIPELINE)
        alone = self.sluice("run", "p.yaml", "--set", "out=one")
        self.assertEqual(alone.returncode, 0, alone.stderr)
        spread = self.sluice("submit", "p.yaml", "--set", "out=two", "--wait", "--to", first.http)
        self.assertEqual(spread.returncode, 0, spread.stderr)
        for name in ("detail.csv", "report.parquet"):
            one, two = ((self.path / run / name).read_bytes() for run in ("one", "two"))
            self.assertGreater(len(one), 500)
            self.assertTrue(one == two, name)
        run = first.json("/v1/runs/last")
        self.assertEqual(run["state"], "succeeded")
        nodes = {e["subject"]: e["data"]["node"] for e in first.events(run["id"]) if e["type"] == "unit.started"}
        self.assertEqual((nodes["orders"], nodes["paid"], nodes["report"]), ("n1", "n2", "n1"))
        self.assertEqual([n["name"] for n in first.json("/v1/nodes")["nodes"]], ["n1", "n2"])
        self.assertIn('sluice_runs{state="succeeded"}', first.get("/metrics"))

    def test_a_killed_worker_fails_the_run_with_the_cause(self):
        first, worker = self.two()
        (self.path / "endless.yaml").write_text(ENDLESS)
        waiting = subprocess.Popen([SLUICE, "submit", "endless.yaml", "--wait", "--state", str(self.path), "--to", first.http],
                                   cwd=self.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        def running():
            runs = first.json("/v1/runs")["runs"]
            return runs[0]["id"] if runs and runs[0]["state"] == "running" else None

        run = eventually(running, "a run that runs")
        worker.process.kill()
        killed = time.monotonic()
        last = list(first.events(run))[-1]
        self.assertLess(time.monotonic() - killed, PROMISED)
        self.assertEqual(last["type"], "run.failed")
        cause = last["data"]["cause"]
        self.assertEqual(cause["code"], "node_lost")
        for part in ("node n2", f"pid {worker.process.pid}", "nothing"):
            self.assertIn(part, cause["message"])
        _, shown = waiting.communicate(timeout=PATIENCE)
        self.assertEqual(waiting.returncode, 1, shown)
        self.assertIn("node_lost", shown)
        self.assertIn("node n2", shown)
        self.assertEqual(first.json("/v1/runs/last")["cause"]["code"], "node_lost")
        self.assertEqual([(n["name"], n["state"]) for n in first.json("/v1/nodes")["nodes"]], [("n1", "ready"), ("n2", "lost")])

    def test_a_stalled_worker_fails_the_run_too(self):
        first, worker = self.two()
        run = first.submit(ENDLESS, self.path)
        stopped = None
        for event in first.events(run):
            if event["type"] == "run.started":
                worker.process.send_signal(signal.SIGSTOP)
                stopped = time.monotonic()
            last = event
        worker.process.kill()
        self.assertLess(time.monotonic() - stopped, PROMISED)
        self.assertEqual((last["type"], last["data"]["cause"]["code"]), ("run.failed", "node_lost"), last)

    def test_what_a_unit_on_another_node_can_t_reach_is_shown(self):
        first, _ = self.two()
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            port = nobody.getsockname()[1]
        sink = f'postgres: {{ url: "postgresql://postgres@127.0.0.1:{port}/postgres", table: t }}, mode: append, when_down: block'
        run = first.submit(ENDLESS.replace("blackhole: {}", sink), self.path)

        def down():
            units = json.loads(self.sluice("status", run, "--json", "--to", first.http).stdout)["progress"]["units"]
            return next(unit for unit in units if unit["unit"] == "nothing").get("down")

        told = eventually(down, "status says so")
        self.assertIn(str(port), told["message"])
        self.assertGreater(told["since"], 1_600_000_000_000_000)
        self.assertIn("not reached since", self.sluice("status", run, "--to", first.http).stdout)
        self.assertEqual(self.sluice("cancel", run, "--to", first.http).returncode, 0)
        self.assertIn("unit.down", [event["type"] for event in first.events(run)])

    def test_a_worker_comes_back_after_the_first_node_was_restarted(self):
        first, worker = self.two()
        port = first.cluster
        first.process.kill()
        first.stop()
        again = Node("n1", self.path, "--listen", port)
        self.nodes[0] = again
        eventually(lambda: [n["name"] for n in again.json("/v1/nodes")["nodes"]] == ["n1", "n2"], "both nodes")

    def test_every_event_of_a_run_reaches_the_log_and_the_file_of_events(self):
        self.nodes.append(Node("n1", self.path))
        run = self.nodes[0].submit(PIPELINE.replace("    place: { node: n2 }\n", ""), self.path, out=str(self.path / "out"))
        told = list(self.nodes[0].events(run))
        file = self.path / "events.ndjson"

        def written():
            lines = file.read_text().splitlines() if file.exists() else []
            # What concerns no run (pipeline.submitted) is in the file too.
            return [event["id"] for event in map(json.loads, lines) if event["data"].get("run") == run]

        eventually(lambda: len(written()) >= len(told), "all events in the file")
        eventually(lambda: "run.succeeded" in self.nodes[0].logged(), "the last event in the log")
        self.assertEqual(written(), [event["id"] for event in told])

    def test_a_cluster_remembers_what_its_sources_have_taken(self):
        first, _ = self.two()
        (self.path / "in").mkdir()
        (self.path / "in/a.csv").write_text("id,name\n1,anna\n2,ben\n")
        (self.path / "p.yaml").write_text("""version: 1
pipeline: daily
extract:
  people:
    csv: { path: "in/*.csv" }
    incremental: { by: file }
transform:
  known: { from: people, filter: "id > 0", place: { node: n2 } }
load:
  out: { from: known, sqlite: { path: out.db, table: people }, mode: append }
""")
        to = ("--to", first.http)

        def load(*flags):
            done = self.sluice("submit", "p.yaml", "--wait", *flags, *to)
            self.assertEqual(done.returncode, 0, done.stderr)
            with contextlib.closing(sqlite3.connect(self.path / "out.db")) as database:
                return [row[0] for row in database.execute("select id from people order by rowid")]

        self.assertEqual(load(), [1, 2])
        (self.path / "in/b.csv").write_text("id,name\n3,cleo\n")
        self.assertEqual(load(), [1, 2, 3])
        unit = first.json("/v1/state?pipeline=daily&files=true")["pipelines"][0]["units"][0]
        self.assertEqual((unit["unit"], unit["file_count"], [f["path"] for f in unit["files"]]),
                         ("people", 2, [str(self.path / "in" / name) for name in ("a.csv", "b.csv")]))
        self.assertIn("2 files", self.sluice("state", "show", "daily", *to).stdout)
        self.assertEqual(load("--fresh"), [1, 2, 3, 1, 2, 3])
        forgotten = self.sluice("state", "reset", "daily", "--yes", *to)
        self.assertEqual(forgotten.returncode, 0, forgotten.stderr)
        self.assertEqual(first.json("/v1/state"), {"pipelines": []})
        self.assertIn("error[no_state]", self.sluice("state", "show", "a b/c?d", *to).stderr)
        self.assertEqual(load()[6:], [1, 2, 3])

    def test_the_token_is_required(self):
        first, _ = self.two()
        self.assertEqual((self.path / "token").stat().st_mode & 0o777, 0o600)
        for path in ("/v1/runs", "/v1/nodes", "/v1/events", "/metrics"):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                first.get(path, token=False)
            self.assertEqual(refused.exception.code, 401)
            refused.exception.close()
        self.assertEqual(first.get("/healthz", token=False), "ok\n")
        self.assertEqual(first.get("/readyz", token=False), "ready\n")

    def test_foreign_clients_are_refused_on_every_port_and_the_nodes_go_on(self):
        first, worker = self.two()
        ports = set()
        for node in (first, worker):
            ports |= {int(node.cluster.split(":")[1]), int(node.http.split(":")[1])} | listening(node.process.pid)
        self.assertEqual(len(ports), 6)
        # Headers of CAF's protocol, of all its operations, that claim a payload of nearly 4 GiB.
        greedy = [struct.pack(">BxxBIQQQ", operation, 0, 0xF0000000, 1, 1, 1) + bytes(4096) for operation in range(8)]
        for port in ports:
            for greeting in (b"GET /v1/runs HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\x02\x00" + b"\x01" * 512, b"\xff" * 64, os.urandom(4096),
                             *greedy):
                with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
                    try:
                        client.sendall(greeting)
                        client.shutdown(socket.SHUT_WR)
                        while client.recv(4096):
                            pass
                    except OSError as problem:  # a reset is a refusal, a wait that ends is none
                        self.assertNotIsInstance(problem, TimeoutError)
        eventually(lambda: "refused a data connection" in first.logged(), "a refused data connection")
        for node in (first, worker):
            eventually(lambda: "refused a control connection from 127.0.0.1" in node.logged(), "a refused control connection")
            self.assertLess(peak_kilobytes(node.process.pid), 500_000)
        run = first.submit(PIPELINE, self.path, out="after")
        self.assertEqual(list(first.events(run))[-1]["type"], "run.succeeded")

    def test_a_pin_on_an_unknown_node_is_a_fault(self):
        first, _ = self.two()
        (self.path / "p.yaml").write_text(PIPELINE.replace("node: n2", "node: n22"))
        refused = self.sluice("submit", "p.yaml", "--set", "out=x", "--to", first.http)
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertIn("error[unknown_node] p.yaml:11:20", refused.stderr)
        self.assertIn("did you mean 'n2'?", refused.stderr)

    def test_labels_pin_too(self):
        first, _ = self.two()
        run = first.submit(PIPELINE.replace("{ node: n2 }", "{ labels: { zone: dmz } }"), self.path, out="labels")
        nodes = {e["subject"]: e["data"]["node"] for e in first.events(run) if e["type"] == "unit.started"}
        self.assertEqual(nodes["paid"], "n2")

    def test_bad_addresses_and_ports_in_use(self):
        self.nodes.append(Node("n1", self.path))
        first = self.nodes[0]
        # Any port that is not named is a free one: those by default may be in use.
        for flags, code in ((("--listen", first.cluster), "port_in_use"), (("--http", first.http), "port_in_use"),
                            (("--listen", "0.0.0.0:7070"), "invalid_address"), (("--listen", "192.0.2.1:7070"), "tls_required"), (("--listen", "7070"), "invalid_address"),
                            (("--join", "127.0.0.1:1"), "join_failed")):
            free = [word for option in ("--listen", "--http") if option not in flags for word in (option, "127.0.0.1:0")]
            refused = self.sluice("node", *flags, *free)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn(f"error[{code}]", refused.stderr)

    def test_scaling_needs_a_unit_and_a_number(self):
        self.nodes.append(Node("n1", self.path))
        run = self.nodes[0].submit(ENDLESS.replace("n2", "n1"), self.path)
        for asked in ("", "?instances=2", "?unit=slow", "?unit=slow&instances=x"):
            request = urllib.request.Request(f"http://{self.nodes[0].http}/v1/runs/{run}/scale{asked}", method="POST",
                                             headers={"Authorization": "Bearer " + self.nodes[0].token})
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=PATIENCE)
            self.assertEqual(refused.exception.code, 400, asked)
            self.assertIn("invalid_query", refused.exception.read().decode())

    def test_sigterm_ends_a_node_in_order(self):
        self.nodes.append(Node("n1", self.path))
        first = self.nodes.pop()
        run = first.submit(ENDLESS.replace("n2", "n1"), self.path)
        types = []
        for event in first.events(run):
            types.append(event["type"])
            if event["type"] == "run.started":
                first.process.send_signal(signal.SIGTERM)
        self.assertEqual(types[-1], "run.cancelled")
        self.assertEqual(first.stop(), 0)


def peak_kilobytes(pid):
    """The most memory that a process has had."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def listening(pid):
    """TCP ports on which a process listens."""
    inodes = {target[8:-1] for target in open_files(pid).values() if target.startswith("socket:[")}
    ports = set()
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[9] in inodes:
            ports.add(int(fields[1].split(":")[1], 16))
    return ports


if __name__ == "__main__":
    unittest.main()
