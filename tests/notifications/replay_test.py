"""Events are sent once more to one rule: with the ids that they always had and a mark, and nothing starts again."""

import json
import unittest
import urllib.request

from command_line import CommandLine, eventually
from real_node import RealNode
from receiver import Receiver

DAILY = """\
pipeline: daily
params: {{ day: {{ type: date, default: 2024-01-01 }} }}
extract: {{ numbers: {{ generate: {{ rows: 10, columns: {{ id: sequence }} }} }} }}
load: {{ out: {{ from: numbers, ndjson: {{ path: out/daily.ndjson }} }} }}
channels:
  hook: {{ webhook: {{ url: "{url}", allow_private: true }} }}
  other: {{ webhook: {{ url: "{url}/other", allow_private: true }} }}
notify:
  - {{ name: ends, when: "type = 'run.succeeded'", to: [hook, other], group: {{ wait: 1s }} }}
  - {{ name: units, when: "type = 'unit.finished' and params.day = date '2024-01-01'", to: [hook] }}
  - {{ name: next, when: "type = 'run.succeeded'", to: [hook], start: {{ pipeline: publish }} }}
  - {{ name: only, when: "type = 'run.succeeded'", start: {{ pipeline: publish }} }}
"""
PUBLISH = """\
pipeline: publish
extract: { numbers: { generate: { rows: 3, columns: { id: sequence } } } }
load: { out: { from: numbers, ndjson: { path: out/publish.ndjson } } }
"""


class Replay(CommandLine):
    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        self.receiver.__enter__()
        self.addCleanup(self.receiver.__exit__)
        self.write("daily.yaml", DAILY.format(url=self.receiver.url("/hook")))
        self.write("publish.yaml", PUBLISH)

    def replay(self, *words, **more):
        return self.sluice("notify", "replay", *words, **more)

    def replayed(self, path="/hook"):
        return [one for one in self.receiver.taken_of(path) if "replay" in one.json]

    def test_a_run_is_told_once_more_with_the_same_ids_and_a_mark(self):
        self.assertEqual(self.sluice("run", "daily.yaml").returncode, 0)
        self.assertEqual(self.sluice("run", "daily.yaml").returncode, 0)
        first = [one.json for one in self.receiver.taken_of("/hook") if one.json["type"] == "unit.finished"]
        self.assertEqual(len(first), 4)  # two units of two runs
        done = self.replay("daily/units", "--run", "last", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        made = json.loads(done.stdout)
        self.assertEqual((made["events"], made["deliveries"]), (2, 2))
        again = self.replayed()
        self.assertEqual([one.json["id"] for one in again], [one["id"] for one in first[2:]])
        self.assertEqual([one.id for one in again], [one["id"] for one in first[2:]])
        for one, before in zip(again, first[2:]):
            self.assertEqual(one.json["replay"], made["replay"])
            self.assertEqual({k: v for k, v in one.json.items() if k != "replay"}, before)
        # By cursor, by time, to one channel: each event by itself, also where the rule groups.
        cursor = first[-1]["data"]["cursor"]
        self.assertEqual(json.loads(self.replay("daily/ends", "--after", str(cursor), "--channel", "other", "--json").stdout)["events"], 1)
        self.assertEqual([one.json["type"] for one in self.replayed("/hook/other")], ["run.succeeded"])
        self.assertEqual(json.loads(self.replay("daily/ends", "--since", "1h", "--until", str(cursor), "--json").stdout)["events"], 1)
        self.assertEqual(len(self.replayed("/hook/other")), 2)
        none = self.replay("daily/ends", "--since", "2999-01-01")
        self.assertEqual((none.returncode, none.stderr), (0, "no event matches: nothing is sent\n"))
        # The log says who was told once more.
        log = [json.loads(line) for line in self.sluice("events", "--json", "--limit", "1000").stdout.splitlines()]
        told = [one["data"] for one in log if one["type"] == "subscription.replayed"]
        self.assertEqual([(one["subscription"], one["events"]) for one in told], [("daily/units", 2), ("daily/ends", 1), ("daily/ends", 1)])
        listed = json.loads(self.sluice("notify", "deliveries", "--json", "--limit", "100").stdout)
        marked = [one for one in listed if one["kind"] == "replay" and one["replay"] == made["replay"]]
        self.assertEqual(sorted(one["id"] for one in marked), sorted(one["id"] for one in first[2:]))

    def test_what_can_not_be_replayed_is_said(self):
        self.assertEqual(self.sluice("run", "daily.yaml").returncode, 0)
        self.assertIn("did you mean daily/units?", self.assert_error(self.replay("daily/unit", "--run", "last"), "unknown_subscription"))
        self.assert_error(self.replay("daily/units", "--run", "last", "--channel", "pager"), "unknown_channel")
        self.assert_error(self.replay("daily/units"), "bad_arguments")
        self.assert_error(self.replay("daily/units", "--since", "soon"), "bad_arguments")
        self.assert_error(self.replay("daily/units", "--after", "x"), "bad_arguments")
        self.assert_error(self.replay("daily/units", "--after", "0", "--limit", "1"), "replay_too_large")
        self.assert_error(self.replay("daily/only", "--run", "last"), "replay_starts_nothing")

    def test_a_replay_starts_nothing_again_unless_it_is_asked_to(self):
        node = RealNode(self.folder)
        self.addCleanup(node.stop)

        def at_node(*words):
            done = self.sluice(*words, "--to", node.address)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done

        def starts():
            # Also those that are skipped, because the run of the other rule still goes on.
            return [one["run"] for one in json.loads(at_node("pipelines", "starts", "publish", "--json").stdout)["starts"]]

        at_node("deploy", "publish.yaml")
        at_node("deploy", "daily.yaml")
        run = at_node("trigger", "daily", "--wait").stdout.split()
        eventually(lambda: len(starts()) == 2, "the starts of both rules")
        eventually(lambda: [one for one in self.receiver.taken_of("/hook") if one.json["type"] == "run.succeeded"], "the webhook")
        # Over REST, and at a node that has to hear of it.
        body = json.dumps({"after": 0, "channel": None}).encode()
        request = urllib.request.Request(f"{node.url}/v1/subscriptions/daily/next/replay", body,
                                         {"Authorization": "Bearer " + node.token})
        with urllib.request.urlopen(request) as answer:
            made = json.loads(answer.read())
        self.assertEqual((made["events"], made["deliveries"], made["not_started"]), (1, 1, ["publish"]))
        eventually(lambda: self.replayed(), "the replayed event")
        self.assertEqual(len(starts()), 2)
        refused = self.sluice("notify", "replay", "daily/only", "--after", "0", "--to", node.address)
        self.assert_error(refused, "replay_starts_nothing")
        at_node("notify", "replay", "daily/only", "--after", "0", "--again")
        eventually(lambda: len(starts()) == 3, "a start that was asked for")
        self.assertEqual(len(set(starts())), 3, run)


if __name__ == "__main__":
    unittest.main()
