#!/usr/bin/env python3
"""The jobs of run.py and live.py beside other engines, in turn, with one broker of tests/services/kafka.sh: S1 and S2 beside Flink and a bare
loop over librdkafka, S3 beside Benthos and Flink, S5 beside Flink. Prints one JSON object a job and engine, medians of the rounds.

    benchmarks/streams/beside.py [--jobs s1,s2,s3,s5] [--messages 2000000] [--rounds 3] [--seconds 20] [--kills 5]
"""

import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import tempfile
import time

from confluent_kafka import Consumer, TopicPartition

from live import Live
from peers.flink import Flink
from run import HERE, ROOT, build_loop, end_of, measured, windows

# These come from tests/support, whose path `run` adds.
from kafka_server import Broker, free_ports, wait_for  # noqa: E402

BENTHOS = ROOT / ".deps/benthos"


class Race:
    def __init__(self, folder, broker, flink, loop, messages):
        self.folder, self.broker, self.flink, self.loop, self.messages = folder, broker, flink, loop, messages
        self.found, self.number = {}, 0

    def target(self):
        self.number += 1
        name = f"target-{self.number}"
        self.broker.topic(name, 4)
        return name

    def note(self, job, engine, seconds, cpu):
        self.found.setdefault((job, engine), []).append((seconds, cpu))

    def ended(self, *job, **how):
        """A job of Flink from its submission to its end: seconds, and CPU seconds of the cluster."""
        cpu, begun = self.flink.cpu(), time.monotonic()
        if self.flink.submit(*job, **how).wait(600) != 0:
            raise RuntimeError(f"a job of Flink failed; its logs are in {self.flink.folder}")
        return time.monotonic() - begun, self.flink.cpu() - cpu

    def s1(self):
        self.note("S1", "bare loop", *measured([self.loop, "transform", self.broker.address, "events", self.target(), str(self.messages)]))
        for name, idempotent in (("sluice, at least once", "true"), ("sluice, exactly once", "false")):
            path = self.folder / f"s1-{idempotent}.yaml"
            path.write_text((HERE / "s1.yaml").read_text().replace("IDEMPOTENT", idempotent))
            self.note("S1", name, *measured([ROOT / "build/sluice", "run", path, "-q", "--set", f"broker={self.broker.address}", "--set",
                                             "from=events", "--set", f"target={self.target()}"],
                                            SLUICE_STATE=str(self.folder / "state")))
        for name, exactly_once in (("flink tuned, at least once", False), ("flink tuned, exactly once", True)):
            self.note("S1", name, *self.ended("s1", self.broker.address, "events", self.target(), exactly_once, tuned=True, bounded=True))

    def s2(self):
        self.note("S2", "sluice, at least once", *windows(self.broker, self.folder, self.messages))
        self.note("S2", "flink, at least once", *self.ended("s2", self.broker.address, "events", self.target(), bounded=True))

    def medians(self):
        for (job, engine), runs in self.found.items():
            seconds = statistics.median(each for each, _ in runs)
            cpu = statistics.median(each for _, each in runs)
            yield {"job": job, "engine": engine, "rounds": len(runs), "cpu_us_per_message": round(cpu / self.messages * 1e6, 2),
                   "messages_per_second": round(self.messages / seconds)}


def latency(race, live, seconds):
    yield from ({"job": "S3", "engine": "no engine" if each["what"] == "no engine" else f"sluice, {each['what']}",
                 **{key: value for key, value in each.items() if key not in ("job", "what")}} for each in live.latency(seconds))
    if BENTHOS.exists():
        source, target = race.target(), race.target()
        process = subprocess.Popen([BENTHOS, "run", HERE / "peers/benthos/s1.yaml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env={**os.environ, "BROKER": race.broker.address, "FROM": source, "TO": target, "IDLE": "0s"})
        reading = answered(race, source, target, seconds)
        process.terminate()
        process.wait(30)
        yield {"job": "S3", "engine": "benthos", **reading}
    source, target = race.target(), race.target()
    submitting = race.flink.submit("s1", race.broker.address, source, target)
    reading = answered(race, source, target, seconds)
    race.flink.cancel()
    submitting.wait(60)
    yield {"job": "S3", "engine": "flink, at least once", **reading}


def answered(race, source, target, seconds):
    """Sends a few events until one comes through, so that the engine is at work; then one event per ms, and how old each result is when a
    reader has it."""
    ends = Consumer({**race.broker.settings, "group.id": "ends"})

    def arrives():
        subprocess.run([race.loop, "send", race.broker.address, source, "10", "1"], check=True, stdout=subprocess.DEVNULL)
        return end_of(ends, target) > 0

    wait_for("the first result", arrives, 120)
    ends.close()
    reading = subprocess.Popen([race.loop, "receive", race.broker.address, target, str(seconds * 1000)], stdout=subprocess.PIPE, text=True)
    subprocess.run([race.loop, "send", race.broker.address, source, "1000", str(seconds)], check=True, stdout=subprocess.DEVNULL)
    return json.loads(reading.communicate(timeout=150)[0])


def killed(race, kills):
    """From kill -9 of Flink's taskmanager to the next message that a reader of committed messages can read."""
    source, target = race.target(), race.target()
    ends = Consumer({**race.broker.settings, "group.id": "ends", "isolation.level": "read_committed"})
    reading = Consumer({**race.broker.settings, "group.id": "reading", "isolation.level": "read_committed", "fetch.wait.max.ms": 10})
    feeding = subprocess.Popen([race.loop, "send", race.broker.address, source, "5000", "3600"], stdout=subprocess.DEVNULL)
    submitting, times = race.flink.submit("s1", race.broker.address, source, target, exactly_once=True), []
    try:
        for _ in range(kills):
            before = end_of(ends, target)
            wait_for("more messages", lambda: end_of(ends, target) > before + 5000, 120)
            begun = time.monotonic()
            race.flink.kill_worker()
            reading.assign([TopicPartition(target, each, ends.get_watermark_offsets(TopicPartition(target, each), 60)[1])
                            for each in range(4)])
            wait_for("a message", lambda: (got := reading.poll(0.02)) is not None and got.error() is None, 120)
            times.append(time.monotonic() - begun)
        race.flink.cancel()
        submitting.wait(60)
    finally:
        feeding.send_signal(signal.SIGKILL)
        feeding.wait()
        ends.close()
        reading.close()
    return {"job": "S5", "engine": "flink, exactly once", "kills": kills, "median_s": round(statistics.median(times), 2),
            "worst_s": round(max(times), 2)}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--jobs", default="s1,s2,s3,s5")
    options.add_argument("--messages", type=int, default=2_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=int, default=20)
    options.add_argument("--kills", type=int, default=5)
    chosen = options.parse_args()
    jobs = chosen.jobs.split(",")
    with tempfile.TemporaryDirectory() as place, Broker() as broker:
        folder = pathlib.Path(place)
        loop = build_loop(folder)
        with Flink(folder / "flink", free_ports(2)) as flink:
            race = Race(folder, broker, flink, loop, chosen.messages)
            live = Live(folder, broker, loop)
            if {"s1", "s2"} & set(jobs):
                # The times of the events are years ago: the broker would delete them.
                broker.topic("events", 4, **{"retention.ms": "-1"})
                subprocess.run([loop, "load", broker.address, "events", str(chosen.messages)], check=True, stdout=subprocess.DEVNULL)
                for _ in range(chosen.rounds):
                    if "s1" in jobs:
                        race.s1()
                    if "s2" in jobs:
                        race.s2()
                for each in race.medians():
                    print(json.dumps(each), flush=True)
            if "s3" in jobs:
                for each in latency(race, live, chosen.seconds):
                    print(json.dumps(each), flush=True)
            if "s5" in jobs:
                found = live.killed(chosen.kills)
                print(json.dumps({"job": "S5", "engine": "sluice, exactly once", **{key: found[key] for key in ("kills", "median_s", "worst_s")}}),
                      flush=True)
                print(json.dumps(killed(race, chosen.kills)), flush=True)


if __name__ == "__main__":
    main()
