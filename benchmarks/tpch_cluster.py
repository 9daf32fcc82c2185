#!/usr/bin/env python3
"""./dev bench tpch-cluster: the 22 TPC-H queries over 1 and 2 worker processes of one core each, beside Spark (local-cluster) and
Sail (local-cluster) with the same cores and memory. A system is started, its start-up is reported apart, it answers all
queries in turn, and stops; the systems alternate. Reported are wall and CPU seconds per query; CPU is that of all of the
system's processes, its client's too. Answers are compared with DuckDB's. Exit 1 if one differs.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import time

import run
import tpch

ROOT = tpch.ROOT
NUMBERS = range(1, 23)
MEMORY_MB = 4096  # of each worker
PEERS = ROOT / ".deps/spark/bin/python"
HERE = pathlib.Path(__file__).resolve().parent


def family(pid):
    """The process and all that it has started and that live."""
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(one for child in children for one in family(int(child)))]


def cpu_of(pids):
    """CPU seconds of processes, with those of their children that have ended."""
    total = 0
    for pid in {one for pid in pids for one in family(pid)}:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += sum(map(int, fields[11:15]))
        except OSError:
            pass
    return total / os.sysconf("SC_CLK_TCK")


class Sluice:
    """Nodes on loopback, each on a core of its own; the client shares their cores."""

    tolerance = 1e-9

    def __init__(self, workers, data, out):
        self.workers, self.data, self.out, self.nodes = workers, data, out, []
        self.pipelines = out / "pipelines"
        self.pipelines.mkdir(parents=True, exist_ok=True)
        for number in NUMBERS:
            text = (tpch.QUERIES / f"q{number:02d}.yaml").read_text()
            if workers > 1:
                text = text.replace("\nextract:", f"\ndefaults: {{ parallelism: {workers} }}\nextract:", 1)
            (self.pipelines / f"q{number:02d}.yaml").write_text(text)

    def start(self):
        join, environment = [], dict(os.environ)
        for number in range(self.workers):
            command = [ROOT / "build/sluice", "node", "--json", "--name", f"n{number + 1}", "--state", self.out / f"state-{number}",
                       "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", *join]
            log = open(self.out / f"node-{number}.log", "w")
            node = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment,
                                    preexec_fn=lambda core=number: os.sched_setaffinity(0, {core}))
            self.nodes.append(node)
            ready = json.loads(node.stdout.readline())
            if not join:
                self.http, self.token = ready["http"], (self.out / "state-0/token").read_text().strip()
                join, environment["SLUICE_TOKEN"] = ["--join", ready["listen"]], self.token
        while len(self.members()) < self.workers:
            time.sleep(0.05)

    def members(self):
        done = subprocess.run([ROOT / "build/sluice", "nodes", "--json", "--to", self.http], capture_output=True, text=True,
                              env={**os.environ, "SLUICE_TOKEN": self.token})
        return [node for node in json.loads(done.stdout or "[]") if node["state"] == "ready"]

    def pids(self):
        return [node.pid for node in self.nodes]

    def query(self, number):
        client = os.times()
        done = subprocess.run([ROOT / "build/sluice", "submit", self.pipelines / f"q{number:02d}.yaml", "--wait", "-q", "--to", self.http,
                               "--set", f"data={self.data}", "--set", f"out={self.out}"], capture_output=True, text=True,
                              env={**os.environ, "SLUICE_TOKEN": self.token},
                              preexec_fn=lambda: os.sched_setaffinity(0, set(range(self.workers))))
        if done.returncode != 0:
            raise RuntimeError(f"q{number:02d}: {done.stderr[-800:]}")
        after = os.times()
        return after.children_user - client.children_user + after.children_system - client.children_system

    def stop(self):
        for node in reversed(self.nodes):
            node.send_signal(signal.SIGTERM)
            node.wait(30)
            node.stdout.close()


class Peer:
    """A program (benchmarks/jobs/cluster_peer.py) that starts Spark or Sail and answers a query for each line it reads."""

    tolerance = 1e-4  # they round averages and quotients of decimals to a few places

    def __init__(self, name, workers, data, out):
        self.name, self.workers, self.data, self.out = name, workers, data, out

    def start(self):
        self.process = subprocess.Popen(
            [PEERS, HERE / "jobs/cluster_peer.py", self.name, str(self.workers), str(MEMORY_MB), self.data, self.out],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(self.out / f"{self.name}.log", "a"), text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, set(range(self.workers))))
        self.expect("ready")

    def expect(self, word):
        line = self.process.stdout.readline().strip()
        if line != word:
            raise RuntimeError(f"{self.name}: {line or open(self.out / f'{self.name}.log').read()[-800:]}")

    def pids(self):
        return [self.process.pid]

    def query(self, number):
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        self.expect("done")
        return 0

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def round_of(system, out, faults, label):
    """One start, all queries, one stop: {"start": (wall, cpu), number: (wall, cpu)}."""
    taken, begun = {}, time.monotonic()
    try:
        system.start()
        taken["start"] = (time.monotonic() - begun, cpu_of(system.pids()))
        for number in system.numbers:
            before, begun = cpu_of(system.pids()), time.monotonic()
            try:
                client = system.query(number)
            except RuntimeError as fault:
                faults.append(f"{label}: {fault}")
                if isinstance(system, Peer):
                    break
                continue
            taken[number] = (time.monotonic() - begun, cpu_of(system.pids()) - before + client)
            differs = tpch.difference(out / f"q{number:02d}.csv", out.parent / f"q{number:02d}.duckdb.csv", system.tolerance)
            if differs:
                faults.append(f"{label}: q{number:02d}: {differs}")
    finally:
        system.stop()
    return taken


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("-n", type=int, default=1, help="rounds")
    options.add_argument("-q", default=",".join(map(str, NUMBERS)), help="queries")
    options.add_argument("-p", default="sluice,spark,sail", help="systems")
    options.add_argument("-k", default="1,2", help="numbers of workers")
    options.add_argument("--scale", type=float, default=10)
    options.add_argument("--data", type=pathlib.Path)
    chosen = options.parse_args()
    data = (chosen.data or ROOT / f"data/tpch-parquet-sf{chosen.scale:g}").absolute()
    tpch.make_tables(data, chosen.scale)
    out = ROOT / "build/bench-cluster"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    numbers = list(map(int, chosen.q.split(",")))
    for number in numbers:
        subprocess.run([sys.executable, "-c", tpch.JOB, data, tpch.QUERIES / f"q{number:02d}.sql", out / f"q{number:02d}.duckdb.csv"], check=True)
    faults, taken = [], {}
    for turn in range(chosen.n):
        for workers in map(int, chosen.k.split(",")):
            for name in chosen.p.split(","):
                label, folder = f"{name} x {workers}", out / f"{name}-{workers}-{turn}"
                folder.mkdir()
                system = Sluice(workers, data, folder) if name == "sluice" else Peer(name, workers, data, folder)
                system.numbers = numbers
                try:
                    done = round_of(system, folder, faults, label)
                except RuntimeError as fault:
                    faults.append(f"{label}: {fault}")
                    continue
                for what, pair in done.items():
                    taken.setdefault(label, {}).setdefault(what, []).append(pair)
                print(label, {what: tuple(round(one, 2) for one in pair) for what, pair in done.items()}, file=sys.stderr, flush=True)
    labels = list(taken)
    cells = {label: {what: tuple(map(statistics.median, zip(*pairs))) for what, pairs in found.items()} for label, found in taken.items()}

    def row(title, of):
        return f"| {title} | " + " | ".join(of(label) for label in labels) + " |"

    def pair(label, what):
        return f"{cells[label][what][0]:.2f} / {cells[label][what][1]:.2f}" if what in cells[label] else "failed"

    def total(label):
        done = [cells[label][number] for number in numbers if number in cells[label]]
        return f"{sum(wall for wall, _ in done):.1f} / {sum(cpu for _, cpu in done):.1f}" + ("" if len(done) == len(numbers) else f" ({len(done)} queries)")

    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    text = (f"# TPC-H over workers, commit {commit}\n\n22 queries, scale factor {chosen.scale:g}, Parquet in, CSV out, workers of one core and "
            f"{MEMORY_MB} MB each on one machine; wall / CPU seconds, medians of {chosen.n} rounds; {run.machine()}; {time.strftime('%Y-%m-%d')}. "
            f"Load {os.getloadavg()[2]:.1f} over the last quarter of an hour.\n\n"
            + row("query", lambda label: label) + "\n|---|" + "---:|" * len(labels) + "\n"
            + "\n".join(row(f"Q{number}", lambda label, number=number: pair(label, number)) for number in numbers)
            + "\n" + row("**in sum**", total) + "\n" + row("start-up", lambda label: pair(label, "start")) + "\n"
            + "".join(f"\n- {fault}" for fault in faults))
    results = ROOT / "benchmarks/results"
    results.joinpath(run.new_name(results, f"{time.strftime('%Y-%m-%d')}-tpch-cluster-{commit}") + ".md").write_text(text)
    print(text)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
