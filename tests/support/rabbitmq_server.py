"""A RabbitMQ of a test's own (tests/services/rabbitmq.sh), and what a test does with it."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import pika

from kafka_server import free_ports

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "services/rabbitmq.sh"


class Broker:
    """Runs while the `with` lasts; listens on 127.0.0.1:`port`, with TLS on `port` + 3."""

    def __init__(self, secure=False):
        self.environment = {**os.environ, "RABBITMQ_SECURE": "1" if secure else ""}

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-rabbitmq-"))
        for _ in range(3):  # another process may take a port first
            self.port = free_ports(4)
            if self.start():
                break
            self.stop()
            shutil.rmtree(self.folder)
            self.folder.mkdir()
        else:
            raise RuntimeError(f"RabbitMQ did not start:\n{self.said}")
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}"
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
            raise RuntimeError(f"RabbitMQ did not start again:\n{self.said}")

    def ctl(self, *words):
        done = subprocess.run([SCRIPT, "ctl", self.folder, str(self.port), *words], check=True, capture_output=True,
                              text=True)
        return done.stdout

    def channel(self):
        """A channel of a connection that lasts as long as somebody holds it."""
        return pika.BlockingConnection(pika.URLParameters(self.url + "?heartbeat=0")).channel()

    def queue(self, name, exchange=None, key="#", **arguments):
        with self.channel().connection as connection:
            channel = connection.channel()
            channel.queue_declare(name, durable=True, arguments=arguments or None)
            if exchange:
                if not exchange.startswith("amq."):
                    channel.exchange_declare(exchange, "direct", durable=True)
                channel.queue_bind(name, exchange, key)

    def publish(self, queue, bodies, first=0, ids=True, **more):
        """Messages with the ids 0, 1, 2, ... as texts, from `first` on; the queue has them when it returns."""
        with self.channel().connection as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            for number, body in enumerate(bodies, first):
                given = {"message_id": f"{queue}-{number}"} if ids else {}
                channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=2, **given, **more))

    def waiting(self, queue):
        """Messages in the queue: those that nobody has, and those that were given and not acknowledged."""
        for line in self.ctl("list_queues", "name", "messages_ready", "messages_unacknowledged").splitlines():
            words = line.split()
            if words and words[0] == queue:
                return int(words[1]), int(words[2])
        raise KeyError(queue)

    def read(self, queue):
        """Takes all messages out of a queue: pairs of properties and body."""
        found = []
        with self.channel().connection as connection:
            channel = connection.channel()
            while True:
                method, properties, body = channel.basic_get(queue, auto_ack=True)
                if method is None:
                    return found
                properties.routing_key = method.routing_key
                found.append((properties, body))
