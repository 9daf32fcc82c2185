"""The servers of a chaos run, and what the jobs ask of them; how long a server was away is on record."""

import contextlib
import os
import pathlib
import signal
import subprocess
import threading
import time

import rabbitmq_server
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from kafka_server import Broker
from pika.exceptions import AMQPError
from postgres_server import DatabaseError, Server

JARS = pathlib.Path(__file__).resolve().parents[2] / ".deps/kafka-broker"
PATIENCE = 120  # seconds for a condition; the machine may be busy


class Reader:
    """All messages of a topic that are committed, by partition; each call reads on where the last one stopped."""

    def __init__(self, settings, topic, partitions):
        self.settings = {**settings, "group.id": f"reader-of-{topic}", "enable.auto.commit": False,
                         "isolation.level": "read_committed", "auto.offset.reset": "error",
                         "enable.partition.eof": True}
        self.consumer = Consumer(self.settings)
        self.topic = topic
        self.found = {partition: [] for partition in range(partitions)}
        self.at = dict.fromkeys(self.found, 0)
        self.consumer.assign([TopicPartition(topic, each, 0) for each in self.found])

    def read(self):
        """Up to what can be read at this moment: a partition counts as read at the position of its stable end."""
        ends = {each: self.end_of(each) for each in self.found}
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            for message in self.consumer.consume(10_000, 0.02):
                partition = message.partition()
                if message.error() is None:
                    self.found[partition].append(message.value())
                    self.at[partition] = message.offset() + 1
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    # Behind the last message there may be marks of transactions.
                    self.at[partition] = max(self.at[partition], message.offset())
            if all(self.at[each] >= end for each, end in ends.items()):
                return self.found
        raise RuntimeError(f"the end of {self.topic} was not read within {PATIENCE} s: {self.at} of {ends}")

    def end_of(self, partition):
        return patiently(lambda: self.consumer.get_watermark_offsets(TopicPartition(self.topic, partition), 60)[1])

    def close(self):
        self.consumer.close()


def patiently(ask):
    """Asks again while the broker is starting."""
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except KafkaException:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.2)  # polls the broker


class Kafka:
    def __init__(self, broker):
        self.broker, self.address, self.settings = broker, broker.address, broker.settings
        self.producer = Producer({**self.settings, "linger.ms": 2, "enable.idempotence": True,
                                  "message.timeout.ms": 300_000})
        self.lock = threading.Lock()

    def topic(self, name, partitions):
        self.broker.topic(name, partitions)

    def reader(self, topic, partitions):
        return Reader(self.settings, topic, partitions)

    def produce(self, topic, messages):
        """All are written, in their order for each partition, when it returns."""
        failed = []
        with self.lock:
            for message in messages:
                self.producer.produce(topic, on_delivery=lambda why, _: why and failed.append(why), **message)
                self.producer.poll(0)
            left = self.producer.flush(PATIENCE)
        if failed or left:
            raise RuntimeError(f"{len(failed) + left} messages were not written: {failed[:1]}")

    def committed(self, group, topic, partitions):
        """The offsets that a group has committed, by partition; negative: none."""
        return patiently(lambda: self.broker.committed(group, topic, partitions))

    def transactions(self):
        """What the broker knows of transactions that are not settled: one of a run that died keeps readers waiting."""
        command = ["java", "-Xmx128m", "-cp", f"{JARS}/*", "org.apache.kafka.tools.TransactionsCommand", "--bootstrap-server",
                   self.address]
        listed = subprocess.run([*command, "list"], capture_output=True, text=True, timeout=PATIENCE).stdout
        hanging = subprocess.run([*command, "find-hanging", "--broker-id", "1"], capture_output=True, text=True,
                                 timeout=PATIENCE).stdout
        open_ones = [line for line in listed.splitlines() if not line.split()[-1].startswith("Complete")]
        return "\n".join(["transactions that are not settled:", *open_ones, "without a coordinator:", hanging])

    def restart(self, hard):
        if hard:
            os.kill(int((self.broker.folder / "pid").read_text()), signal.SIGKILL)
        self.broker.restart()


class Postgres:
    def __init__(self, server):
        self.server = server
        self.url = f"postgresql://postgres@127.0.0.1:{server.port}/postgres"

    def run(self, sql):
        """Runs SQL on a connection of its own; a server that is starting is waited for."""
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                connection = self.server.connect()
                break
            except (RuntimeError, DatabaseError):
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.1)  # polls the server
        try:
            return connection.run(sql)
        finally:
            connection.close()

    def rows(self, table, columns):
        if self.run(f"select to_regclass('{table}')") == [(None,)]:
            return []
        rows = self.run(f"select {columns} from {table}")
        return [tuple(int(value) if value and value.lstrip("-").isdigit() else value for value in row) for row in rows]

    def count(self, table):
        if self.run(f"select to_regclass('{table}')") == [(None,)]:
            return 0
        return int(self.run(f"select count(*) from {table}")[0][0])

    def leftovers(self, table):
        found = self.run("select relname from pg_class where relname like '\\_sluice\\_stage\\_%'")
        return [f"left behind: {name}" for (name,) in found if table in name]

    def restart(self, hard):
        folder, port = str(self.server.folder), str(self.server.port)
        from postgres_server import SCRIPT
        if hard:
            os.kill(int((self.server.folder / "pid").read_text()), signal.SIGQUIT)
            give_up = time.monotonic() + PATIENCE
            while (self.server.folder / "pg/postmaster.pid").exists() and time.monotonic() < give_up:
                time.sleep(0.05)  # polls another process
        else:
            subprocess.run([SCRIPT, "stop", folder, port], check=True, capture_output=True)
        # A file for its output: what the server inherits would keep a pipe open.
        with open(self.server.folder / "restart.log", "w") as log:
            subprocess.run([SCRIPT, "start", folder, port], check=True, stdout=log, stderr=log)


class Rabbitmq:
    def __init__(self, broker):
        self.broker, self.url = broker, broker.url
        self.lock = threading.Lock()

    @staticmethod
    def again(ask):
        """A broker that is starting is waited for."""
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                return ask()
            except (AMQPError, OSError, subprocess.CalledProcessError, KeyError):
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.2)  # polls the broker

    def queue(self, name):
        self.again(lambda: self.broker.queue(name))

    def publish(self, queue, bodies, first):
        """All are confirmed when it returns. After a broken connection they are sent again with the same ids, which the
        pipeline recognises; so they are in the table once all the same."""
        with self.lock:
            self.again(lambda: self.broker.publish(queue, bodies, first))

    def waiting(self, queue):
        return sum(self.again(lambda: self.broker.waiting(queue)))

    def restart(self, hard):
        if hard:
            os.kill(int((self.broker.folder / "pid").read_text()), signal.SIGKILL)
        self.again(self.broker.restart)


class World:
    """Everything that jobs share. `away` has the times in which a server was not there: (name, begin, end)."""

    def __init__(self, folder, binary, shim):
        self.folder, self.binary, self.shim = pathlib.Path(folder), binary, shim
        self.kafka = self.postgres = self.rabbitmq = None
        self.away = []
        self.lock = threading.Lock()
        self.stack = contextlib.ExitStack()

    def start(self, servers):
        if "kafka" in servers:
            self.kafka = Kafka(self.stack.enter_context(Broker()))
        if "postgres" in servers:
            self.postgres = Postgres(self.stack.enter_context(Server()))
        if "rabbitmq" in servers:
            self.rabbitmq = Rabbitmq(self.stack.enter_context(rabbitmq_server.Broker()))

    def __enter__(self):
        return self

    def __exit__(self, *why):
        return self.stack.__exit__(*why)

    def restart(self, server, hard):
        """One at a time; other jobs that use the server may fail from it."""
        with self.lock:
            entry = [server, time.monotonic(), None]
            self.away.append(entry)
            getattr(self, server).restart(hard)
            entry[2] = time.monotonic()

    def was_away(self, servers, since):
        return any(name in servers and (end is None or end + 5 >= since) for name, _, end in self.away)

    @staticmethod
    def settled(look, patience=30):
        """What `look` finds wrong, if it stays wrong for so long."""
        give_up = time.monotonic() + patience
        while (faults := look()) and time.monotonic() < give_up:
            time.sleep(0.2)  # polls a server
        return faults

