#!/usr/bin/env python3
"""Event time over a real Kafka: reading a topic to its end now and reading it live give the same windows; windows that are open
at the end go on in the next run, or are emitted with --flush; a live pipeline with all of it."""

import collections
import datetime
import json
import random
import unittest

from command_line import SIGINT, CommandLine
from kafka_server import Broker, wait_for
from postgres_server import Server

UTC = datetime.timezone.utc
START = datetime.datetime(2024, 5, 1, tzinfo=UTC)
PARTITIONS = 4

PIPELINE = """\
version: 1
pipeline: {name}
rejects: {{ allow: 100000 }}
{run}
extract:
  events:
    kafka: {{ brokers: "{broker}", topic: {topic}, format: json{until} }}
    types: {{ at: timestamptz, k: text, v: bigint }}
    parallelism: 2
    time: {{ column: at, out_of_order: {out_of_order}s }}
transform:
  counted:
    from: events
    aggregate: {{ by: [k], window: {window}, compute: {{ n: "count(*)", s: "sum(v)" }} }}
    parallelism: 2
load:
  out: {{ from: counted, ndjson: {{ path: {name}/ }}, mode: append }}
  late: {{ from: counted.late, ndjson: {{ path: {name}-late/ }}, mode: append }}
"""


def event(partition, second, key, value):
    at = (START + datetime.timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"partition": partition, "value": json.dumps({"at": at, "k": key, "v": value})}


def model(rows, upto=None):
    """Windows of ten seconds, those that end at `upto` or before."""
    groups = collections.defaultdict(lambda: [0, 0])
    for second, key, value in rows:
        begin = second // 10 * 10
        if upto is None or begin + 10 <= upto:
            groups[key, begin][0] += 1
            groups[key, begin][1] += value
    return {key: tuple(found) for key, found in groups.items()}


class EventTime(CommandLine):
    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(Broker(secure=True))

    def setUp(self):
        super().setUp()
        self.topic = self.id().rsplit(".", 1)[-1][5:45]
        self.broker.topic(self.topic, PARTITIONS)
        self.sent = [[] for _ in range(PARTITIONS)]
        self.now = [0.0] * PARTITIONS
        self.chosen = random.Random(self.topic)

    def produce(self, count, too_late=0.0):
        """Rows in each partition, none of which is more than 20 s behind an earlier one, but for a few."""
        messages = []
        for partition, rows in enumerate(self.sent):
            for _ in range(count):
                self.now[partition] += self.chosen.random() * 3
                late = 500 if self.chosen.random() < too_late else 0
                second = max(0, int(self.now[partition] - self.chosen.random() * 19 - late))
                rows.append((second, self.chosen.choice("abc"), self.chosen.randrange(100)))
                messages.append(event(partition, *rows[-1]))
        self.broker.produce(self.topic, messages)

    def rows(self):
        return [row for rows in self.sent for row in rows]

    def watermark(self):
        return min(max(row[0] for row in rows) for rows in self.sent) - 20

    def write_pipeline(self, name, live, window="{ tumble: 10s }"):
        self.write(f"{name}.yaml", PIPELINE.format(
            name=name, broker=self.broker.address, topic=self.topic, window=window, out_of_order=20,
            run="run: { checkpoint: 200ms }" if live else "", until="" if live else ", until: now"))

    def windows(self, name):
        found = {}
        for part in sorted((self.folder / name).glob("*.ndjson")):
            for line in part.read_text().splitlines():
                row = json.loads(line)
                begin = int((datetime.datetime.fromisoformat(row["window_start"]) - START).total_seconds())
                self.assertNotIn((row["k"], begin), found, "a window was emitted twice")
                found[row["k"], begin] = (row["n"], int(row["s"]))
        return found

    def late(self, name):
        return [(int((datetime.datetime.fromisoformat(row["at"]) - START).total_seconds()), row["k"], row["v"])
                for part in (self.folder / f"{name}-late").glob("*.ndjson") for row in map(json.loads, part.read_text().splitlines())]

    def once(self, name, *more):
        done = self.sluice("run", f"{name}.yaml", *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def read_live(self, name, expected, *more):
        process = self.start("run", f"{name}.yaml", "--progress", "none", *more)
        wait_for("the windows that are complete", lambda: len(self.windows(name)) >= expected or process.poll() is not None)
        process.send_signal(SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out + err)

    def test_to_the_end_now_and_live_give_the_same_windows(self):
        self.write_pipeline("now", live=False)
        self.write_pipeline("live", live=True)
        self.produce(400)
        expected = model(self.rows(), self.watermark())
        self.assertGreater(len(expected), 100)
        self.once("now")
        self.assertEqual(self.windows("now"), expected)
        self.read_live("live", len(expected))
        self.assertEqual(self.windows("live"), expected)
        held = next(unit for unit in self.run_record("now")["summary"]["units"] if unit["unit"] == "counted")
        self.assertTrue(self.run_record("now")["summary"]["balanced"], held)
        # Both go on where they stood, with the windows that were open.
        self.produce(300)
        expected = model(self.rows(), self.watermark())
        done = self.once("now")
        self.assertIn("reading on after run", done.stderr)
        self.read_live("live", len(expected))
        self.assertEqual(self.windows("now"), expected)
        self.assertEqual(self.windows("live"), expected)
        # Nothing new: nothing is emitted. With --flush all windows are, although no row comes.
        self.once("now")
        self.assertEqual(self.windows("now"), expected)
        self.once("now", "--flush")
        self.assertEqual(self.windows("now"), model(self.rows()))
        process = self.start("run", "live.yaml", "--progress", "none")
        wait_for("a run that works", lambda: (self.run_record("live") or {}).get("state") == "running")
        done = self.sluice("drain", "live", "--flush")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(process.wait(60), 0, process.communicate()[1])
        self.assertEqual(self.windows("live"), model(self.rows()))
        self.assertEqual(self.late("now") + self.late("live"), [])
        # Behind a flush the windows that were emitted stay as they are: what belongs to them is late.
        flushed = self.windows("now")
        last = max(row[0] for row in self.rows())
        self.broker.produce(self.topic, [event(each, last, "a", 1) for each in range(PARTITIONS)] +
                            [event(each, last + 100, "a", 2) for each in range(PARTITIONS)])
        self.once("now", "--flush")
        self.assertEqual(self.windows("now"), {**flushed, ("a", (last + 100) // 10 * 10): (4, 8)})
        self.assertEqual(self.late("now"), [(last, "a", 1)] * 4)

    def test_with_late_rows_windows_and_late_rows_together_agree(self):
        self.write_pipeline("now", live=False)
        self.write_pipeline("live", live=True)
        self.produce(300)
        expected = model(self.rows(), self.watermark())
        self.once("now")
        process = self.start("run", "live.yaml", "--progress", "none", "--flush")
        wait_for("the windows that are complete", lambda: len(self.windows("live")) >= len(expected))
        self.produce(300, too_late=0.05)
        self.once("now", "--flush")
        wait_for("later windows, and late rows", lambda: self.late("live") and len(self.windows("live")) > len(expected) + 50)
        process.send_signal(SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out + err)
        for name in ("now", "live"):
            late = collections.Counter(self.late(name))
            self.assertTrue(late, name)
            kept = collections.Counter(self.rows())
            kept.subtract(late)
            self.assertEqual(self.windows(name), model(kept.elements()))

    def test_a_run_that_begins_afresh_reads_from_the_start(self):
        self.write_pipeline("now", live=False, window="{ session: 1h }")
        self.produce(50)
        self.once("now")
        self.once("now", "--fresh", "--flush")
        self.assertEqual(sum(n for n, _ in self.windows("now").values()), 200)
        self.assert_error(self.sluice("run", "now.yaml", "--set", "x=1"), "unknown_param")

    def test_a_live_pipeline_with_a_join_that_is_refreshed_and_windows_that_are_corrected(self):
        with Server() as server:
            database = server.connect()
            database.run("create schema crm; create schema mart")
            database.run("create table crm.customers(id bigint primary key, name text)")
            database.run("insert into crm.customers values (1, 'one'), (2, 'two')")
            self.broker.topic("revenue", PARTITIONS)
            text = LIVE.replace("topic: orders", f"topic: {self.topic}").replace("checkpoint: 10s", "checkpoint: 300ms")
            self.write("live.yaml", text)
            address = f"postgresql://postgres@127.0.0.1:{server.port}/postgres"
            settings = {"KAFKA": f"127.0.0.1:{self.broker.port + 2}", "SLUICE_SECRET_mart": address,
                        "SLUICE_SECRET_kafka": "pass-of-etl"}
            self.write("ca.pem", (self.broker.folder / "ca.pem").read_text())
            orders = []
            for number in range(2000):
                second = number // 4 - self.chosen.randrange(20)
                orders.append((number, self.chosen.choice(["DE", "FR"]), self.chosen.randrange(100, 9999), max(second, 0)))
            messages = [{"partition": number % PARTITIONS, "value": json.dumps({
                "id": number, "customer": number % 3, "country": country, "amount": f"{cents / 100:.2f}",
                "ordered_at": (START + datetime.timedelta(seconds=second)).isoformat()})}
                for number, country, cents, second in orders]
            self.broker.produce(self.topic, messages)
            for verb in ("validate", "explain"):
                done = self.sluice(verb, "live.yaml", env=settings)
                self.assertEqual(done.returncode, 0, done.stderr)
            self.environment = lambda make=self.environment, **more: make(**settings, **more)
            process = self.start("run", "live.yaml", "--progress", "none")
            wait_for("rows in the table", lambda: process.poll() is not None or
                     database.run("select to_regclass('mart.revenue') is not null")[0][0] == "t" and
                     int(database.run("select count(*) from mart.revenue")[0][0]) >= 14)
            self.assertIsNone(process.poll(), process.poll() is not None and process.communicate()[1])
            self.assertEqual(self.sluice("drain", "last", "--flush").returncode, 0)
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, out + err)
            expected = collections.defaultdict(lambda: [0, 0])
            for _, country, cents, second in orders:
                expected[country, second // 60][0] += 1
                expected[country, second // 60][1] += cents
            found = {(country, int(minute)): [int(count), int(cents)] for country, minute, count, cents in database.run(
                "select country, extract(epoch from window_start - '2024-05-01T00:00Z'::timestamptz)::int / 60, orders, "
                "(revenue * 100)::bigint from mart.revenue")}
            self.assertEqual(found, dict(expected))
            self.assertGreaterEqual(len(self.broker.read("revenue")), len(expected))


# As users are promised it: a live pipeline with a join, windows that late rows correct, and three targets. The field customer, which
# types does not give, is read because the join names it.
LIVE = """\
version: 1
pipeline: revenue-live
run: { checkpoint: 10s }
connections:
  shop: { kafka: { brokers: "${KAFKA}", sasl: { mechanism: SCRAM-SHA-512, user: etl, password: "${secret:kafka}" }, tls: { ca: ca.pem } } }
  mart: { postgres: { url: "${secret:mart}" } }
extract:
  orders:
    kafka: { connection: shop, topic: orders, format: json, start: earliest }
    types: { id: bigint, country: text, amount: "decimal(12,2)", ordered_at: timestamptz }
    metadata: { _key: key, _at: timestamp, _partition: partition, _offset: offset, _headers: headers, _deleted: deleted }
    time: { column: ordered_at, out_of_order: 30s, idle: 1m }
  customers: { postgres: { connection: mart, table: crm.customers } }
transform:
  named: { from: [orders, customers], join: { how: left, on: "orders.customer = customers.id", refresh: 10m } }
  per_minute:
    from: named
    aggregate:
      by: [country]
      window: { tumble: 1m, allowed_lateness: 10m }
      compute: { orders: "count(*)", revenue: "sum(amount)" }
load:
  mart:   { from: per_minute, postgres: { connection: mart, table: mart.revenue }, mode: upsert, key: [country, window_start] }
  late:   { from: per_minute.late, ndjson: { path: out/late/ } }
  onward: { from: per_minute, kafka: { connection: shop, topic: revenue, key: country, format: json } }
rejects: { allow: 100, fail_above: "1%", per: 10m }
"""


if __name__ == "__main__":
    unittest.main()
