"""kill -9 of `sluice run`, of its engine alone, of its parent alone, and of a node while events flow, a receiver that
fails at random: in the end every subscriber has got the whole log, in order and without gaps once repeats are dropped.
An independent checker compares the two."""

import json
import random
import time
import unittest
import urllib.request

from command_line import CommandLine, events, eventually
from processes import children, has_ended, kill, kill_with_children
from real_node import RealNode
from receiver import Receiver
from webhook_test import channel, pipeline

KILLS = 12


class Killed(CommandLine):
    def setUp(self):
        super().setUp()
        self.dice = random.Random(7)
        self.receiver = self.enterContext(Receiver())
        self.paths = ["/good", "/flaky", "/slow"]
        self.receiver.answers["/flaky"] = lambda *_: (self.dice.choice([200, 200, 500, 503]), {})
        self.receiver.answers["/slow"] = lambda *_: "slow" if self.dice.random() < 0.1 else (200, {})
        channels = "".join(channel(path[1:], self.receiver.url(path)) for path in self.paths)
        channels += "  log: { file: out/log.ndjson }\n"
        self.write("p.yaml", pipeline(channels, "  - { name: all, to: [good, flaky, slow, log] }\n"))

    def log(self, *words):
        return events(self.sluice("events", "--json", "-n", "100000", *words).stdout)

    def test_each_subscribers_stream_is_the_log(self):
        # Both processes; the engine alone, whose end the parent reports; the parent alone.
        for kind in (self.kill_with_children, self.kill_engine, self.kill_parent) * (KILLS // 3):
            process = self.start("run", "p.yaml", "--notify-wait", "5s")
            time.sleep(self.dice.uniform(0.02, 0.8))  # the moment of the kill is what is tested
            kind(process)
        # In peace, one more run, then everything that is left.
        self.receiver.answers.clear()
        self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
        done = self.sluice("notify", "flush")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check_all()

    def test_each_subscribers_stream_is_the_log_of_a_node_that_is_killed(self):
        node = RealNode(self.folder)
        self.addCleanup(node.stop)
        polled = []
        for _ in range(KILLS // 2):
            for _ in range(3):
                self.sluice("submit", "p.yaml", "--to", node.address)
            self.poll(node, polled)
            time.sleep(self.dice.uniform(0.02, 0.5))  # the moment of the kill is what is tested
            node.kill()
            node.start()
        self.receiver.answers.clear()
        done = self.sluice("submit", "p.yaml", "--wait", "--to", node.address)
        self.assertEqual(done.returncode, 0, done.stderr)
        ended = ("succeeded", "failed", "cancelled")
        eventually(lambda: all(run["state"] in ended for run in json.loads(self.sluice("runs", "--json", "-n", "1000").stdout)),
                   "the end of all runs")
        node.stop()
        done = self.sluice("notify", "flush")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check_all()
        # Who asks over HTTP from its last cursor on has got each event once, in the order of the log.
        log = [(event["data"]["cursor"], event["id"]) for event in self.log()]
        self.assertGreater(len(polled), 10)
        self.assertEqual(polled, log[:len(polled)])

    def poll(self, node, polled):
        """Asks until nothing new comes, behind what came before the node was killed."""
        while True:
            after = polled[-1][0] if polled else 0
            request = urllib.request.Request(f"{node.url}/v1/events?after={after}&limit=7&wait=0s",
                                             headers={"Authorization": f"Bearer {node.token}"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                found = json.loads(answer.read())["events"]
            polled += [(event["data"]["cursor"], event["id"]) for event in found]
            if not found:
                return

    def check_all(self):
        log = [event["id"] for event in self.log() if event["source"].startswith("/sluice/runs/")]
        self.assertGreater(len(log), 10 * 3)
        for path in self.paths:
            self.check(path, [one.id for one in self.receiver.taken_of(path)], log)
        lines = (self.folder / "out/log.ndjson").read_text().splitlines()
        self.check("log", [json.loads(line)["id"] for line in lines], log)

    def kill_with_children(self, process):
        """The parent first, so that it can't report the end of its child."""
        below = children(process.pid)
        kill_with_children(process.pid)
        self.end_with(process, below)

    def kill_engine(self, process):
        """The parent is left to tell of it."""
        below = children(process.pid)
        for pid in below:
            kill(pid)
        self.end_with(process, below)

    def kill_parent(self, process):
        below = children(process.pid)
        kill(process.pid)
        self.end_with(process, below)

    def end_with(self, process, below):
        process.wait(60)
        for pid in below:
            eventually(lambda pid=pid: has_ended(pid), "the end of the child")

    def check(self, who, got, log):
        """Per run: what came, without repeats, is the run's part of the log, in its order."""
        got = [id for id in got if "/" in id]
        runs = {id.split("/")[0] for id in log}
        seen = list(dict.fromkeys(got))
        for run in runs:
            mine = [id for id in seen if id.startswith(run)]
            self.assertEqual(mine, [id for id in log if id.startswith(run)], f"{who}: run {run}")


if __name__ == "__main__":
    unittest.main()
