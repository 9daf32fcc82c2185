#!/usr/bin/env python3
"""What a data link between two nodes carries: rows of eight integers from a `generate` source on one node to a
`blackhole` on the other, over loopback, plain and with TLS, in turn with bare programs that send as many bytes over one
connection. While rows move, the progress of the run is asked again and again: its answer crosses the control connection.

    benchmarks/cluster/run.py [--gigabytes 2] [--rounds 3] [--only plain] [--set "exchange: {...}"] [--record]

Prints one JSON object with the medians of each way. `--record` writes it into benchmarks/results. A program that
answers nothing for a minute, or a run that takes longer than ten, ends the benchmark with an error.
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import re
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
SLUICE = pathlib.Path(os.environ.get("SLUICE_BINARY", ROOT / "build/sluice"))
COLUMNS = 8
TICKS = os.sysconf("SC_CLK_TCK")
PIPELINE = f"""version: 1
pipeline: link
extract:
  numbers:
    generate: {{{{ rows: {{rows}}, columns: {{{{ {", ".join(f"c{i}: sequence" for i in range(COLUMNS))} }}}} }}}}
    place: {{{{ node: n1 }}}}
load:
  nothing: {{{{ from: numbers, blackhole: {{{{}}}}, place: {{{{ node: n2 }}}} }}}}
"""
LOCAL = PIPELINE.replace("place: {{ node: n2 }}", "place: {{ node: n1 }}")


def build(folder):
    program = folder / "bare_socket"
    subprocess.run(["g++", "-O2", "-std=c++20", pathlib.Path(__file__).with_name("bare_socket.cpp"), "-lssl", "-lcrypto",
                    "-o", program], check=True)
    return program


def family(pid):
    """A process and all below it."""
    found = [pid]
    for each in found:
        with contextlib.suppress(OSError):
            for task in pathlib.Path(f"/proc/{each}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def cpu_of(pid):
    total = 0
    for each in family(pid):
        with contextlib.suppress(OSError):
            total += sum(int(n) for n in pathlib.Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()[11:13])
    return total / TICKS


class Node:
    def __init__(self, name, folder, tls, settings, *flags):
        config = folder / f"{name}.yaml"
        config.write_text("node:\n  name: " + name + "\n" + (f"  {settings}\n" if settings else ""))
        self.log = open(folder / f"{name}.log", "w")
        secured = ["--tls", str(folder / "tls" / name)] if tls else []
        self.process = subprocess.Popen(
            [SLUICE, "node", "--state", folder / "state", "--config", config, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0",
             *secured, *flags], stdout=subprocess.PIPE, stderr=self.log, text=True)
        found = re.match(r"ready: node \S+, cluster (\S+), https? (\S+)\n", self.process.stdout.readline())
        self.cluster, self.http = found[1], found[2]
        self.url = f"http{'s' if tls else ''}://{self.http}"
        self.trust = ssl.create_default_context(cafile=folder / "tls" / name / "ca.crt") if tls else None
        self.token = (folder / "state" / "token").read_text()

    def ask(self, path, data=None):
        request = urllib.request.Request(self.url + path, data=data, headers={"Authorization": "Bearer " + self.token})
        with urllib.request.urlopen(request, timeout=60, context=self.trust) as answer:
            return json.load(answer)

    def run(self, rows, text=PIPELINE):
        body = {"text": text.format(rows=rows), "file": "link.yaml", "base_folder": "/", "params": {}}
        return self.ask("/v1/runs", json.dumps(body).encode())["run"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.log.close()


@contextlib.contextmanager
def two_nodes(tls, settings):
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        if tls:
            subprocess.run([SLUICE, "tls", "init", "n1=127.0.0.1", "n2=127.0.0.1", "--dir", folder / "tls"], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        first = Node("n1", folder, tls, settings)
        second = None
        try:
            second = Node("n2", folder, tls, settings, "--join", first.cluster)
            while sum(each["state"] == "ready" for each in first.ask("/v1/nodes")["nodes"]) < 2:
                time.sleep(0.05)
            yield first, second, folder
        finally:
            for node in (second, first):
                if node:
                    node.stop()


def wait_for(node, run, answers=None):
    limit = time.monotonic() + 600
    while time.monotonic() < limit:
        begun = time.monotonic()
        got = node.ask(f"/v1/runs/{run}")
        if answers is not None and got.get("progress"):
            answers.append(time.monotonic() - begun)
        if got["ended"]:
            assert got["state"] == "succeeded", got
            return got
        time.sleep(0.02)
    raise TimeoutError(f"run {run} did not end within ten minutes: {got}")


def link(tls, gigabytes, settings):
    rows = round(gigabytes * 1e9 / (8 * COLUMNS))
    with two_nodes(tls, settings) as (first, second, _):
        wait_for(first, first.run(100_000))  # connects
        local = cpu_of(first.process.pid)
        wait_for(first, first.run(rows, LOCAL))
        local = cpu_of(first.process.pid) - local
        answers = []
        before = [cpu_of(node.process.pid) for node in (first, second)]
        begun = time.monotonic()
        wait_for(first, first.run(rows), answers)
        seconds = time.monotonic() - begun
        after = [cpu_of(node.process.pid) for node in (first, second)]
    sender, receiver = (b - a for a, b in zip(before, after))
    return {"seconds": seconds, "sender_cpu": sender, "receiver_cpu": receiver, "rows_cpu": local, "answers": answers}


def bare(program, tls, gigabytes):
    with tempfile.TemporaryDirectory() as place:
        words = [program, "tls" if tls else "plain", str(round(gigabytes * 1e9))]
        if tls:
            subprocess.run([SLUICE, "tls", "init", "n1=127.0.0.1", "--dir", place + "/tls"], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            words.append(place + "/tls/n1")
        return json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, timeout=600).stdout)


def median_of(runs, gigabytes):
    """GB/s and CPU seconds per GB."""
    found = {"gb_per_second": round(statistics.median(gigabytes / one["seconds"] for one in runs), 3)}
    for side in ("sender_cpu", "receiver_cpu", "rows_cpu"):
        if side in runs[0]:
            found[side + "_per_gb"] = round(statistics.median(one[side] / gigabytes for one in runs), 3)
    answers = sorted(seconds for one in runs for seconds in one.get("answers", []))
    if answers:
        found["control_p50_ms"] = round(answers[len(answers) // 2] * 1e3, 1)
        found["control_p99_ms"] = round(answers[min(len(answers) - 1, len(answers) * 99 // 100)] * 1e3, 1)
        found["control_answers"] = len(answers)
    return found


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--gigabytes", type=float, default=2)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only", choices=("plain", "tls"))
    options.add_argument("--set", default="", help="a line below `node:` of both nodes' files")
    options.add_argument("--record", action="store_true")
    chosen = options.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as place:
        program = build(pathlib.Path(place))
        for _ in range(chosen.rounds):
            for way in ("plain", "tls"):
                if chosen.only in (None, way):
                    for what, measured in (("bare", bare(program, way == "tls", chosen.gigabytes)),
                                           ("link", link(way == "tls", chosen.gigabytes, chosen.set))):
                        found.setdefault(f"{what} {way}", []).append(measured)
                        print(f"{what} {way}: {measured['seconds']:.2f} s", file=sys.stderr, flush=True)
    results = {way: median_of(runs, chosen.gigabytes) for way, runs in found.items()}
    for way in ("plain", "tls"):
        if "link " + way in results:
            results["link " + way]["of_bare"] = round(results["link " + way]["gb_per_second"] / results["bare " + way]["gb_per_second"], 3)
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    whole = {"benchmark": "cluster", "commit": commit, "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1),
             "kernel": platform.release(), "gigabytes": chosen.gigabytes,
             "rounds": chosen.rounds, "settings": chosen.set, "results": results}
    print(json.dumps(whole, indent=1))
    if chosen.record:
        path = ROOT / "benchmarks/results" / f"{datetime.date.today()}-cluster-{commit}.json"
        path.write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    main()
