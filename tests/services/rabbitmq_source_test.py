#!/usr/bin/env python3
"""The rabbitmq source against a real broker: no message is lost or read twice, whatever dies; what users see of errors."""

import json
import unittest

import pika

from command_line import SIGINT, CommandLine
from kafka_server import wait_for
from processes import kill_with_children
from rabbitmq_server import Broker

PIPELINE = """\
version: 1
pipeline: reading
run: {{ checkpoint: {checkpoint} }}
rejects: {{ allow: 100 }}
extract:
  messages:
    rabbitmq: {{ url: "{url}", queue: {queue}, {own} }}
    retry: {{ attempts: 100, backoff: 200ms, max_backoff: 1s }}
{beside}
load:
  out: {{ from: messages, ndjson: {{ path: out/ }} }}
"""


class RabbitSource(CommandLine):
    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(Broker(secure=True))

    def setUp(self):
        super().setUp()
        self.queue = self.id().rsplit(".", 1)[-1][5:45]

    def pipeline(self, own="prefetch: 1000", beside="types: { id: bigint }", checkpoint="300ms", url=None):
        beside = "\n".join("    " + line for line in beside.splitlines())
        self.write("p.yaml", PIPELINE.format(url=url or self.broker.url, queue=self.queue, own=own, beside=beside,
                                             checkpoint=checkpoint))

    def rows(self):
        return [json.loads(line) for file in sorted(self.folder.glob("out/*.ndjson"))
                for line in file.read_text().splitlines()]

    def ids(self):
        return sorted(row["id"] for row in self.rows())

    def empty(self):
        return self.broker.waiting(self.queue) == (0, 0)

    def killed(self, process):
        """With its engine process, which would drain when the first one is gone."""
        kill_with_children(process.pid)
        process.communicate()

    def drained(self, process):
        """Ends a run as Ctrl-C does."""
        process.send_signal(SIGINT)
        _, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, err)
        return err

    def read_all(self, count):
        process = self.start("run", "p.yaml")
        wait_for("all rows", lambda: len(self.rows()) >= count)
        self.drained(process)

    def bodies(self, count, first=0):
        return [json.dumps({"id": i}) for i in range(first, first + count)]

    def test_messages_are_read_in_order_and_taken_out_of_the_queue_with_their_metadata(self):
        self.broker.queue(self.queue, exchange="amq.topic", key="orders.*")
        with self.broker.channel().connection as connection:
            channel = connection.channel()
            channel.basic_publish("amq.topic", "orders.new", '{"id": 1, "more": true}', pika.BasicProperties(
                message_id="m-1", timestamp=1_700_000_000, headers={"a": "1", "n": 2, "list": [True, None]}))
            channel.basic_publish("amq.topic", "orders.old", '{"id":\n2}')
        self.pipeline(beside="types: { id: bigint }\nmetadata: { _id: message_id, _at: timestamp, _from: exchange, "
                             "_key: routing_key, _again: redelivered, _headers: headers }")
        self.read_all(2)
        first, second = self.rows()
        self.assertEqual(json.loads(first.pop("_headers")), {"a": "1", "n": 2, "list": [True, None]})
        self.assertEqual(first, {"id": 1, "_id": "m-1", "_at": "2023-11-14T22:13:20Z", "_from": "amq.topic",
                                 "_key": "orders.new", "_again": False})
        self.assertEqual(second, {"id": 2, "_id": None, "_at": None, "_from": "amq.topic", "_key": "orders.old",
                                  "_again": False, "_headers": None})
        self.assertTrue(self.empty())

    def test_nothing_is_acknowledged_before_its_rows_are_visible(self):
        self.broker.queue(self.queue)
        self.broker.publish(self.queue, self.bodies(50))
        self.pipeline(checkpoint="1h")
        process = self.start("run", "p.yaml")
        wait_for("all are given out", lambda: self.broker.waiting(self.queue) == (0, 50))
        self.killed(process)
        wait_for("they are back", lambda: self.broker.waiting(self.queue) == (50, 0))
        self.assertEqual(self.rows(), [])
        self.pipeline()
        self.read_all(50)
        self.assertEqual(self.ids(), list(range(50)))
        self.assertTrue(self.empty())

    def test_more_than_the_prefetch_is_read_before_a_checkpoint_is_due(self):
        self.broker.queue(self.queue)
        self.broker.publish(self.queue, self.bodies(3000))
        self.pipeline(own="prefetch: 100", checkpoint="1h")
        self.read_all(2900)  # less than half of the prefetch waits for the end of the run
        self.assertEqual(self.ids(), list(range(3000)))

    def test_killed_again_and_again_each_message_is_loaded_once(self):
        self.broker.queue(self.queue)
        total = 20_000
        self.broker.publish(self.queue, self.bodies(total))
        self.pipeline(own="prefetch: 500", checkpoint="100ms")
        for kill in range(6):
            process = self.start("run", "p.yaml")
            goal = (kill + 1) * total // 10
            wait_for("some rows", lambda: len(self.rows()) >= goal)
            self.killed(process)
        self.read_all(total)
        self.assertEqual(self.ids(), list(range(total)))
        self.assertTrue(self.empty())

    def test_a_message_that_is_sent_twice_is_read_once_within_the_window(self):
        self.broker.queue(self.queue)
        self.broker.publish(self.queue, self.bodies(10))
        self.broker.publish(self.queue, self.bodies(20))
        self.pipeline()
        self.read_all(20)
        # The window goes on with the next run.
        self.broker.publish(self.queue, self.bodies(25))
        self.read_all(25)
        self.assertEqual(self.ids(), list(range(25)))
        self.assertTrue(self.empty())

    def test_without_a_window_messages_that_are_sent_twice_are_read_twice(self):
        self.broker.queue(self.queue)
        self.broker.publish(self.queue, self.bodies(2))
        self.broker.publish(self.queue, self.bodies(2))
        self.pipeline(own="dedup: 0s")
        self.read_all(4)
        self.assertEqual(self.ids(), [0, 0, 1, 1])

    def test_without_ids_nothing_is_dropped(self):
        self.broker.queue(self.queue)
        self.broker.publish(self.queue, self.bodies(10), ids=False)
        self.broker.publish(self.queue, self.bodies(10), ids=False)
        self.pipeline()
        self.read_all(20)
        self.assertEqual(self.ids(), sorted(list(range(10)) * 2))

    def test_what_can_t_be_read_is_rejected_and_acknowledged(self):
        self.broker.queue(self.queue)
        self.broker.publish(self.queue, ['{"id": 1}', "nonsense", '{"id": "x"}', "", '{"id": 2}'])
        self.pipeline()
        self.read_all(2)
        self.assertEqual(self.ids(), [1, 2])
        done = self.sluice("rejects", "export", "last", "--format", "ndjson")
        rejects = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([(one["code"], one["file"], one["offset"]) for one in rejects],
                         [("invalid_json", self.queue, 2), ("invalid_value", self.queue, 3),
                          ("invalid_json", self.queue, 4)])
        self.assertTrue(self.empty())

    def test_columns_are_inferred_and_the_messages_stay(self):
        self.broker.queue(self.queue)
        done = self.failed(beside="")
        self.assertIn("error[empty_source]", done.stderr)
        self.broker.publish(self.queue, ['{"id": 1, "at": "2024-05-01T10:00:00Z"}'] * 5)
        self.pipeline(beside="")
        self.read_all(5)
        self.assertEqual(self.rows()[0], {"id": 1, "at": "2024-05-01T10:00:00Z"})

    def failed(self, **how):
        self.pipeline(**how)
        done = self.sluice("run", "p.yaml", "--fresh")
        self.assertNotEqual(done.returncode, 0, done.stderr)
        return done

    def test_errors_say_what_to_do(self):
        self.broker.queue(self.queue)
        wrong = self.broker.url.replace("guest:guest", "guest:of-the-wrong-kind")
        done = self.failed(url=wrong)
        self.assertIn("error[authentication_failed]", done.stderr)
        self.assertNotIn("of-the-wrong-kind", done.stderr)
        done = self.failed(url=self.broker.url + "/elsewhere")
        self.assertIn("error[unknown_vhost]", done.stderr)
        done = self.failed(own="prefetch: 0")
        self.assertIn("error[invalid_option]", done.stderr)
        self.queue = "there-is-no-such-queue"
        done = self.failed()
        self.assertIn("error[unknown_queue]", done.stderr)
        self.assertIn(self.queue, done.stderr)
        self.pipeline(url="amqp://127.0.0.1:1")
        self.write("p.yaml", (self.folder / "p.yaml").read_text().replace("attempts: 100", "attempts: 2"))
        done = self.sluice("run", "p.yaml")
        self.assertIn("error[cannot_connect]", done.stderr)
        self.assertIn("after 3 tries", done.stderr)

    def test_a_queue_that_is_deleted_while_it_is_read_ends_the_run(self):
        self.broker.queue(self.queue)
        self.broker.publish(self.queue, self.bodies(1))
        self.pipeline()
        process = self.start("run", "p.yaml")
        wait_for("a row", lambda: self.rows())
        self.broker.ctl("delete_queue", self.queue)
        _, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 1, err)
        self.assertIn("error[unknown_queue]", err)

    def test_encrypted_connections(self):
        self.broker.queue(self.queue)
        self.broker.publish(self.queue, self.bodies(2000))
        ca = self.broker.folder / "ca.pem"
        secure = f"amqps://guest:guest@localhost:{self.broker.port + 3}"
        self.pipeline(own=f'tls: {{ ca: "{ca}" }}', url=secure)
        self.read_all(2000)
        self.assertEqual(self.ids(), list(range(2000)))
        done = self.failed(url=secure)
        self.assertIn("error[tls_failed]", done.stderr)


if __name__ == "__main__":
    unittest.main()
