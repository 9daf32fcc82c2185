#!/usr/bin/env python3
"""`./dev demo --cluster`: three nodes with certificates share the flights job, one of them is killed with -9 in the middle, and the
output is compared with that of one process.

    cluster_demo.py [--copies 40] [--out out/cluster]
"""

import argparse
import csv
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

import pyarrow.compute as compute
import pyarrow.parquet as parquet

ROOT = pathlib.Path(__file__).resolve().parents[1]
BINARY = os.environ.get("SLUICE_BINARY", str(ROOT / "build/sluice"))
PATIENCE = 60


def say(what):
    print(f"-- {what}", flush=True)


def wait_for(condition, what, pause=0.02):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(pause)
    raise SystemExit(f"waited {PATIENCE} s for {what}")


class Node:
    def __init__(self, name, folder, join=None):
        self.name, self.state = name, folder / name
        self.state.mkdir()
        self.log = open(folder / f"{name}.log", "w+")
        words = [BINARY, "node", "--state", str(self.state), "--tls", str(folder / "tls" / name), "--listen", "127.0.0.1:0",
                 "--http", "127.0.0.1:0", "--json", *(("--join", join) if join else ())]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{name} did not start: {pathlib.Path(self.log.name).read_text()}")
        ready = json.loads(line)
        self.cluster, self.http = ready["listen"], ready["http"]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.log.close()


class Demo:
    def __init__(self, folder, out, copies):
        self.folder, self.out, self.copies = folder, out, copies
        self.nodes = []

    def sluice(self, *words, node=None, **more):
        """A command; of a node the state folder, whose token it uses, its address and the authority of its certificate."""
        more.setdefault("check", True)
        there = ("--to", node.http, "--state", str(node.state), "--ca", str(self.folder / "tls/ca.crt")) if node else (
            "--state", str(self.folder / "alone"))
        return subprocess.run([BINARY, *map(str, words), *there], cwd=ROOT, **more)

    def answer(self, *words):
        told = self.sluice(*words, "--json", node=self.nodes[0], capture_output=True, text=True, check=False)
        return json.loads(told.stdout) if told.returncode == 0 and told.stdout else None

    def make_input(self):
        """January as it is in examples/data, then copies of its good records."""
        data, into = ROOT / "examples/data", self.folder / "in"
        into.mkdir()
        for name in ("airlines.csv", "weather_2013_01.csv"):
            shutil.copyfile(data / name, into / name)
        lines = (data / "flights_2013_01.csv").read_bytes().splitlines(keepends=True)
        fields = lines[0].count(b",")
        good = [line for line in lines[1:] if line.count(b",") == fields and line[:5] == b"2013," and b"9999999" not in line
                and b'"' not in line and not any(bad in line for bad in (b",eight,", b"-32T", b"km,"))]
        with open(into / "flights_2013_01.csv", "wb") as file:
            file.writelines(lines)
            for _ in range(self.copies - 1):
                file.writelines(good)
        return into, len(lines) + (self.copies - 1) * len(good)

    def make_pipeline(self):
        text = (ROOT / "examples/flights.yaml").read_text()
        path = self.folder / "flights.yaml"
        text = text.replace("\nparams:", "\ndefaults: { parallelism: 3 }\n\nparams:", 1)
        # A branch that takes ten seconds: so the run has a middle on every machine, in which a node can be killed.
        text = text.replace("\nextract:\n", "\nextract:\n  seconds: { generate: { rows: 100, rate: 10, columns: { id: sequence } }, parallelism: 1 }\n", 1)
        text = text.replace("\nload:\n", "\nload:\n  passed: { from: seconds, blackhole: {} }\n", 1)
        path.write_text(text)
        return path

    def show_nodes(self):
        self.sluice("nodes", node=self.nodes[0])

    def states(self):
        return {node["name"]: node["state"] for node in self.answer("nodes") or []}

    def start_nodes(self):
        say("certificates: sluice tls init n1=127.0.0.1 n2=127.0.0.1 n3=127.0.0.1")
        subprocess.run([BINARY, "tls", "init", *(f"n{number}=127.0.0.1" for number in (1, 2, 3)), "--dir", str(self.folder / "tls"), "-q"],
                       check=True, stdout=subprocess.DEVNULL)
        for name in ("n1", "n2", "n3"):
            # Any member will do: n3 joins by n2, which says where the controller is.
            self.nodes.append(Node(name, self.folder, self.nodes[-1].cluster if self.nodes else None))
        wait_for(lambda: list(self.states().values()) == ["ready"] * 3, "three nodes that are ready")
        say("three nodes, TLS on all their ports: sluice nodes")
        self.show_nodes()

    def run(self):
        into, rows = self.make_input()
        pipeline = self.make_pipeline()
        settings = ("--set", f"in={into}", "--set")
        say(f"the job: examples/flights.yaml with parallelism 3 for its units, {rows:,} lines of flights")
        self.start_nodes()
        first, worker = self.nodes[0], self.nodes[2]
        say(f"where it would run: sluice explain flights.yaml --to {first.http}")
        self.sluice("explain", pipeline, *settings, f"out={self.out / 'cluster'}", node=first)
        run = self.sluice("submit", pipeline, *settings, f"out={self.out / 'cluster'}", node=first, capture_output=True, text=True).stdout.strip()
        say(f"submitted: run {run[:8]}")
        watching = subprocess.Popen([BINARY, "watch", run, "--to", first.http, "--state", str(first.state), "--ca",
                                     str(self.folder / "tls/ca.crt"), "--progress", "plain"], cwd=ROOT)
        wait_for(lambda: self.read_rows(run) > rows // 4, "a quarter of the rows")
        self.show_nodes()
        say(f"kill -9 {worker.process.pid}: node {worker.name} dies in the middle of the run")
        worker.process.kill()
        killed = time.monotonic()
        wait_for(lambda: self.states().get(worker.name) == "lost", "a lost node")
        say(f"seen as lost after {time.monotonic() - killed:.2f} s")
        self.show_nodes()
        code = watching.wait(PATIENCE)
        if code != 0:
            raise SystemExit(f"the run did not succeed: exit code {code}\n{pathlib.Path(first.log.name).read_text()}")
        types = [json.loads(line)["type"] for line in self.sluice("events", run, "--json", node=first, capture_output=True, text=True).stdout.splitlines()]
        if "run.restarting" not in types:
            raise SystemExit(f"the loss of {worker.name} did not make the run begin again: {types}")
        say("the run began again on the two nodes that were left, and succeeded")
        say("the same job in one process: sluice run")
        self.sluice("run", pipeline, *settings, f"out={self.out / 'alone'}", "--progress", "none")
        self.compare()

    def read_rows(self, run):
        told = self.answer("status", run) or {}
        units = (told.get("progress") or {}).get("units") or []
        return sum(unit.get("in", 0) for unit in units if unit.get("unit") == "flown")

    def compare(self):
        one, other = self.out / "alone", self.out / "cluster"
        if (one / "report.csv").read_bytes() != (other / "report.csv").read_bytes():
            raise SystemExit("report.csv differs")
        tables = []
        for folder in (one, other):
            with sqlite3.connect(folder / "flights.db") as database:
                tables.append(sorted(database.execute("select * from delays"), key=repr))
        if tables[0] != tables[1]:
            raise SystemExit("flights.db differs")
        files = []
        for folder in (one, other):
            table = parquet.read_table(folder / "flights.parquet")
            # Parallel units keep no order over all rows: the rows are compared, not where they stand.
            keys = [(name, "ascending") for name in table.column_names]
            files.append(table.take(compute.sort_indices(table, sort_keys=keys)))
        if not files[0].equals(files[1]):
            raise SystemExit("flights.parquet differs")
        with open(one / "report.csv", newline="") as file:
            lines = sum(1 for _ in csv.reader(file)) - 1
        say(f"the same output, bit for bit: report.csv with {lines} lines, flights.db, and the {files[0].num_rows:,} rows of flights.parquet")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--copies", type=int, default=40)
    parser.add_argument("--out", default="out/cluster-demo")
    chosen = parser.parse_args()
    out = pathlib.Path(chosen.out).resolve()
    with tempfile.TemporaryDirectory(prefix="sluice-cluster-") as folder:
        demo = Demo(pathlib.Path(folder), out, chosen.copies)
        try:
            demo.run()
        except BaseException:
            for node in demo.nodes:
                node.log.flush()
                print(f"-- the log of {node.name}\n" + pathlib.Path(node.log.name).read_text()[-3000:], file=sys.stderr)
            raise
        finally:
            for node in reversed(demo.nodes):
                node.stop()


if __name__ == "__main__":
    sys.exit(main())
