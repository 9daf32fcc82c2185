#!/usr/bin/env python3
"""The rabbitmq sink against a real broker: nothing is lost silently, whatever no queue takes is told."""

import json
import unittest

from command_line import CommandLine
from kafka_server import wait_for
from rabbitmq_server import Broker

PIPELINE = """\
version: 1
pipeline: writing
rejects: {{ allow: 100000 }}
connections:
  bus: {{ rabbitmq: {{ url: "{url}" }} }}
extract:
  rows: {{ generate: {{ rows: {rows}, columns: {{ id: sequence }} }} }}
transform:
  keyed:
    from: rows
    derive: {{ queue: "case when id % 10 = 0 then 'nobody' else 'somebody' end", name: "'row ' || id" }}
load:
  out:
    from: keyed
    rabbitmq: {{ connection: bus, {own} }}
    on_error: {on_error}
    retry: {{ attempts: 100, backoff: 200ms, max_backoff: 1s }}
"""


class RabbitSink(CommandLine):
    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(Broker())

    def setUp(self):
        super().setUp()
        self.queue = self.id().rsplit(".", 1)[-1][5:45]

    def pipeline(self, own, rows=100, on_error="fail", url=None):
        self.write("p.yaml", PIPELINE.format(own=own, rows=rows, on_error=on_error, url=url or self.broker.url))

    def run_with(self, own, code=0, **how):
        self.pipeline(own, **how)
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_messages_with_keys_ids_and_headers_reach_their_queues(self):
        self.broker.queue(self.queue, "amq.direct", "somebody")
        self.broker.queue(self.queue + "-2", "amq.direct", "nobody")
        self.run_with("exchange: amq.direct, routing_key_column: queue, message_id_column: id, headers: { h: name }")
        found = self.broker.read(self.queue)
        self.assertEqual([json.loads(body)["id"] for _, body in found], [i for i in range(1, 101) if i % 10 != 0])
        properties, body = found[0]
        self.assertEqual(json.loads(body), {"id": 1, "queue": "somebody", "name": "row 1"})
        self.assertEqual((properties.message_id, properties.headers, properties.delivery_mode, properties.content_type),
                         ("1", {"h": "row 1"}, 2, "application/json"))
        self.assertEqual(len(self.broker.read(self.queue + "-2")), 10)

    def test_other_formats_and_ids_that_are_made_up(self):
        self.broker.queue(self.queue)
        self.run_with(f"routing_key: {self.queue}, format: csv, persistent: false")
        found = self.broker.read(self.queue)
        self.assertEqual(found[0][1], b"1,somebody,row 1")
        self.assertEqual((found[0][0].delivery_mode, found[0][0].content_type), (1, "text/csv"))
        self.assertEqual(len({properties.message_id for properties, _ in found}), 100)
        self.broker.queue("somebody")
        self.broker.queue("nobody")
        self.run_with("routing_key_column: queue, message_id_column: id, format: text")
        self.assertEqual(self.broker.read("somebody")[0][1], b"row 1")
        done = self.run_with("routing_key: x, format: text", code=2)
        self.assertIn("format text needs one column", done.stderr)

    def test_what_no_queue_takes_fails_the_run_or_is_rejected(self):
        self.broker.queue(self.queue, self.queue, "somebody")
        done = self.run_with(f"exchange: {self.queue}, routing_key_column: queue", code=1)
        self.assertIn("error[unroutable_message]", done.stderr)
        self.assertIn("in row 10", done.stderr)
        self.broker.read(self.queue)
        self.run_with(f"exchange: {self.queue}, routing_key_column: queue", rows=30_000, on_error="reject")
        self.assertEqual(len(self.broker.read(self.queue)), 27_000)
        done = self.sluice("rejects", "export", "last", "--format", "ndjson")
        rejects = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual({one["code"] for one in rejects}, {"unroutable_message"})
        self.assertEqual(sorted(json.loads(one["record"])["id"] for one in rejects), list(range(10, 30_001, 10)))

    def test_a_broker_that_is_restarted_gets_each_message_at_least_once(self):
        self.broker.queue(self.queue)
        rows = 60_000
        self.pipeline(f"routing_key: {self.queue}, message_id_column: id", rows=rows)
        process = self.start("run", "p.yaml")
        wait_for("some messages", lambda: self.broker.waiting(self.queue)[0] > 1000 or process.poll() is not None)
        self.broker.restart()
        _, err = process.communicate(timeout=180)
        self.assertEqual(process.returncode, 0, err)
        ids = {int(properties.message_id) for properties, _ in self.broker.read(self.queue)}
        self.assertEqual(ids, set(range(1, rows + 1)))

    def test_a_full_queue_is_told(self):
        self.broker.queue(self.queue, **{"x-max-length": 10, "x-overflow": "reject-publish"})
        self.pipeline(f"routing_key: {self.queue}")
        self.write("p.yaml", (self.folder / "p.yaml").read_text().replace("attempts: 100", "attempts: 1"))
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("error[message_refused]", done.stderr)

    def test_errors_say_what_to_do(self):
        done = self.run_with("exchange: no-such-exchange", code=1)
        self.assertIn("error[unknown_exchange]", done.stderr)
        self.assertIn("no-such-exchange", done.stderr)
        done = self.run_with("routing_key: q", code=1, url=self.broker.url.replace(":guest@", ":of-the-wrong-kind@"))
        self.assertIn("error[authentication_failed]", done.stderr)
        self.assertNotIn("of-the-wrong-kind", done.stderr)
        done = self.run_with("format: json", code=2)
        self.assertIn("error[missing_key]", done.stderr)
        done = self.run_with("exchange: x, routing_key: a, routing_key_column: queue", code=2)
        self.assertIn("error[given_twice]", done.stderr)
        done = self.run_with("routing_key: q", code=2, url="http://localhost")
        self.assertIn("amqp://", done.stderr)
        done = self.run_with("routing_key_column: quue", code=2)
        self.assertIn("did you mean queue?", done.stderr)


if __name__ == "__main__":
    unittest.main()
