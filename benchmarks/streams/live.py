#!/usr/bin/env python3
"""What a run without end takes: S3, latency at one event per ms; S4, memory at rest and the time until it is ready; S5, the
time from kill -9 to the next committed message. One broker of tests/services/kafka.sh; prints one JSON object a job.

    benchmarks/streams/live.py [--jobs s3,s4,s5] [--seconds 20] [--kills 10]
"""

import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from run import HERE, ROOT, build_loop, end_of

sys.path.insert(0, str(ROOT / "tests/support"))

from confluent_kafka import Consumer, TopicPartition  # noqa: E402  (needs the path above)
from kafka_server import Broker, wait_for  # noqa: E402


class Live:
    def __init__(self, folder, broker, loop):
        self.folder, self.broker, self.loop, self.number = folder, broker, loop, 0

    def topics(self):
        self.number += 1
        names = f"in-{self.number}", f"out-{self.number}"
        for each in names:
            self.broker.topic(each, 4)
        return names

    def start(self, names, idempotent, state=None):
        text = (HERE / "live.yaml").read_text().replace("IDEMPOTENT", "true" if idempotent else "false")
        (self.folder / "live.yaml").write_text(text)
        state = state or f"state-{self.number}-{idempotent}"
        return subprocess.Popen([ROOT / "build/sluice", "run", "live.yaml", "-q", "--set", f"broker={self.broker.address}",
                                 "--set", f"from={names[0]}", "--set", f"target={names[1]}"], cwd=self.folder,
                                env={**os.environ, "SLUICE_STATE": str(self.folder / state)}, start_new_session=True)

    def state(self, state):
        done = subprocess.run([ROOT / "build/sluice", "runs", "-n", "1", "--json"], capture_output=True, text=True,
                              env={**os.environ, "SLUICE_STATE": str(self.folder / state)})
        runs = json.loads(done.stdout or "[]")
        return runs[0]["state"] if runs else ""

    def end(self, process):
        process.send_signal(signal.SIGTERM)
        process.wait(60)

    def latency(self, seconds):
        """From the moment at which an event is sent to that at which a reader has its result."""
        for name, idempotent in (("no engine", None), ("idempotent: true", True), ("exactly once", False)):
            names = self.topics()
            process = None
            if idempotent is not None:
                process = self.start(names, idempotent)
                wait_for("the run", lambda: self.state(f"state-{self.number}-{idempotent}") == "running")
            reading = subprocess.Popen([self.loop, "receive", self.broker.address, names[0 if idempotent is None else 1],
                                        str(seconds * 1000)], stdout=subprocess.PIPE, text=True)
            subprocess.run([self.loop, "send", self.broker.address, names[0], "1000", str(seconds)], check=True,
                           stdout=subprocess.DEVNULL)
            if process:
                # The last ones of a transaction become visible with the checkpoint at the end.
                self.end(process)
            yield {"job": "S3", "what": name, **json.loads(reading.communicate(timeout=150)[0])}

    def rest(self, rounds):
        """Resident memory of all processes five seconds after the start; the time until the run is recorded as running."""
        ready, memory = [], []
        for _ in range(rounds):
            names = self.topics()
            state = f"state-{self.number}-True"
            begun = time.monotonic()
            process = self.start(names, True)
            database = self.folder / state / "sluice.db"
            wait_for("the run", lambda: database.exists() and self.running(database))
            ready.append(time.monotonic() - begun)
            time.sleep(5)  # the measurement: what it takes when nothing happens
            memory.append(sum(resident(pid) for pid in family(process.pid)))
            self.end(process)
        return {"job": "S4", "what": "at rest", "rounds": rounds, "memory_mib": round(statistics.median(memory), 1),
                "ready_s": round(statistics.median(ready), 3)}

    @staticmethod
    def running(database):
        import sqlite3
        try:
            with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=1) as db:
                return db.execute("SELECT 1 FROM events WHERE type = 'run.started'").fetchone()
        except sqlite3.Error:
            return None

    def killed(self, kills):
        """From kill -9 to the first message after it that a reader of committed messages can read."""
        names = self.topics()
        ends = Consumer({**self.broker.settings, "group.id": "ends", "isolation.level": "read_committed"})

        reading = Consumer({**self.broker.settings, "group.id": "reading", "isolation.level": "read_committed",
                            "fetch.wait.max.ms": 10})

        def stable():
            return end_of(ends, names[1])

        feeding = subprocess.Popen([self.loop, "send", self.broker.address, names[0], "5000", "3600"], stdout=subprocess.DEVNULL)
        times = []
        process = self.start(names, False, "state-killed")
        try:
            for _ in range(kills):
                before = stable()
                wait_for("more messages", lambda: stable() > before + 5000)
                os.killpg(process.pid, signal.SIGKILL)
                begun = time.monotonic()
                process.wait()
                # What the dead one has decided is committed by the next one: that is the next committed message. The end
                # of what can be read moves on when its open transaction is aborted, so messages are what counts.
                reading.assign([TopicPartition(names[1], each, ends.get_watermark_offsets(
                    TopicPartition(names[1], each), 60)[1]) for each in range(4)])
                process = self.start(names, False, "state-killed")
                wait_for("a message", lambda: (got := reading.poll(0.02)) is not None and got.error() is None)
                times.append(time.monotonic() - begun)
            self.end(process)
        finally:
            feeding.kill()
            ends.close()
            reading.close()
        return {"job": "S5", "what": "kill -9 to the next committed message", "kills": kills,
                "median_s": round(statistics.median(times), 2), "worst_s": round(max(times), 2)}


def family(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def resident(pid):
    """MiB that belong to the process alone, and its share of what it has in common with others."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--jobs", default="s3,s4,s5")
    options.add_argument("--seconds", type=int, default=20)
    options.add_argument("--kills", type=int, default=10)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as place, Broker() as broker:
        folder = pathlib.Path(place)
        live = Live(folder, broker, build_loop(folder))
        jobs = chosen.jobs.split(",")
        if "s3" in jobs:
            for each in live.latency(chosen.seconds):
                print(json.dumps(each), flush=True)
        if "s4" in jobs:
            print(json.dumps(live.rest(5)), flush=True)
        if "s5" in jobs:
            print(json.dumps(live.killed(chosen.kills)), flush=True)


if __name__ == "__main__":
    main()
