#!/usr/bin/env python3
"""The kafka sink against a real broker: messages, transactions, restarts of the broker. connectors_test.py kills it between steps."""

import json
import os
import subprocess
import unittest

from command_line import ROOT, SIGKILL, SIGTERM, CommandLine, eventually
from confluent_kafka import Consumer, Producer, TopicPartition
from kafka_server import Broker

PIPELINE = """\
version: 1
pipeline: writing
rejects: {{ allow: 100 }}
extract:
  rows: {source}
load:
  out:
    from: rows
    kafka: {{ brokers: "{broker}", topic: {topic}, {own} }}
{beside}
"""

TYPED = """
    ndjson: { path: rows.ndjson }
    types: { id: bigint, name: text, amount: "decimal(10,2)", at: timestamptz, note: text }"""
ROWS = [{"id": i, "name": f"Zoë {i}", "amount": i + 0.25, "at": "2024-05-01T10:00:00Z", "note": None if i % 3 else "n"}
        for i in range(200)]


class KafkaSink(CommandLine):
    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(Broker(secure=True))

    def setUp(self):
        super().setUp()
        self.topic = self.id().rsplit(".", 1)[-1][5:45]
        self.write("rows.ndjson", "".join(json.dumps(row) + "\n" for row in ROWS))

    def pipeline(self, own="format: json", source=TYPED, beside="", broker=None, topic=None):
        beside = "\n".join("    " + line for line in beside.splitlines())
        self.write("p.yaml", PIPELINE.format(broker=broker or self.broker.address, topic=topic or self.topic, own=own,
                                             source=source, beside=beside))

    def run_with(self, *args, code=0, **keywords):
        self.pipeline(*args, **keywords)
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_values_keys_headers_and_the_partitions_that_others_choose(self):
        self.broker.topic(self.topic, 4)
        done = self.run_with("key: name, headers: { h: id, note: note }")
        self.assertIn("200 rows", done.stderr)
        found = self.broker.read(self.topic)
        values = {}
        for message in found:
            row = json.loads(message.value())
            values[row["id"]] = row
            self.assertEqual(message.key().decode(), row["name"])
            headers = dict(message.headers())
            self.assertEqual(headers.pop("h").decode(), str(row["id"]))
            self.assertEqual(headers, {"note": b"n"} if row["note"] else {})
        self.assertEqual(values, {row["id"]: row for row in ROWS})
        # A Java client finds a key where it would have put it itself: both hash it by murmur2.
        self.broker.topic(f"{self.topic}-other", 4)
        other = Producer({**self.broker.settings, "partitioner": "murmur2_random"})
        for row in ROWS:
            other.produce(f"{self.topic}-other", key=row["name"], value=b"")
        other.flush(60)
        wanted = {message.key(): message.partition() for message in self.broker.read(f"{self.topic}-other")}
        self.assertEqual({message.key(): message.partition() for message in found}, wanted)

    def test_text_with_tombstones_and_csv(self):
        self.broker.topic(self.topic)
        self.run_with("format: text, key: id", source=TYPED + "\n    columns: [id, note]")
        found = self.broker.read(self.topic)
        self.assertEqual([message.value() for message in found], [None if i % 3 else b"n" for i in range(200)])
        self.broker.topic(f"{self.topic}-csv")
        self.run_with("format: csv", topic=f"{self.topic}-csv")
        self.assertEqual(self.broker.read(f"{self.topic}-csv")[3].value().decode(),
                         "3,Zoë 3,3.25,2024-05-01 10:00:00+00,n")
        done = self.run_with("format: text", code=2)
        self.assertIn("error[invalid_option]", done.stderr)

    def test_what_kafka_cannot_take_is_rejected_and_the_rest_is_written(self):
        self.broker.topic(self.topic)
        self.write("rows.ndjson", '{"id": 1, "name": "a"}\n{"id": 2, "name": "%s"}\n{"id": 3, "name": "c"}\n' % ("x" * 1_100_000))
        done = self.run_with(beside="on_error: reject")
        self.assertIn("message_too_large", self.sluice("rejects", "last").stdout)
        self.assertEqual([json.loads(message.value())["id"] for message in self.broker.read(self.topic)], [1, 3])
        done = self.run_with(code=1)
        self.assertIn("error[message_too_large]", done.stderr)
        self.assertEqual(len(self.broker.read(self.topic)), 2)
        # The topic may take less than the client would send.
        self.broker.topic(f"{self.topic}-small", **{"max.message.bytes": "1000"})
        self.write("rows.ndjson", '{"id": 1, "name": "%s"}\n' % ("x" * 5000))
        done = self.run_with(topic=f"{self.topic}-small", code=1)
        self.assertIn("error[message_too_large]", done.stderr)
        self.assertIn("max.message.bytes", done.stderr)

    def test_a_topic_and_a_column_that_are_not_there(self):
        self.broker.topic(self.topic)
        done = self.run_with(topic=f"{self.topic}s", code=1)
        self.assertIn("error[unknown_topic]", done.stderr)
        self.assertIn(f"did you mean {self.topic}?", done.stderr)
        done = self.run_with("key: nam", code=2)
        self.assertIn("did you mean name?", done.stderr)

    def test_transactions_over_tls_with_every_way_to_authenticate(self):
        self.broker.topic(self.topic)
        ca = self.broker.folder / "ca.pem"
        for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
            self.run_with(f'tls: {{ ca: "{ca}" }}, sasl: {{ mechanism: {mechanism}, user: etl, password: pass-of-etl }}',
                          broker=f"127.0.0.1:{self.broker.port + 2}")
        self.assertEqual(len(self.broker.read(self.topic)), 600)

    def test_a_failed_run_leaves_nothing_visible_and_nobody_waiting(self):
        self.broker.topic(self.topic)
        self.write("rows.ndjson", "".join(json.dumps(row) + "\n" for row in ROWS) + '{"id": "none"}\n')
        done = self.run_with(source=TYPED + "\n    on_error: fail", code=1)
        self.assertIn("error[invalid_value]", done.stderr)
        self.assertEqual(self.broker.read(self.topic), [])
        self.broker.produce(self.topic, ["after it"])
        self.assertEqual([message.value() for message in self.broker.read(self.topic)], [b"after it"])

    def test_a_broker_that_is_restarted_while_it_is_written(self):
        self.broker.topic(self.topic, 2)
        for own in ("idempotent: true", "idempotent: false"):
            self.pipeline(own, source="{ generate: { rows: 12000, rate: 4000, columns: { id: sequence } } }")
            process = self.start("run", "p.yaml")
            self.running("writing")
            self.broker.restart()
            code, _, err = self.end_of(process)
            self.assertEqual(code, 0, err)
        ids = sorted(json.loads(message.value())["id"] for message in self.broker.read(self.topic))
        self.assertEqual(ids, sorted([*range(1, 12001)] * 2))

    def test_from_topic_to_topic(self):
        self.broker.topic(self.topic, 4)
        self.broker.topic(f"{self.topic}-copy", 3)
        self.run_with("key: name")
        self.run_with(topic=f"{self.topic}-copy", own="key: name",
                      source=f'{{ kafka: {{ brokers: "{self.broker.address}", topic: {self.topic}, until: now }} }}')
        copied = [json.loads(message.value()) for message in self.broker.read(f"{self.topic}-copy")]
        self.assertEqual(sorted(row["id"] for row in copied), list(range(200)))
        self.assertEqual({row["id"]: row["amount"] for row in copied}[7], 7.25)

    def test_the_example(self):
        for topic in ("orders", "revenue"):
            self.broker.topic(topic, 2)
        self.broker.produce("orders", [json.dumps({"id": i, "country": "DE" if i % 2 else "FR", "amount": 1.5,
                                                   "status": "paid" if i < 6 else "open"}) for i in range(10)])
        done = self.sluice("run", str(ROOT / "config/examples/services/kafka_to_kafka.yaml"),
                           env={"KAFKA": self.broker.address})
        self.assertEqual(done.returncode, 0, done.stderr)
        found = {message.key(): json.loads(message.value()) for message in self.broker.read("revenue")}
        self.assertEqual({key: (row["orders"], row["revenue"]) for key, row in found.items()},
                         {b"DE": (3, 4.5), b"FR": (3, 4.5)})

    def test_the_examples_of_both_components_run(self):
        broker = self.enterContext(Broker())
        for topic in ("orders", "revenue"):
            broker.topic(topic, 2)
        broker.produce("orders", [json.dumps({"id": 1, "country": "DE", "amount": 1.5})])
        for kind in ("source", "sink"):
            self.write("p.yaml", self.example_of("kafka", kind))
            done = self.sluice("run", "p.yaml", "-q", env={"KAFKA": broker.address})
            self.assertEqual(done.returncode, 0, kind + done.stderr)
        self.assertEqual(len(broker.read("revenue")), 1000)

    def test_the_component_itself(self):
        environment = {**os.environ, "SLUICE_KAFKA": self.broker.address}
        done = subprocess.run([os.environ["SLUICE_TEST_SERVICES"], "[kafka-sink]"], cwd=ROOT, env=environment,
                              capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout[-5000:] + done.stderr[-2000:])

    def test_a_transaction_that_was_left_open_while_kafka_was_away_does_not_keep_readers_waiting(self):
        """The process that ends a dead run can't reach the broker: the next run of the pipeline ends the transaction."""
        broker = self.enterContext(Broker())
        broker.topic(self.topic)
        self.write("p.yaml", f"""\
version: 1
pipeline: writing
run: {{ checkpoint: 3s }}
extract:
  rows: {{ generate: {{ rate: 2000, columns: {{ id: sequence }} }} }}
load:
  out: {{ from: rows, kafka: {{ brokers: "{broker.address}", topic: {self.topic} }} }}
""")
        self.write("other.yaml", """\
version: 1
pipeline: other
extract:
  rows: { generate: { rows: 1, columns: { id: sequence } } }
load:
  out: { from: rows, blackhole: {} }
""")
        ends = {level: Consumer({**broker.settings, "group.id": level, "isolation.level": level})
                for level in ("read_committed", "read_uncommitted")}
        for each in ends.values():
            self.addCleanup(each.close)

        def end(level):
            return ends[level].get_watermark_offsets(TopicPartition(self.topic, 0), 60)[1]

        process = self.start("run", "p.yaml", "--progress", "none")
        engine = self.running("writing")["pid"]
        eventually(lambda: 0 < end("read_committed") < end("read_uncommitted") - 500, "a transaction is open behind another")
        for pid in (process.pid, engine):
            os.kill(pid, SIGKILL)
        self.end_of(process)
        broker.stop()
        self.assertEqual(self.sluice("run", "other.yaml", "-q").returncode, 0)
        self.assertTrue(broker.start(), broker.said)
        process = self.start("run", "p.yaml", "--progress", "none")
        before = len(broker.read(self.topic))
        eventually(lambda: process.poll() is not None or len(broker.read(self.topic)) > before, "new messages are visible")
        process.send_signal(SIGTERM)
        code, _, err = self.end_of(process)
        self.assertEqual(code, 0, err)
        ids = [json.loads(message.value())["id"] for message in broker.read(self.topic)]
        self.assertEqual(ids, list(range(1, len(ids) + 1)))


if __name__ == "__main__":
    unittest.main()
