#!/usr/bin/env python3
"""S1, filter and derive from topic to topic: Sluice at least once and exactly once, and a bare loop over librdkafka, in
turn; S2, sums in windows of 10 s of event time. One broker of tests/services/kafka.sh. Prints medians of CPU per message
and of messages per second. live.py has the jobs that do not end.

    benchmarks/streams/run.py [--messages 2000000] [--rounds 5]
"""

import argparse
import json
import os
import pathlib
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from confluent_kafka import Consumer, KafkaException, TopicPartition  # noqa: E402  (needs the path above)
from kafka_server import Broker, wait_for  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent


def build_loop(folder):
    library = next((ROOT / ".deps/kafka/confluent_kafka.libs").glob("librdkafka*.so*"))
    program = folder / "bare_loop"
    subprocess.run(["g++", "-O2", "-std=c++20", HERE / "bare_loop.cpp", library, f"-Wl,-rpath,{library.parent}",
                    "-lpthread", "-o", program], check=True)
    return program


def measured(command, **environment):
    """Seconds and CPU seconds of a process and its children."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **environment})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - begun, (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def end_of(client, topic):
    """How many messages are in a topic, or 0 while its partitions have no leader yet."""
    try:
        return sum(client.get_watermark_offsets(TopicPartition(topic, each), 60)[1] for each in range(4))
    except KafkaException:
        return 0


def windows(broker, folder, messages):
    """S2 does not end: the last windows stay open. Until all that are complete are in the target, then it is drained."""
    target = f"windows-{time.monotonic_ns()}"
    broker.topic(target, 4)
    # Events are 2 ms apart from a full ten seconds on, and may be 5 s out of order.
    wanted = (messages * 2 - 5000) // 10_000 * 10
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen([ROOT / "build/sluice", "run", HERE / "s2.yaml", "-q", "--set", f"broker={broker.address}",
                                "--set", "from=events", "--set", f"target={target}"],
                               env={**os.environ, "SLUICE_STATE": str(folder / target)})
    ends = Consumer({**broker.settings, "group.id": "ends"})
    wait_for("the windows", lambda: end_of(ends, target) >= wanted, 300)
    took = time.monotonic() - begun
    ends.close()
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--messages", type=int, default=2_000_000)
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as place, Broker() as broker:
        folder = pathlib.Path(place)
        loop = build_loop(folder)
        for topic in ("events", "out"):
            # The times of the events are years ago: the broker would delete them.
            broker.topic(topic, 4, **{"retention.ms": "-1"})
        subprocess.run([loop, "load", broker.address, "events", str(chosen.messages)], check=True,
                       stdout=subprocess.DEVNULL)
        for name, idempotent in (("at least once", "true"), ("exactly once", "false")):
            text = (HERE / "s1.yaml").read_text().replace("IDEMPOTENT", idempotent)
            (folder / f"{name}.yaml").write_text(text)
        for _ in range(chosen.rounds):
            runs = {"bare loop": [loop, "transform", broker.address, "events", "out", str(chosen.messages)]}
            for name in ("at least once", "exactly once"):
                runs[name] = [ROOT / "build/sluice", "run", folder / f"{name}.yaml", "-q", "--set",
                              f"broker={broker.address}", "--set", "from=events", "--set", "target=out"]
            for name, command in runs.items():
                found.setdefault(name, []).append(measured(command, SLUICE_STATE=str(folder / "state")))
            found.setdefault("windows", []).append(windows(broker, folder, chosen.messages))
    floor = statistics.median(cpu for _, cpu in found["bare loop"])
    for name, runs in found.items():
        seconds = statistics.median(each for each, _ in runs)
        cpu = statistics.median(each for _, each in runs)
        print(json.dumps({"job": "S2" if name == "windows" else "S1", "what": name, "messages": chosen.messages, "rounds": chosen.rounds,
                          "cpu_us_per_message": round(cpu / chosen.messages * 1e6, 3),
                          "messages_per_second": round(chosen.messages / seconds),
                          "cpu_of_bare_loop": round(cpu / floor, 2)}))


if __name__ == "__main__":
    main()
