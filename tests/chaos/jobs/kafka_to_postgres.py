"""A topic into two tables of PostgreSQL: windows of event time by upsert, and each event appended. The windows are those
of a plain model over the source; each event is there once, and no committed offset is ahead of them."""

import json

from jobs import JobBase, compare

PIPELINE = """\
version: 1
pipeline: kafka-to-postgres
run: {{ checkpoint: 300ms }}
rejects: {{ allow: 1000000 }}
extract:
  events:
    kafka: {{ brokers: "{broker}", topic: {tag}_in, group: {tag} }}
    types: {{ id: bigint, country: text, amount: bigint, at: timestamptz }}
    time: {{ column: at, out_of_order: 2s }}
    parallelism: 2
transform:
  windows:
    from: events
    aggregate:
      by: [country]
      window: {{ tumble: 1s }}
      compute: {{ n: "count(*)", s: "sum(amount)" }}
load:
  sums:
    from: windows
    postgres: {{ url: "{url}", table: {tag}_sums }}
    mode: upsert
    key: [country, window_start]
  raw:
    from: events
    postgres: {{ url: "{url}", table: {tag}_raw }}
    mode: append
"""

BEGIN = 1_700_000_000_000  # ms
STEP = 3                   # ms of event time from one event to the next
OUT_OF_ORDER = 1900        # ms; less than the pipeline allows


def text_of(ms):
    seconds, rest = divmod(ms, 1000)
    minutes, second = divmod(seconds - BEGIN // 1000, 60)
    return f"2023-11-14T{22 + minutes // 60:02}:{minutes % 60:02}:{second:02}.{rest:03}Z"


class Job(JobBase):
    servers = ("kafka", "postgres")
    endless = True
    fails_at = ("sluice.db", "checkpoints", "rejects.ndjson")

    def prepare(self):
        self.world.kafka.topic(f"{self.tag}_in", 4)
        self.source = self.world.kafka.reader(f"{self.tag}_in", 4)
        self.number = 0
        self.write("p.yaml", PIPELINE.format(broker=self.world.kafka.address, url=self.world.postgres.url, tag=self.tag))
        self.feed()

    def feed(self, count=400):
        messages = []
        for _ in range(count):
            self.number += 1
            at = BEGIN + self.number * STEP - self.random.randrange(OUT_OF_ORDER)
            messages.append({"partition": self.random.randrange(4), "value": json.dumps({
                "id": self.number, "country": self.random.choice(["DE", "FR", "NL"]), "amount": self.number % 97,
                "at": text_of(max(at, BEGIN))})})
        self.world.kafka.produce(f"{self.tag}_in", messages)

    def close_input(self):
        """One event in each partition, late enough to complete all windows before it."""
        self.end = BEGIN + self.number * STEP + 10_000
        self.world.kafka.produce(f"{self.tag}_in", [{"partition": partition, "value": json.dumps({
            "id": -1 - partition, "country": "end", "amount": 0, "at": text_of(self.end)})} for partition in range(4)])

    def events(self):
        return [json.loads(value) for partition in self.source.read().values() for value in partition]

    def windows(self):
        """The model: every event counts in the second in which it happened."""
        sums = {}
        for event in self.events():
            key = (event["country"], event["at"][11:19])
            n, s = sums.get(key, (0, 0))
            sums[key] = (n + 1, s + event["amount"])
        return {(country, second, n, s) for (country, second), (n, s) in sums.items()}

    def found_windows(self):
        columns = "country, to_char(window_start at time zone 'UTC', 'HH24:MI:SS'), n, s"
        return [(a, b, int(n), int(s)) for a, b, n, s in self.world.postgres.rows(f"{self.tag}_sums", columns)]

    def ids(self):
        return [row[0] for row in self.world.postgres.rows(f"{self.tag}_raw", "id")]

    def visible(self):
        return self.world.postgres.count(f"{self.tag}_raw")

    def complete(self):
        wanted = sum(1 for window in self.windows() if window[0] != "end")
        return (self.world.postgres.count(f"{self.tag}_raw") >= len(self.events()) and
                self.world.postgres.count(f"{self.tag}_sums") >= wanted)

    def check(self):
        ids = self.ids()
        faults = []
        if len(set(ids)) < len(ids):
            faults.append(f"{len(ids) - len(set(ids))} events are in the table more than once")
        seen = set(ids)
        # Of each partition a first part is visible, and no offset is committed behind it.
        for (partition, values), offset in zip(self.source.read().items(),
                                               self.world.kafka.committed(self.tag, f"{self.tag}_in", 4)):
            there = [json.loads(value)["id"] in seen for value in values]
            upto = there.index(False) if False in there else len(there)
            if any(there[upto:]):
                faults.append(f"partition {partition}: offset {upto} is missing, but later ones are in the table")
            if offset > upto:
                faults.append(f"partition {partition}: offset {offset} is committed, but {upto} is not in the table")
        model = self.windows()
        # A window is emitted when the last of its events has come, so it never changes afterwards.
        wrong = [window for window in self.found_windows() if window not in model]
        return faults + [f"window {window} is not what its events say" for window in wrong[:3]]

    def check_end(self, rejects):
        wanted = [window for window in self.windows() if window[0] != "end"]
        return (self.check() + compare("the windows", self.found_windows(), wanted) +
                compare("the events", self.ids(), [event["id"] for event in self.events()]) +
                self.world.postgres.leftovers(self.tag) + [f"rejected: {each}" for each in rejects[:3]])

    def close(self):
        self.source.close()
