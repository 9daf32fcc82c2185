#!/usr/bin/env python3
"""The kafka source against a real broker: what users see of types, metadata, transactions, restarts and errors."""

import json
import os
import subprocess
import unittest

from command_line import ROOT, SIGINT, CommandLine
from kafka_server import Broker, wait_for

PIPELINE = """\
version: 1
pipeline: reading
rejects: {{ allow: 100 }}
extract:
  messages:
    kafka: {{ brokers: "{broker}", until: now, {own} }}
{beside}
load:
  out: {{ from: messages, ndjson: {{ path: out.ndjson }} }}
"""


class KafkaSource(CommandLine):
    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(Broker(secure=True))

    def setUp(self):
        super().setUp()
        self.topic = self.id().rsplit(".", 1)[-1][5:45]

    def run_on(self, own=None, beside="", code=0, name="p.yaml", broker=None):
        own = own or f"topic: {self.topic}"
        beside = "\n".join("    " + line for line in beside.splitlines())
        self.write(name, PIPELINE.format(broker=broker or self.broker.address, own=own, beside=beside))
        done = self.sluice("run", name)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def rows(self):
        return [json.loads(line) for line in (self.folder / "out.ndjson").read_text().splitlines()]

    def test_values_keys_headers_and_times_of_four_partitions(self):
        self.broker.topic(self.topic, 4)
        self.broker.produce(self.topic, [
            {"value": json.dumps({"id": i, "name": f"Zoë {i}", "price": f"{i}.50", "more": {"x": 1}}), "key": f"k{i}",
             "partition": i % 4, "timestamp": 1_700_000_000_000 + i, "headers": [("a", b"1"), ("b", b"\xff"), ("a", None)]}
            for i in range(400)])
        self.run_on(beside="""\
types: { id: bigint, name: text, price: "decimal(10,2)" }
metadata: { _key: key, _at: timestamp, _topic: topic, _partition: partition, _offset: offset, _headers: headers }""")
        rows = self.rows()
        self.assertEqual(sorted(row["id"] for row in rows), list(range(400)))
        for row in rows:
            i = row["id"]
            self.assertEqual((row["name"], row["price"], row["_key"]), (f"Zoë {i}", i + 0.5, f"k{i}"))
            self.assertEqual((row["_topic"], row["_partition"], row["_offset"]), (self.topic, i % 4, i // 4))
            self.assertTrue(row["_at"].startswith("2023-11-14T22:13:2"), row["_at"])
            self.assertEqual(json.loads(row["_headers"]), {"a": ["1", None], "b": "\\xff"})
        for partition in range(4):
            offsets = [row["_offset"] for row in rows if row["_partition"] == partition]
            self.assertEqual(offsets, sorted(offsets))

    def test_a_tombstone_is_a_row_for_who_asks_and_else_a_reject(self):
        self.broker.topic(self.topic)
        self.broker.produce(self.topic, ['{"id": 1}', {"value": None, "key": "gone"}, {"value": "", "key": "empty"}])
        self.run_on(beside="types: { id: bigint }", code=0)
        self.assertEqual(self.rows(), [{"id": 1}])
        rejects = self.rejects()
        self.assertEqual([(r["code"], r["file"], r["offset"]) for r in rejects],
                         [("tombstone", f"{self.topic}[0]", 1), ("invalid_json", f"{self.topic}[0]", 2)])
        self.run_on(beside="types: { id: bigint }\nmetadata: { key: key, _deleted: deleted }", name="q.yaml")
        self.assertEqual(self.rows(), [{"id": 1, "key": None, "_deleted": False},
                                       {"id": None, "key": "gone", "_deleted": True}])

    def rejects(self):
        done = self.sluice("rejects", "export", "last", "--format", "ndjson")
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_aborted_and_open_transactions_are_not_read(self):
        self.broker.topic(self.topic)
        text = [f'{{"id": {i}}}' for i in range(50)]
        self.broker.transaction(self.topic, text[:10], identifier=self.topic)
        self.broker.transaction(self.topic, text[10:20], commit=False, identifier=self.topic)
        self.broker.transaction(self.topic, text[20:30], identifier=self.topic)
        self.broker.transaction(self.topic, text[30:40], commit=False, identifier=self.topic)
        self.run_on(beside="types: { id: bigint }")
        self.assertEqual([row["id"] for row in self.rows()], [*range(10), *range(20, 30)])
        still_open = self.broker.transaction(self.topic, text[40:], commit=None, identifier=self.topic)
        self.run_on(beside="types: { id: bigint }")
        self.assertEqual(len(self.rows()), 20)
        still_open.commit_transaction(60)
        self.run_on(beside="types: { id: bigint }")
        self.assertEqual(len(self.rows()), 30)

    def test_lists_and_patterns_of_topics(self):
        for name in ("one", "two", "other"):
            self.broker.topic(f"{self.topic}-{name}", 2)
            self.broker.produce(f"{self.topic}-{name}", [f'{{"of": "{name}"}}'] * 3)
        self.run_on(f'topic: ["{self.topic}-one", "{self.topic}-two"]', "types: { of: text }")
        self.assertEqual(sorted(row["of"] for row in self.rows()), ["one"] * 3 + ["two"] * 3)
        self.run_on(f'topic: "^{self.topic}-o.*"', "types: { of: text }")
        self.assertEqual(sorted(row["of"] for row in self.rows()), ["one"] * 3 + ["other"] * 3)
        done = self.run_on('topic: "^nothing-like-this"', "types: { of: text }", code=1)
        self.assertIn("error[no_topics]", done.stderr)

    def test_columns_are_inferred_and_a_wrong_guess_shows_all_types(self):
        self.broker.topic(self.topic)
        self.broker.produce(self.topic, ['{"id": 1, "at": "2024-05-01T10:00:00Z"}'] * 1000)
        self.run_on()
        self.assertEqual(self.rows()[0], {"id": 1, "at": "2024-05-01T10:00:00Z"})
        self.broker.produce(self.topic, ['{"id": 1.5}'])
        done = self.run_on(code=1)
        self.assertIn("error[contradicts_type]", done.stderr)
        self.assertIn(f"offset 1000 of {self.topic}[0]", done.stderr)
        line = next(line for line in done.stderr.splitlines() if "hint: types:" in line).split("hint: ")[1]
        self.run_on(beside=line)
        self.assertEqual(len(self.rows()), 1001)

    def test_start_at_a_time_and_at_the_end(self):
        self.broker.topic(self.topic, 2)
        self.broker.produce(self.topic, [{"value": f'{{"id": {i}}}', "partition": i % 2, "timestamp": 1_700_000_000_000 + i * 1000}
                                         for i in range(100)])
        self.run_on(f'topic: {self.topic}, start: "2023-11-14T22:14:10Z"', "types: { id: bigint }")
        self.assertEqual(sorted(row["id"] for row in self.rows()), list(range(50, 100)))
        self.run_on(f"topic: {self.topic}, start: latest", "types: { id: bigint }")
        self.assertEqual(self.rows(), [])

    def test_csv_text_and_bytes(self):
        self.broker.topic(self.topic)
        self.broker.produce(self.topic, ['1,"a ""b"", c",2.5\r\n', '2,,"', '3,x', "4,,", '5,"",7'])
        self.run_on(f"topic: {self.topic}, format: csv", "types: { id: bigint, name: text, amount: double }")
        self.assertEqual(self.rows(), [{"id": 1, "name": 'a "b", c', "amount": 2.5}, {"id": 4, "name": None, "amount": None},
                                       {"id": 5, "name": "", "amount": 7}])
        self.assertEqual([r["code"] for r in self.rejects()], ["unclosed_quote", "too_few_fields"])
        self.run_on(f"topic: {self.topic}, format: text")
        self.assertEqual(self.rows()[2], {"value": "3,x"})
        self.run_on(f"topic: {self.topic}, format: bytes")
        self.assertEqual(self.rows()[2], {"value": "\\x332c78"})

    def test_every_way_to_authenticate_and_what_is_said_when_it_fails(self):
        self.broker.topic(self.topic)
        self.broker.produce(self.topic, ['{"id": 1}'])
        secure = f"127.0.0.1:{self.broker.port + 2}"
        ca = self.broker.folder / "ca.pem"
        for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
            own = (f'topic: {self.topic}, tls: {{ ca: "{ca}" }}, sasl: {{ mechanism: {mechanism}, user: etl, '
                   'password: pass-of-etl }')
            self.run_on(own, "types: { id: bigint }", broker=secure)
            self.assertEqual(self.rows(), [{"id": 1}])
            done = self.run_on(own.replace("pass-of-etl", "wrong-one"), "types: { id: bigint }", broker=secure, code=1)
            self.assertIn("error[authentication_failed]", done.stderr)
        done = self.run_on(f"topic: {self.topic}, tls: true, sasl: {{ mechanism: PLAIN, user: etl, password: pass-of-etl }}",
                           "types: { id: bigint }", broker=secure, code=1)
        self.assertIn("error[tls_failed]", done.stderr)

    def test_a_broker_that_is_not_there_and_a_topic_that_is_not_there(self):
        done = self.run_on("topic: some", "types: { id: bigint }", broker="127.0.0.1:1", code=1)
        self.assertIn("error[broker_unreachable]", done.stderr)
        self.assertIn("127.0.0.1:1", done.stderr)
        self.assertIn("Connection refused", done.stderr)
        self.broker.topic(self.topic)
        done = self.run_on(f"topic: {self.topic}x", "types: { id: bigint }", code=1)
        self.assertIn("error[unknown_topic]", done.stderr)
        self.assertIn(f"did you mean {self.topic}?", done.stderr)

    def test_a_broker_that_is_restarted_while_it_is_read(self):
        self.broker.topic(self.topic, 2)
        filler = "x" * 1000
        self.broker.produce(self.topic, [{"value": f'{{"id": {i}, "x": "{filler}"}}', "partition": i % 2}
                                         for i in range(60_000)])
        self.write("p.yaml", PIPELINE.format(broker=self.broker.address, own=f"topic: {self.topic}",
                                             beside="    types: { id: bigint, x: text }")
                   .replace("ndjson: { path: out.ndjson }", "stdout: { format: ndjson }")
                   .replace("rejects:", "run: { memory: 64MiB }\nrejects:"))
        process = self.start("run", "p.yaml")
        ids = [json.loads(process.stdout.readline())["id"]]  # nobody reads on: it waits with most of it unread
        self.broker.restart()
        ids += [json.loads(line)["id"] for line in process.stdout]
        _, err = process.communicate()
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(sorted(ids), list(range(60_000)))

    def test_partitions_and_topics_that_come_while_nothing_runs(self):
        for name in "ac":
            self.broker.topic(f"{self.topic}-{name}", 2)
        self.write("live.yaml", f"""\
version: 1
pipeline: live
run: {{ checkpoint: 300ms }}
connections:
  shop: {{ kafka: {{ brokers: "{self.broker.address}" }} }}
extract:
  messages:
    kafka: {{ connection: shop, topic: "^{self.topic}-", start: latest }}
    types: {{ id: text }}
    retry: {{ attempts: 200, backoff: 500ms, max_backoff: 500ms }}
load:
  out: {{ from: messages, ndjson: {{ path: live/ }} }}
""")
        sent = []

        def send(name, partition):
            sent.append(f"{name}{partition}-{len(sent)}")
            self.broker.produce(f"{self.topic}-{name}", [{"value": json.dumps({"id": sent[-1]}), "partition": partition}])

        def ids():
            return sorted(json.loads(line)["id"] for file in self.folder.glob("live/*.ndjson")
                          for line in file.read_text().splitlines())

        def drain(process):
            wait_for(f"{len(sent)} rows", lambda: len(ids()) >= len(sent) or process.poll() is not None)
            process.send_signal(SIGINT)
            _, err = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, err)

        process = self.start("run", "live.yaml")
        wait_for("a checkpoint", lambda: "visible" in self.sluice("checkpoints", "live").stdout)
        for name in "ac":
            for partition in range(2):
                send(name, partition)
        drain(process)
        # In the order of names all of them stand before partitions that were read before.
        self.broker.more_partitions(f"{self.topic}-a", 4)
        self.broker.topic(f"{self.topic}-b", 1)
        for name, count in (("a", 4), ("b", 1), ("c", 2)):
            for partition in range(count):
                send(name, partition)
        process = self.start("run", "live.yaml")
        drain(process)
        self.assertEqual(ids(), sorted(sent))
        # A broker that is away at the start is waited for as `retry:` says.
        self.broker.stop()
        process = self.start("run", "live.yaml")
        self.assertTrue(self.broker.start(), self.broker.said)
        send("a", 3)
        drain(process)
        self.assertEqual(ids(), sorted(sent))

    def test_the_component_itself(self):
        environment = {**os.environ, "SLUICE_KAFKA": self.broker.address}
        done = subprocess.run([os.environ["SLUICE_TEST_SERVICES"], "[kafka]"], cwd=ROOT, env=environment,
                              capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout[-5000:] + done.stderr[-2000:])
        # What it committed for those who watch its group.
        self.assertEqual(self.broker.committed("watched", "positions", 3), [5000, 5000, 5000])


if __name__ == "__main__":
    unittest.main()
