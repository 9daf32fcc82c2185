"""Kafka and RabbitMQ as channels, with real brokers: every event arrives, also after the broker was away."""

import json
import unittest

from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event
from command_line import CommandLine, events
from kafka_server import Broker as Kafka
from kafka_server import wait_for
from rabbitmq_server import Broker as RabbitMQ

PIPELINE = """\
version: 1
pipeline: daily
connections:
{connections}
extract:
  numbers: {{ generate: {{ rows: 10, columns: {{ id: sequence }} }} }}
load:
  out: {{ from: numbers, ndjson: {{ path: out/x.ndjson }} }}
channels:
  bus: {channel}
notify:
  - {{ name: all, to: [bus] }}
"""


class Channels(CommandLine):
    def log(self):
        # That somebody flushed is no pipeline's event.
        return [event["id"] for event in events(self.sluice("events", "--json", "--limit", "100000").stdout)
                if event["type"] != "delivery.flushed"]

    def deliveries(self):
        done = self.sluice("notify", "deliveries", "--json", "--limit", "1000")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def write_pipeline(self, connections, channel):
        self.write("p.yaml", PIPELINE.format(connections=connections, channel=channel))

    def run_once(self):
        done = self.sluice("run", "p.yaml", "--notify-wait", "20s")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def while_the_broker_is_away(self, broker, read):
        """A run that can't tell, then one command that does."""
        broker.stop()
        done = self.sluice("run", "p.yaml", "--notify-wait", "1s")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("pending", done.stderr)
        self.assertTrue(broker.start(), broker.said)
        wait_for("the notifications", lambda: self.sluice("notify", "flush").returncode == 0
                 and {one["state"] for one in self.deliveries()} == {"delivered"})
        self.assertEqual(sorted(set(read())), sorted(self.log()))


class OnKafka(Channels):
    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(Kafka())

    def setUp(self):
        super().setUp()
        self.topic = self.id().rsplit(".", 1)[-1][5:45]
        self.write_pipeline(f'  shop: {{ kafka: {{ brokers: "{self.broker.address}" }} }}',
                            f"{{ kafka: {{ connection: shop, topic: {self.topic} }} }}")

    def ids(self):
        return [json.loads(message.value())["id"] for message in self.broker.read(self.topic)]

    def test_every_event_arrives_in_order_with_its_run_as_key(self):
        self.broker.topic(self.topic, 3)
        self.run_once()
        self.run_once()
        found = self.broker.read(self.topic)
        by_run = {}
        for message in found:
            event = json.loads(message.value())
            self.assertEqual(event["specversion"], "1.0")
            self.assertEqual(dict(message.headers())["content-type"], b"application/cloudevents+json; charset=utf-8")
            self.assertEqual(message.key().decode(), event["data"]["run"])
            read = from_kafka_event(KafkaMessage(dict(message.headers()), message.key(), message.value()))
            self.assertEqual((read.get_id(), read.get_type(), read.get_data()), (event["id"], event["type"], event["data"]))
            by_run.setdefault(event["data"]["run"], []).append(event["id"])
        self.assertEqual(len(by_run), 2)
        log = self.log()
        for ids in by_run.values():
            self.assertEqual(ids, [one for one in log if one in ids])
        self.assertEqual(sorted(self.ids()), sorted(log))

    def test_a_topic_that_is_made_later_and_a_broker_that_was_away(self):
        done = self.sluice("run", "p.yaml", "--notify-wait", "1s")
        self.assertIn("pending", done.stderr)
        self.assertIn(self.topic, json.dumps(self.deliveries()))
        self.broker.topic(self.topic)
        wait_for("the notifications", lambda: self.sluice("notify", "flush").returncode == 0
                 and {one["state"] for one in self.deliveries()} == {"delivered"})
        self.while_the_broker_is_away(self.broker, self.ids)


class OnRabbitMQ(Channels):
    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(RabbitMQ())

    def setUp(self):
        super().setUp()
        self.queue = self.id().rsplit(".", 1)[-1][5:45]
        self.write_pipeline(f'  bus: {{ rabbitmq: {{ url: "{self.broker.url}" }} }}',
                            f"{{ rabbitmq: {{ connection: bus, exchange: amq.topic, routing_key: {self.queue} }} }}")

    def ids(self):
        self.found = getattr(self, "found", []) + self.broker.read(self.queue)
        return [properties.message_id for properties, _ in self.found]

    def test_every_event_arrives_in_order_with_its_id(self):
        self.broker.queue(self.queue, "amq.topic", self.queue)
        self.run_once()
        self.assertEqual(self.ids(), self.log())
        for properties, body in self.found:
            event = json.loads(body)
            self.assertEqual(event["id"], properties.message_id)
            self.assertEqual(properties.headers, {"pipeline": "daily", "type": event["type"]})
            self.assertEqual(properties.content_type, "application/cloudevents+json; charset=utf-8")
            self.assertEqual(properties.delivery_mode, 2)

    def test_a_message_that_no_queue_takes_is_not_delivered_and_is_tried_again(self):
        done = self.sluice("run", "p.yaml", "--notify-wait", "1s")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("pending", done.stderr)
        self.assertIn("no queue takes", json.dumps(self.deliveries()))
        self.broker.queue(self.queue, "amq.topic", self.queue)
        self.while_the_broker_is_away(self.broker, self.ids)

    def test_secrets_of_the_url_stay_out_of_what_is_kept_and_told(self):
        self.write_pipeline('  bus: { rabbitmq: { url: "${secret:bus}" } }',
                            "{ rabbitmq: { connection: bus, routing_key: somewhere } }")
        wrong = self.broker.url.replace(":guest@", ":of-the-wrong-kind@")
        done = self.sluice("run", "p.yaml", "--notify-wait", "1s", env={"SLUICE_SECRET_BUS": wrong})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("ACCESS_REFUSED", json.dumps(self.deliveries()))
        for file in self.state.rglob("*"):
            if file.is_file():
                self.assertNotIn(b"of-the-wrong-kind", file.read_bytes())

    def test_unusable_channels_are_refused(self):
        for channel, code in (("{ rabbitmq: { connection: bus } }", "missing_key"),
                              ("{ rabbitmq: { connection: shop, exchange: x } }", "unknown_connection"),
                              ('{ rabbitmq: { url: "http://x", exchange: x } }', "invalid_option"),
                              ('{ kafka: { brokers: "x" } }', "missing_key"),
                              ("{ kafka: { connection: bus, topic: t } }", "wrong_connection")):
            self.write_pipeline(f'  bus: {{ rabbitmq: {{ url: "{self.broker.url}" }} }}', channel)
            self.assert_error(self.sluice("validate", "p.yaml"), code)


if __name__ == "__main__":
    unittest.main()
