"""kill -9 of `sluice run` while events flow, a receiver that fails at random: in the end every subscriber has got the
whole log, in order and without gaps once repeats are dropped. An independent checker compares the two."""

import json
import random
import time
import unittest

from command_line import CommandLine, events, eventually
from processes import children, has_ended, kill_with_children
from receiver import Receiver
from webhook_test import channel, pipeline

KILLS = 12


class Killed(CommandLine):
    def test_each_subscribers_stream_is_the_log(self):
        dice = random.Random(7)
        with Receiver() as receiver:
            paths = ["/good", "/flaky", "/slow"]
            receiver.answers["/flaky"] = lambda *_: (dice.choice([200, 200, 500, 503]), {})
            receiver.answers["/slow"] = lambda *_: "slow" if dice.random() < 0.1 else (200, {})
            channels = "".join(channel(path[1:], receiver.url(path)) for path in paths)
            channels += "  log: { file: out/log.ndjson }\n"
            self.write("p.yaml", pipeline(channels, "  - { name: all, to: [good, flaky, slow, log] }\n"))
            for _ in range(KILLS):
                process = self.start("run", "p.yaml", "--notify-wait", "5s")
                time.sleep(dice.uniform(0.02, 0.8))  # the moment of the kill is what is tested
                self.kill_with_children(process)
            # In peace, one more run, then everything that is left.
            receiver.answers.clear()
            self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
            done = self.sluice("notify", "flush")
            self.assertEqual(done.returncode, 0, done.stderr)
            log = [event["id"] for event in events(self.sluice("events", "--json", "-n", "100000").stdout)
                   if event["source"].startswith("/sluice/runs/")]
            self.assertGreater(len(log), 10 * 3)
            for path in paths:
                self.check(path, [one.id for one in receiver.taken_of(path)], log)
            lines = (self.folder / "out/log.ndjson").read_text().splitlines()
            self.check("log", [json.loads(line)["id"] for line in lines], log)

    def kill_with_children(self, process):
        """The parent first, so that it can't report the end of its child."""
        below = children(process.pid)
        kill_with_children(process.pid)
        process.communicate()
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
