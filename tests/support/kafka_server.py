"""A Kafka of a test's own (tests/services/kafka.sh), and what a test does with it: topics, messages, transactions."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "services/kafka.sh"


def free_ports(count):
    """The first of so many neighbouring ports that nobody uses now."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = probe.getsockname()[1]
        try:
            held = [socket.create_server(("127.0.0.1", first + i)) for i in range(count)]
        except OSError:
            continue
        for one in held:
            one.close()
        return first


class Broker:
    """Runs while the `with` lasts; listens on 127.0.0.1:`port`, `secure` (TLS and SASL) on `port` + 2."""

    def __init__(self, secure=False):
        self.environment = {**os.environ, "KAFKA_SECURE": "1" if secure else ""}

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-kafka-"))
        for _ in range(5):  # another process may take a port first
            self.port = free_ports(3)
            if self.start():
                break
            shutil.rmtree(self.folder)
            self.folder.mkdir()
        else:
            raise RuntimeError("Kafka did not start")
        self.address = f"127.0.0.1:{self.port}"
        self.settings = {"bootstrap.servers": self.address, "log_level": 0}
        self.admin = AdminClient(self.settings)
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        # A file for its output: what the broker inherits would keep a pipe open.
        with open(self.folder / "start.log", "w+") as log:
            done = subprocess.run([SCRIPT, "start", self.folder, str(self.port)], stdout=log, stderr=log,
                                  env=self.environment)
            log.seek(0)
            self.said = log.read()
        return done.returncode == 0

    def stop(self):
        subprocess.run([SCRIPT, "stop", self.folder, str(self.port)], check=True, capture_output=True)

    def restart(self):
        self.stop()
        if not self.start():
            raise RuntimeError(f"Kafka did not start again:\n{self.said}")

    def topic(self, name, partitions=1, **config):
        made = self.admin.create_topics([NewTopic(name, partitions, 1, config=config)])[name]
        made.result(60)

    def more_partitions(self, name, count):
        self.admin.create_partitions([NewPartitions(name, count)])[name].result(60)

    def delete_before(self, name, partition, offset):
        self.admin.delete_records([TopicPartition(name, partition, offset)])
        for future in self.admin.delete_records([TopicPartition(name, partition, offset)]).values():
            future.result(60)

    def produce(self, topic, messages):
        """Messages as texts, or as dicts of value, key, partition, headers, timestamp; all are written when it returns."""
        failed = []
        producer = Producer({**self.settings, "linger.ms": 5, "queue.buffering.max.messages": 1_000_000})
        for message in messages:
            fields = message if isinstance(message, dict) else {"value": message}
            producer.produce(topic, on_delivery=lambda why, _: why and failed.append(why), **fields)
            producer.poll(0)
        producer.flush(60)
        if failed:
            raise RuntimeError(f"{len(failed)} messages were not written: {failed[0]}")

    def transaction(self, topic, messages, commit=True, identifier="test"):
        producer = Producer({**self.settings, "transactional.id": identifier})
        producer.init_transactions(60)
        producer.begin_transaction()
        for message in messages:
            producer.produce(topic, **(message if isinstance(message, dict) else {"value": message}))
        producer.flush(60)
        if commit is None:
            return producer  # it stays open
        producer.commit_transaction(60) if commit else producer.abort_transaction(60)
        return None

    def read(self, topic, isolation="read_committed"):
        """All messages from the begin of each partition to its end now. A coordinator answers a commit before it has told
        all partitions, so an end before the last message is believed only after three seconds: a transaction is open."""
        settings = {**self.settings, "group.id": "reader", "enable.partition.eof": True, "enable.auto.commit": False}
        consumer = Consumer({**settings, "isolation.level": isolation})
        ends = Consumer({**settings, "isolation.level": "read_uncommitted"})
        try:
            partitions = consumer.list_topics(topic, 60).topics[topic].partitions
            last = {each: ends.get_watermark_offsets(TopicPartition(topic, each), 60)[1] for each in partitions}
            consumer.assign([TopicPartition(topic, each, 0) for each in partitions])
            found, ended, early = [], set(), {}
            while len(ended) < len(partitions):
                message = consumer.poll(0.2 if early else 10)
                now = time.monotonic()
                ended |= {each for each, since in early.items() if now - since > 3}
                if message is None:
                    if not early:
                        raise RuntimeError(f"{topic}: no message and no end of a partition within 10 s")
                elif message.error() is None:
                    found.append(message)
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    if message.offset() >= last[message.partition()]:
                        ended.add(message.partition())
                    else:
                        early.setdefault(message.partition(), now)
                else:
                    raise RuntimeError(message.error())
            return found
        finally:
            consumer.close()
            ends.close()

    def committed(self, group, topic, partitions):
        """The offsets that a group has committed, by partition; negative: none."""
        consumer = Consumer({**self.settings, "group.id": group})
        try:
            found = consumer.committed([TopicPartition(topic, each) for each in range(partitions)], 60)
            return [each.offset for each in found]
        finally:
            consumer.close()


def wait_for(what, condition, seconds=180):
    """Waits until the condition gives something; servers on a busy machine may take minutes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")
