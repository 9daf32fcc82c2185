"""Deployed pipelines at a real node: schedules, triggers, what starts after what, and kill -9 in the middle of it."""

import base64
import hashlib
import hmac
import json
import os
import random
import time
import unittest
import urllib.error
import urllib.request

from nacl.signing import SigningKey

from command_line import CommandLine, eventually
from real_node import RealNode

SECRET = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()

PIPELINE = """\
pipeline: {name}
params: {{ day: {{ type: date, default: 2024-01-01 }}, mode: {{ type: text, default: plain }} }}
{rest}
extract: {{ numbers: {{ generate: {{ rows: 10, columns: {{ id: sequence }} }} }} }}
load: {{ out: {{ from: numbers, ndjson: {{ path: "out/{name}-${{day}}-${{mode}}.ndjson" }} }} }}
"""


class Schedules(CommandLine):
    def setUp(self):
        super().setUp()
        os.environ["SLUICE_SECRET_HOOK"] = "whsec_" + SECRET
        self.node = RealNode(self.folder)
        self.addCleanup(self.node.stop)

    def at_node(self, *words, expect=0):
        to = "--node" if words[0] == "backfill" else "--to"
        done = self.sluice(*words, to, self.node.address, "--state", str(self.node.state))
        self.assertEqual(done.returncode, expect, done.stderr + done.stdout)
        return done

    def deploy(self, name, rest=""):
        self.write(f"{name}.yaml", PIPELINE.format(name=name, rest=rest))
        self.at_node("deploy", f"{name}.yaml")

    def starts(self, pipeline, state="started"):
        found = json.loads(self.at_node("pipelines", "starts", pipeline, "-n", "1000", "--json").stdout)["starts"]
        return [one for one in reversed(found) if state is None or one["state"] == state]

    def runs(self, pipeline):
        done = self.at_node("runs", "--json", "-n", "1000")
        return [run for run in json.loads(done.stdout) if run["pipeline"] == pipeline]

    def test_an_interval_runs_and_is_paused_resumed_and_deleted(self):
        self.deploy("often", "schedule: { every: 1s }")
        eventually(lambda: len(self.starts("often")) >= 2, "two runs by the schedule")
        shown = json.loads(self.at_node("pipelines", "--json").stdout)["pipelines"][0]
        self.assertEqual((shown["pipeline"], shown["schedule"], shown["paused"]), ("often", "every 1s", False))
        self.assertIn("next", shown)
        self.at_node("pipelines", "pause", "often")
        self.at_node("trigger", "often", "--wait", "--set", "mode=hand")
        self.assertTrue((self.folder / "out/often-2024-01-01-hand.ndjson").exists())
        paused = len(self.starts("often"))
        self.assertNotIn("next", json.loads(self.at_node("pipelines", "--json").stdout)["pipelines"][0])
        self.at_node("pipelines", "resume", "often")
        eventually(lambda: len(self.starts("often")) > paused, "a run after resuming")
        self.at_node("pipelines", "delete", "often")
        self.assertEqual(json.loads(self.at_node("pipelines", "--json").stdout)["pipelines"], [])
        refused = self.at_node("trigger", "often", expect=2)
        self.assertIn("error[not_deployed]", refused.stderr)

    def test_kill_9_loses_no_run_and_starts_none_twice(self):
        dice = random.Random(11)
        self.deploy("often", "schedule: { every: 1s, catch_up: all }")
        self.deploy("next", "schedule: { after: { all: [often] } }")
        for _ in range(6):
            time.sleep(dice.uniform(0.1, 1.5))  # the moment of the kill is what is tested
            self.node.kill()
            self.node.start()
        eventually(lambda: len(self.starts("often")) >= 8, "runs after the kills")
        self.at_node("pipelines", "pause", "often")
        eventually(lambda: not self.starts("often", "waiting") and not self.starts("next", "waiting"), "nothing waits")
        due = [one["due"] for one in self.starts("often")]
        # Every second from the first one on, each once.
        self.assertEqual(due, list(range(due[0], due[0] + 1_000_000 * len(due), 1_000_000)))
        runs = self.runs("often")
        self.assertEqual(sorted(run["id"] for run in runs), sorted(one["run"] for one in self.starts("often")))
        # Each run that succeeded has started one run of the next pipeline; those that a kill ended have not.
        good = eventually(lambda: self.settled("often"), "the end of all runs")
        def parents():
            return sorted(one["parents"][0]["run"] for one in self.starts("next"))
        eventually(lambda: parents() == good, f"a run of the next pipeline for each of {good}, found {parents()}")

    def settled(self, pipeline):
        runs = self.runs(pipeline)
        if any(run["state"] not in ("succeeded", "failed", "cancelled") for run in runs):
            return None
        return sorted(run["id"] for run in runs if run["state"] == "succeeded")

    def test_a_rule_starts_the_next_pipeline_once_with_params_of_the_run(self):
        self.deploy("publish")
        self.deploy("load", """\
notify:
  - { name: next, when: "type = 'run.succeeded'", start: { pipeline: publish, params: { day: "$day + 1", mode: "'full'" } } }""")
        self.at_node("trigger", "load", "--set", "day=2024-05-01", "--wait")
        (start,) = eventually(lambda: self.starts("publish"), "the run of the next pipeline")
        self.assertEqual(start["params"], {"day": "2024-05-02", "mode": "full"})
        self.assertEqual(start["parents"], [{"pipeline": "load", "run": self.runs("load")[0]["id"]}])
        eventually(lambda: (self.folder / "out/publish-2024-05-02-full.ndjson").exists(), "its output")
        # A local run on the same state folder starts it too.
        done = self.sluice("run", "load.yaml", "--set", "day=2024-07-01", "--state", str(self.node.state))
        self.assertEqual(done.returncode, 0, done.stderr)
        eventually(lambda: len(self.starts("publish")) == 2, "the run after the local one")
        self.assertEqual(self.starts("publish")[1]["params"]["day"], "2024-07-02")

    def test_a_start_waits_until_the_next_pipeline_is_deployed(self):
        self.deploy("load", """\
notify:
  - { name: next, when: "type = 'run.succeeded'", start: { pipeline: publish } }""")
        self.at_node("trigger", "load", "--wait")
        def answer():
            done = self.sluice("notify", "deliveries", "--json", "--state", str(self.node.state))
            return [one for one in json.loads(done.stdout) if "not deployed" in one["answer"]]
        eventually(answer, "the reason why nothing was started")
        self.deploy("publish")
        eventually(lambda: self.starts("publish"), "the run, once the pipeline is deployed")

    def test_files_that_arrive_start_a_run(self):
        (self.folder / "in").mkdir()
        self.deploy("filed", 'schedule: { files: "in/*.csv", settle: 1s }')
        self.assertEqual(self.starts("filed", None), [])
        self.write("in/a.csv", "x\n1\n")
        eventually(lambda: len(self.starts("filed")) == 1, "a run for the file")
        self.write("in/b.csv", "x\n1\n")
        eventually(lambda: len(self.starts("filed")) == 2, "a run for the second file")
        self.node.kill()
        self.node.start()
        self.write("in/c.csv", "x\n1\n")
        eventually(lambda: len(self.starts("filed")) == 3, "one run for the third file, none for the others")

    def hook(self, id, body=b"{}", key=SECRET, stamp=None, path="hooked"):
        stamp = str(int(time.time())) if stamp is None else stamp
        content = f"{id}.{stamp}.".encode() + body
        if isinstance(key, SigningKey):
            signature = "v1a," + base64.b64encode(key.sign(content).signature).decode()
        else:
            signature = "v1," + base64.b64encode(hmac.new(base64.b64decode(key), content, hashlib.sha256).digest()).decode()
        request = urllib.request.Request(f"{self.node.url}/v1/hooks/{path}", data=body, method="POST", headers={
            "webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": signature})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read())["error"]["code"]

    def test_a_signed_webhook_starts_a_run_and_no_other_does(self):
        self.deploy("hooked", 'schedule: { webhook: { signing_key: "${secret:HOOK}" } }')
        status, first = self.hook("msg_1", b'{"params": {"mode": "hooked"}, "other": 1}')
        self.assertEqual(status, 202)
        self.assertEqual(self.hook("msg_1", b"{}"), (202, first))  # sent again: the same run
        eventually(lambda: len(self.starts("hooked")) == 1, "its run")
        self.assertEqual(self.starts("hooked")[0]["params"], {"mode": "hooked"})
        other = base64.b64encode(b"x" * 32).decode()
        self.assertEqual(self.hook("msg_2", key=other), (401, "invalid_signature"))
        self.assertEqual(self.hook("msg_2", stamp=str(int(time.time()) - 400)), (401, "invalid_signature"))
        self.assertEqual(self.hook("msg_2", path="nothing"), (401, "invalid_signature"))
        self.assertEqual(self.hook("msg_2", b"x" * 70_000)[0], 413)
        self.assertEqual(len(self.starts("hooked", None)), 1)

    def test_a_webhook_that_is_signed_with_a_private_key_is_checked_with_the_public_one(self):
        sender, stranger = SigningKey(b"s" * 32), SigningKey(b"x" * 32)
        self.node.stop()
        os.environ["SLUICE_SECRET_HOOK"] = "whpk_" + base64.b64encode(bytes(sender.verify_key)).decode()
        self.node.start()
        self.deploy("hooked", 'schedule: { webhook: { signing_key: "${secret:HOOK}" } }')
        self.assertEqual(self.hook("msg_1", key=stranger), (401, "invalid_signature"))
        self.assertEqual(self.hook("msg_1"), (401, "invalid_signature"))
        self.assertEqual(self.hook("msg_1", key=sender)[0], 202)
        eventually(lambda: len(self.starts("hooked")) == 1, "its run")

    def test_a_backfill_runs_each_day_once(self):
        self.deploy("daily", 'schedule: { cron: "0 5 * * *", timezone: Europe/Berlin }')
        self.at_node("backfill", "daily", "--from", "2024-05-01", "--to", "2024-05-03", "--param", "day", "--every", "1d")
        eventually(lambda: len(self.starts("daily")) == 3, "three runs")
        self.assertEqual([one["params"]["day"] for one in self.starts("daily")], ["2024-05-01", "2024-05-02", "2024-05-03"])
        self.at_node("backfill", "daily", "--from", "2024-03-30", "--to", "2024-04-01", "--concurrency", "3")
        eventually(lambda: len(self.starts("daily")) == 5, "two more by the cron")  # 04-01 05:00 is after 04-01 00:00
        self.assertEqual([one["due"] // 1_000_000 % 86400 // 3600 for one in self.starts("daily")[3:]], [4, 3])
        refused = self.at_node("backfill", "daily", "--from", "2024-05-02", "--to", "2024-05-01", expect=2)
        self.assertIn("error[invalid_backfill]", refused.stderr)

    def test_the_due_time_is_that_of_the_schedule(self):
        self.write("due.yaml", PIPELINE.format(name="due", rest='schedule: { cron: "15 5 * * *" }').replace(
            "default: 2024-01-01", 'default: { sql: "due_at()::date - 1" }'))
        self.at_node("deploy", "due.yaml")
        self.at_node("backfill", "due", "--from", "2024-05-01", "--to", "2024-05-02T06:00")
        eventually(lambda: len(self.settled("due") or []) == 2, "two runs")
        self.assertEqual(sorted(path.name for path in (self.folder / "out").iterdir()),
                         ["due-2024-04-30-plain.ndjson", "due-2024-05-01-plain.ndjson"])

    def test_a_pipeline_that_is_late_or_rejected_says_so(self):
        self.write("broken.yaml", """\
pipeline: broken
schedule: { every: 1s, deadline: 1s }
channels: { log: { file: { path: told.ndjson } } }
notify: [{ name: all, when: "severity = 'error'", to: [log] }]
extract: { a: { csv: { path: missing.csv } } }
load: { out: { from: a, ndjson: { path: out/a.ndjson } } }
""")
        self.at_node("deploy", "broken.yaml")
        def told():
            path = self.folder / "told.ndjson"
            return {json.loads(line)["type"] for line in path.read_text().splitlines()} if path.exists() else set()
        eventually(lambda: told() >= {"pipeline.rejected", "run.late"}, "both events in the log")
        shown = json.loads(self.at_node("pipelines", "--json").stdout)["pipelines"][0]
        self.assertTrue(shown["late"])
        self.assertIn("missing.csv", self.starts("broken", "rejected")[0]["problem"])

    def test_the_files_that_a_pipeline_includes_travel_with_it(self):
        self.write("jobs/shared/limit.yaml", "params: { most: { type: bigint, default: 4 } }\n"
                   "transform: { few: { from: numbers, filter: \"id <= ${most}\" } }\n")
        text = PIPELINE.format(name="sharing", rest="include: shared/limit.yaml").replace("from: numbers", "from: few")
        self.write("jobs/sharing.yaml", text)
        self.at_node("deploy", "jobs/sharing.yaml")
        self.at_node("submit", "jobs/sharing.yaml", "--wait", "--set", "mode=sent")
        # The node has the text of all files.
        (self.folder / "jobs/shared/limit.yaml").unlink()
        self.at_node("trigger", "sharing", "--wait", "--set", "mode=hand")
        for mode in ("sent", "hand"):
            self.assertEqual(len((self.folder / f"out/sharing-2024-01-01-{mode}.ndjson").read_text().splitlines()), 4)
        self.assertIn("error[include_not_found] jobs/sharing.yaml:3:10:", self.at_node("deploy", "jobs/sharing.yaml", expect=2).stderr)

    def test_a_file_with_faults_is_not_deployed(self):
        for text, code, place in [
            ('schedule: { cron: "61 5 * * *" }', "invalid_cron", ":3:20"),
            ("schedule: { every: 1s, cron: '* * * * *' }", "invalid_value", ":3:24"),
            ("schedule: { evry: 1s }", "unknown_key", ":3:13"),
            ("schedule: { after: { all: [odd] } }", "invalid_value", ":3:27"),
            ("schedule: { webhook: { signing_key: whsec_abc } }", "secret_not_allowed", ":3:37"),
            ("schedule: { every: 15m, deadline: '25:00' }", "invalid_value", ":3:35"),
            ("schedule: { every: 15m, overlap: skip }", "unknown_key", ":3:25"),
        ]:
            self.write("odd.yaml", PIPELINE.format(name="odd", rest=text))
            done = self.at_node("deploy", "odd.yaml", expect=2)
            self.assertIn(f"error[{code}]", done.stderr, text)
            self.assertIn(place, done.stderr, text)
        self.assertEqual(json.loads(self.at_node("pipelines", "--json").stdout)["pipelines"], [])


if __name__ == "__main__":
    unittest.main()
