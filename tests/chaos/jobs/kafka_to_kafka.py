"""Topic to topic in transactions: for each key, the messages of the source in their order, each once; and the offsets that
others see are never ahead of what they can read."""

import json

from jobs import JobBase, prefix

PIPELINE = """\
version: 1
pipeline: kafka-to-kafka
run: {{ checkpoint: 300ms }}
rejects: {{ allow: 1000000 }}
extract:
  events:
    kafka: {{ brokers: "{broker}", topic: {tag}_in, group: {tag} }}
    types: {{ key: text, n: bigint }}
    parallelism: 2
transform:
  some:
    from: events
    steps:
      - filter: "n % 5 <> 0"
      - derive: {{ twice: "n * 2" }}
load:
  onward:
    from: some
    kafka: {{ brokers: "{broker}", topic: {tag}_out, key: key }}
"""


class Job(JobBase):
    servers = ("kafka",)
    endless = True
    fails_at = ("sluice.db", "checkpoints", "rejects.ndjson")
    keys_of_partition = 5

    def prepare(self):
        self.world.kafka.topic(f"{self.tag}_in", 4)
        self.world.kafka.topic(f"{self.tag}_out", 4)
        self.source = self.world.kafka.reader(f"{self.tag}_in", 4)
        self.target = self.world.kafka.reader(f"{self.tag}_out", 4)
        self.numbers = {}
        self.write("p.yaml", PIPELINE.format(broker=self.world.kafka.address, tag=self.tag))
        self.feed()

    def feed(self):
        messages = []
        for _ in range(400):
            partition = self.random.randrange(4)
            key = f"p{partition}k{self.random.randrange(self.keys_of_partition)}"
            n = self.numbers[key] = self.numbers.get(key, 0) + 1
            messages.append({"key": key, "partition": partition, "value": json.dumps({"key": key, "n": n})})
        self.world.kafka.produce(f"{self.tag}_in", messages)

    def by_key(self, reader):
        rows = {}
        for partition in reader.read().values():
            for value in partition:
                row = json.loads(value)
                rows.setdefault(row["key"], []).append(row["n"])
        return rows

    def wanted(self):
        return {key: [n for n in all_of if n % 5] for key, all_of in self.by_key(self.source).items()}

    def visible(self):
        return sum(len(rows) for rows in self.by_key(self.target).values())

    def complete(self):
        return self.visible() >= sum(len(rows) for rows in self.wanted().values())

    def check(self):
        wanted, faults = self.wanted(), self.positions()
        for key, found in self.by_key(self.target).items():
            faults += prefix(f"key {key}", found, wanted.get(key, []))
        return faults

    def positions(self):
        """The group's offsets promise that everything before them can be read in the target."""
        offsets = self.world.kafka.committed(self.tag, f"{self.tag}_in", 4)

        def missing():
            found, faults = self.by_key(self.target), []
            source = self.source.read()
            for partition, offset in enumerate(offsets):
                last = {}
                for value in source[partition][:max(0, offset)]:
                    row = json.loads(value)
                    if row["n"] % 5:
                        last[row["key"]] = row["n"]
                faults += [f"offset {offset} of partition {partition} is committed, but {key} {n} is not in the target"
                           for key, n in last.items() if n not in set(found.get(key, [])[-400:] + found.get(key, [])[:1])
                           and n > (found.get(key) or [0])[-1]]
            return faults

        # A coordinator answers a commit before all partitions show it.
        return self.world.settled(missing)

    def check_end(self, rejects):
        def missing():
            found, wanted, faults = self.by_key(self.target), self.wanted(), []
            for key, rows in wanted.items():
                if found.get(key) != rows:
                    faults.append(f"key {key}: {len(found.get(key, []))} of {len(rows)} messages are in the target")
            return faults

        return self.check() + self.world.settled(missing) + [f"rejected: {each}" for each in rejects[:3]]

    def close(self):
        self.source.close()
        self.target.close()
