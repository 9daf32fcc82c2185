"""A queue into a table: every message whose publishing was confirmed is in the table once, and none has left the queue
before its row was committed."""

import json

from jobs import JobBase, compare

PIPELINE = """\
version: 1
pipeline: rabbitmq-to-postgres
run: {{ checkpoint: 300ms }}
rejects: {{ allow: 1000000 }}
extract:
  messages:
    rabbitmq: {{ url: "{broker}", queue: {tag}, prefetch: 500 }}
    types: {{ id: bigint, text: text }}
    retry: {{ attempts: 100, backoff: 100ms, max_backoff: 1s }}
transform:
  some:
    from: messages
    derive: {{ twice: "id * 2" }}
load:
  rows:
    from: some
    postgres: {{ url: "{url}", table: {tag} }}
    mode: append
"""


class Job(JobBase):
    servers = ("rabbitmq", "postgres")
    endless = True
    fails_at = ("sluice.db", "checkpoints", "rejects.ndjson")

    def prepare(self):
        self.world.rabbitmq.queue(self.tag)
        self.number = 0
        self.write("p.yaml", PIPELINE.format(broker=self.world.rabbitmq.url, url=self.world.postgres.url, tag=self.tag))
        self.feed()

    def feed(self):
        bodies = [json.dumps({"id": n, "text": "x" * (n % 90)}) for n in range(self.number, self.number + 400)]
        self.world.rabbitmq.publish(self.tag, bodies, self.number)
        self.number += len(bodies)

    def ids(self):
        return [row[0] for row in self.world.postgres.rows(self.tag, "id")]

    def visible(self):
        return self.world.postgres.count(self.tag)

    def complete(self):
        return self.visible() >= self.number

    def check(self):
        ids = self.ids()
        faults = []
        if len(set(ids)) < len(ids):
            faults.append(f"{len(ids) - len(set(ids))} messages are in the table more than once")
        # No process is at work: what was given out and not acknowledged is in the queue again.
        there = set(ids)

        def lost():
            missing = self.number - len(there)
            waiting = self.world.rabbitmq.waiting(self.tag)
            if waiting < missing:
                return [f"{missing} messages are not in the table, but only {waiting} are in the queue: {missing - waiting} "
                        "were acknowledged before their rows were committed"]
            return []

        return faults + (self.world.settled(lost) if self.number > len(there) else [])

    def check_end(self, rejects):
        return (self.check() + compare("the messages", self.ids(), list(range(self.number))) +
                self.world.postgres.leftovers(self.tag) + [f"rejected: {each}" for each in rejects[:3]])
