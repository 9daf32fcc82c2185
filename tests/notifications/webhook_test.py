"""Webhooks to a real receiver: what is success, what is tried again, what is refused; signatures are checked by the
public library of Standard Webhooks, events are read by the public SDK of CloudEvents."""

import base64
import datetime
import json
import os
import time
import unittest

from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey
from standardwebhooks.webhooks import Webhook

from command_line import ENDLESS, SIGKILL, CommandLine, events, eventually
from receiver import Receiver

KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
OLD_KEY = "whsec_" + base64.b64encode(b"o" * 32).decode()
SEED = b"e" * 32
ED25519_KEY = "whsk_" + base64.b64encode(SEED).decode()


def pipeline(channels, rules, name="daily", more="", load="ndjson: { path: out/x.ndjson }"):
    return f"""\
version: 1
pipeline: {name}
owner: data@shop.example
tags: [finance]
{more}
extract:
  numbers: {{ generate: {{ rows: 10, columns: {{ id: sequence }} }} }}
load:
  out: {{ from: numbers, {load} }}
channels:
{channels}
notify:
{rules}
"""


def channel(name, url, more=""):
    return f'  {name}: {{ webhook: {{ url: "{url}", allow_private: true{more} }} }}\n'


ALL = "  - { name: all, to: [hook] }\n"
ENDS = "  - { name: ends, when: \"type = 'run.succeeded'\", to: [hook] }\n"


class Webhooks(CommandLine):
    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        self.receiver.__enter__()
        self.addCleanup(self.receiver.__exit__)

    def hook(self, path="/hook", more=""):
        return channel("hook", self.receiver.url(path), more)

    def log(self):
        done = self.sluice("events", "--json", "--limit", "100000")
        return [event for event in events(done.stdout)]

    def deliveries(self, *words):
        done = self.sluice("notify", "deliveries", "--json", "--limit", "1000", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_every_event_arrives_in_order_as_a_signed_cloud_event(self):
        self.write("p.yaml", pipeline(self.hook(more=", signing_key: \"${secret:hook}\""), ALL))
        done = self.sluice("run", "p.yaml", env={"SLUICE_SECRET_HOOK": KEY})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("pending", done.stderr)
        got = self.receiver.taken_of("/hook")
        self.assertEqual([one.json["id"] for one in got], [event["id"] for event in self.log()])
        for one in got:
            Webhook(KEY).verify(one.body, one.headers)
            self.assertEqual(one.headers["content-type"], "application/cloudevents+json; charset=utf-8")
            self.assertEqual(one.json["specversion"], "1.0")
            self.assertEqual(one.id, one.json["id"])
            self.assertNotIn(".", one.id)
        last = got[-1].json
        self.assertEqual(last["type"], "run.succeeded")
        self.assertEqual((last["data"]["owner"], last["data"]["tags"]), ("data@shop.example", ["finance"]))
        with self.assertRaises(Exception):
            Webhook(KEY).verify(got[0].body + b" ", got[0].headers)
        for secret_file in self.state.rglob("*"):
            if secret_file.is_file():
                self.assertNotIn(KEY.encode()[6:], secret_file.read_bytes())

    def test_the_sdk_of_cloudevents_reads_structured_and_binary_events_alike(self):
        both = self.hook("/structured").replace("hook:", "one:", 1) + self.hook("/binary", ", mode: binary").replace("hook:", "two:", 1)
        self.write("p.yaml", pipeline(both, "  - { name: all, to: [one, two] }\n"))
        self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
        log = self.log()
        for path in ("/structured", "/binary"):
            got = [from_http_event(HTTPMessage(one.headers, one.body)) for one in self.receiver.taken_of(path)]
            self.assertEqual([one.get_id() for one in got], [event["id"] for event in log])
            for one, event in zip(got, log):
                self.assertEqual((one.get_specversion(), one.get_type(), one.get_source(), one.get_datacontenttype()),
                                 ("1.0", event["type"], event["source"], "application/json"))
                self.assertEqual(one.get_time().timestamp(), datetime.datetime.fromisoformat(event["time"]).timestamp())
                self.assertEqual(one.get_extension("sequence"), event["sequence"])
                self.assertEqual(one.get_data(), event["data"])
        self.assertNotIn("specversion", self.receiver.taken_of("/binary")[0].json)

    def test_while_a_key_is_replaced_both_are_good(self):
        self.write("p.yaml", pipeline(self.hook(more=f', signing_key: ["{KEY}", "{OLD_KEY}"]'), ENDS))
        self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
        one = self.receiver.taken_of("/hook")[0]
        Webhook(KEY).verify(one.body, one.headers)
        Webhook(OLD_KEY).verify(one.body, one.headers)

    def test_an_ed25519_signature_is_checked_with_the_public_key_by_another_library(self):
        self.write("p.yaml", pipeline(self.hook(more=f', signing_key: ["{ED25519_KEY}", "{OLD_KEY}"]'), ENDS))
        self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
        one = self.receiver.taken_of("/hook")[0]
        first, second = one.headers["webhook-signature"].split(" ")
        self.assertTrue(first.startswith("v1a,"), first)
        self.assertTrue(second.startswith("v1,"), second)
        signature = base64.b64decode(first[len("v1a,"):], validate=True)
        signed = f"{one.id}.{one.headers['webhook-timestamp']}.".encode() + one.body
        public = SigningKey(SEED).verify_key
        public.verify(signed, signature)
        with self.assertRaises(BadSignatureError):
            public.verify(signed + b" ", signature)
        # A receiver that knows the shared key alone does not mind the other signature.
        Webhook(OLD_KEY).verify(one.body, one.headers)

    def test_only_2xx_is_success_and_what_is_not_is_tried_again_with_the_same_id(self):
        good, bad = {200: {}, 204: {}}, {301: {"location": self.receiver.url("/elsewhere")}, 400: {}, 404: {}, 500: {},
                                         503: {}}
        names = []
        channels = ""
        for status, headers in {**good, **bad}.items():
            path = f"/s{status}"
            self.receiver.answers[path] = lambda request, before, answer=(status, headers): answer
            channels += channel(f"s{status}", self.receiver.url(path))
            names.append(f"s{status}")
        self.write("p.yaml", pipeline(channels, ENDS.replace("hook", ", ".join(names))))
        done = self.sluice("run", "p.yaml", "--notify-wait", "1s")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("5 notifications are pending", done.stderr)
        self.assertIn("sluice notify flush", done.stderr)
        for status in good:
            self.assertEqual(len(self.receiver.of(f"/s{status}")), 1)
        told = {one["channel"]: one for one in self.deliveries()}
        for status in bad:
            self.assertEqual(told[f"s{status}"]["state"], "open")
            self.assertIn(str(status), told[f"s{status}"]["answer"])
            self.assertEqual(told[f"s{status}"]["tries"], 1)
        self.assertEqual(self.receiver.of("/elsewhere"), [])
        # The receivers are well again.
        for status in bad:
            self.receiver.answers[f"/s{status}"] = lambda request, before: (200, {})
        done = self.sluice("notify", "flush")
        self.assertEqual(done.returncode, 0, done.stderr)
        for status in bad:
            calls = self.receiver.of(f"/s{status}")
            self.assertEqual(len(calls), 2)
            self.assertEqual(calls[0].id, calls[1].id)
        self.assertEqual({one["state"] for one in self.deliveries()}, {"delivered"})

    def test_a_receiver_that_is_gone_disables_its_channel_until_it_is_changed(self):
        self.receiver.answers["/hook"] = lambda request, before: (410, {})
        self.write("p.yaml", pipeline(self.hook(), ALL))
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.receiver.of("/hook")), 1)
        self.assertIn("channel.disabled", [event["type"] for event in self.log()])
        self.assertIn("disabled", self.sluice("notify", "list").stdout)
        self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
        self.assertEqual(len(self.receiver.of("/hook")), 1)
        self.write("p.yaml", pipeline(self.hook("/new"), ALL))
        self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
        self.assertGreater(len(self.receiver.taken_of("/new")), 3)

    def test_retry_after_is_kept_to(self):
        self.receiver.answers["/hook"] = lambda request, before: (429, {"retry-after": "2"}) if before == 0 else (200, {})
        self.receiver.answers["/date"] = lambda request, before: (
            (503, {"Retry-After": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 3))})
            if before == 0 else (200, {}))
        self.write("p.yaml", pipeline(self.hook() + channel("date", self.receiver.url("/date")),
                                      ENDS.replace("hook", "hook, date")))
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("pending", done.stderr)
        for path, least in (("/hook", 2), ("/date", 1.9)):
            first, second = self.receiver.of(path)
            self.assertGreaterEqual(second.at - first.at, least)
            self.assertLess(second.at - first.at, 4.9)  # without it: about five seconds

    def test_receivers_that_hang_break_off_or_are_slow_delay_no_other(self):
        kinds = ["hang", "half", "reset", "slow"]
        channels = self.hook()
        for kind in kinds:
            self.receiver.answers[f"/{kind}"] = lambda request, before, kind=kind: kind
            channels += channel(kind, self.receiver.url(f"/{kind}"))
        self.write("p.yaml", pipeline(channels, ENDS.replace("hook", ", ".join(["hook", *kinds]))))
        begun = time.monotonic()
        process = self.start("run", "p.yaml", "--notify-wait", "17s")
        eventually(lambda: self.receiver.taken_of("/hook"), "the quick receiver's notification")
        self.assertLess(time.monotonic() - begun, 10)
        code, _, err = self.end_of(process)
        self.assertEqual(code, 0, err)
        told = {one["channel"]: one for one in self.deliveries()}
        self.assertEqual(told["hook"]["state"], "delivered")
        self.assertEqual(told["slow"]["state"], "delivered")
        for kind in ("hang", "half"):
            self.assertEqual(told[kind]["state"], "open")
            self.assertIn("timed out", told[kind]["answer"].lower())
            self.assertGreater(told[kind]["last_try"] - told[kind]["created"], 14_000_000)
        self.assertNotEqual(told["reset"]["state"], "delivered")
        self.assertGreaterEqual(len(self.receiver.of("/reset")), 1)

    def test_addresses_that_are_not_public_are_refused(self):
        channels, names = "", []
        hosts = ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "169.254.169.254"]
        for number, host in enumerate(hosts):
            channels += f'  c{number}: {{ webhook: {{ url: "http://{host}:{self.receiver.port}/hook" }} }}\n'
            names.append(f"c{number}")
        self.write("p.yaml", pipeline(channels, ENDS.replace("hook", ", ".join(names))))
        done = self.sluice("run", "p.yaml", "--notify-wait", "2s")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.receiver.requests, [])
        self.assertEqual(len(self.deliveries()), len(hosts))
        for one in self.deliveries():
            self.assertIn("not public", one["answer"])
        # Through a proxy the name is looked at before: a proxy would go wherever it is sent.
        done = self.sluice("notify", "flush", env={"http_proxy": self.receiver.url("")})
        self.assertEqual(self.receiver.requests, [])
        self.assertEqual(done.returncode, 1)
        for one in self.deliveries():
            self.assertEqual(one["tries"], 2)
            self.assertIn("not public", one["answer"])

    def test_a_redirect_to_an_address_that_is_not_public_is_not_followed(self):
        # All requests go to the receiver as a proxy: it would see one that follows the redirect, wherever that leads.
        names = []
        channels = ""
        for status in (302, 307, 308):
            url = f"http://hooks.sluice-test.example/r{status}"
            self.receiver.answers[url] = lambda request, before, status=status: (
                status, {"location": "http://169.254.169.254/latest/meta-data/"})
            channels += f'  r{status}: {{ webhook: {{ url: "{url}" }} }}\n'
            names.append(f"r{status}")
        self.write("p.yaml", pipeline(channels, ENDS.replace("hook", ", ".join(names))))
        done = self.sluice("run", "p.yaml", "--notify-wait", "1s", env={"http_proxy": self.receiver.url("")})
        self.assertEqual(done.returncode, 0, done.stderr)
        told = {one["channel"]: one for one in self.deliveries()}
        for name in names:
            self.assertEqual((told[name]["state"], told[name]["tries"]), ("open", 1))
            self.assertIn(name[1:], told[name]["answer"])
        self.assertEqual(sorted(one.path for one in self.receiver.requests),
                         [f"http://hooks.sluice-test.example/{name}" for name in names])

    def test_a_proxy_of_the_environment_is_used(self):
        self.write("p.yaml", pipeline('  hook: { webhook: { url: "http://hooks.sluice-test.example/x" } }\n', ENDS))
        done = self.sluice("run", "p.yaml", env={"http_proxy": self.receiver.url("")})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([one.path for one in self.receiver.taken], ["http://hooks.sluice-test.example/x"])

    def test_templates_speak_to_slack_teams_and_pagerduty(self):
        self.write("own.json", json.dumps({"who": "{{ pipeline }}", "n": "{{ count }}",
                                           "cause": "{{ event.data.cause.code }}"}))
        channels = (channel("slack", self.receiver.url("/slack"), ", template: slack") +
                    channel("teams", self.receiver.url("/teams"), ", template: teams") +
                    channel("page", self.receiver.url("/page"), ', template: pagerduty, routing_key: "${secret:page}"') +
                    channel("own", self.receiver.url("/own"), ", template: own.json"))
        rules = "  - { name: oncall, when: \"type = 'run.failed'\", to: [slack, teams, page, own], resolved: true }\n"
        text = pipeline(channels, rules, load="csv: { path: /dev/full }")
        self.write("p.yaml", text)
        secret = {"SLUICE_SECRET_PAGE": "R0UT1NG-KEY"}
        done = self.sluice("run", "p.yaml", env=secret)
        self.assertEqual(done.returncode, 1, done.stderr)
        body = {path: self.receiver.taken_of(path)[0].json for path in ("/slack", "/teams", "/page", "/own")}
        self.assertTrue(body["/slack"]["text"].startswith("daily failed: "))
        self.assertIn("Pipeline: daily", body["/slack"]["blocks"][0]["text"]["text"])
        card = body["/teams"]["attachments"][0]["content"]
        self.assertEqual(card["type"], "AdaptiveCard")
        self.assertIn({"title": "Pipeline", "value": "daily"}, card["body"][1]["facts"])
        self.assertEqual(body["/page"]["routing_key"], "R0UT1NG-KEY")
        self.assertEqual((body["/page"]["event_action"], body["/page"]["payload"]["severity"]), ("trigger", "error"))
        self.assertEqual((body["/own"]["who"], body["/own"]["n"]), ("daily", 1))
        self.assertTrue(body["/own"]["cause"])
        # The repair ends the episode in PagerDuty by the same key.
        self.write("p.yaml", pipeline(channels, rules))
        self.assertEqual(self.sluice("run", "p.yaml", env=secret).returncode, 0)
        over = self.receiver.taken_of("/page")[1].json
        self.assertEqual((over["event_action"], over["dedup_key"]), ("resolve", body["/page"]["dedup_key"]))

    def test_a_failure_is_told_once_an_episode_and_its_repair_once(self):
        rules = "  - { name: oncall, when: \"type = 'run.failed'\", to: [hook], resolved: true, " \
                "group: { by: [pipeline], wait: 1h } }\n"
        for load in ("csv: { path: /dev/full }", "csv: { path: /dev/full }", "ndjson: { path: out/x.ndjson }",
                     "ndjson: { path: out/x.ndjson }"):
            self.write("p.yaml", pipeline(self.hook(), rules, load=load))
            self.sluice("run", "p.yaml")
        self.assertEqual([one.json["type"] for one in self.receiver.taken_of("/hook")],
                         ["notification.group", "notification.resolved"])

    def test_what_is_wrong_in_channels_and_notify_is_said_with_its_place(self):
        self.write("p.yaml", """\
version: 1
pipeline: daily
extract:
  numbers: { generate: { rows: 10, columns: { id: sequence } } }
load:
  out: { from: numbers, blackhole: {} }
channels:
  hook: { webhok: { url: "https://x.example" } }
  bad: { webhook: { url: "ftp://x.example" } }
  bus: { kafka: { topic: x } }
notify:
  - { name: one, when: "typ = 'run.failed'", to: [hok] }
  - { name: one, when: "type", to: hook, grup: 1 }
  - { to: [hook], group: { by: [colour] }, repeat: soon }
""")
        done = self.sluice("validate", "p.yaml")
        self.assertEqual(done.returncode, 2)
        for part in ("p.yaml:8:11", "did you mean `webhook`?", "p.yaml:9:", "must begin with https://", "p.yaml:10:10",
                     "kafka needs brokers", "p.yaml:12:25", "did you mean type?", "p.yaml:12:51", "did you mean `hook`?",
                     "two rules named one", "did you mean `group`?", "the rule has no name", "can't be grouped by colour",
                     "p.yaml:14:"):
            self.assertIn(part, done.stderr)

    def test_a_probe_shows_each_step(self):
        self.write("p.yaml", pipeline(self.hook(), ENDS))
        done = self.sluice("notify", "test", "hook", "--file", "p.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("connected", done.stdout)
        self.assertIn("answer 200", done.stdout)
        self.assertEqual(self.receiver.taken_of("/hook")[0].json["type"], "notification.test")
        self.receiver.answers["/hook"] = lambda request, before: (500, {})
        self.assertEqual(self.sluice("notify", "test", "hook", "--file", "p.yaml").returncode, 1)
        self.assert_error(self.sluice("notify", "test", "hok", "--file", "p.yaml"), "unknown_channel")

    def test_a_condition_on_params_is_judged_by_the_params_of_the_run(self):
        rules = "  - { name: ends, when: \"type = 'run.succeeded' and params.day > date '2024-05-01'\", to: [hook] }\n"
        self.write("p.yaml", pipeline(self.hook(), rules, more="params: { day: { type: date } }"))
        for day in ("2024-05-01", "2024-05-02"):
            self.assertEqual(self.sluice("run", "p.yaml", "--set", f"day={day}").returncode, 0)
        self.assertEqual(len(self.receiver.taken_of("/hook")), 1)

    def test_a_run_whose_engine_was_killed_is_told_at_once(self):
        rules = "  - { name: oncall, when: \"type = 'run.failed'\", to: [hook] }\n"
        self.write("p.yaml", ENDLESS + "channels:\n" + self.hook() + "notify:\n" + rules)
        process = self.start("run", "p.yaml")
        record = self.running()
        os.kill(record["pid"], SIGKILL)
        code, _, err = self.end_of(process)
        self.assertEqual(code, 1, err)
        told = self.receiver.taken_of("/hook")
        self.assertEqual([one.json["data"]["cause"]["code"] for one in told], ["engine_killed"])

    def test_what_is_silenced_is_not_sent_and_can_be_seen(self):
        silences = "silences: [{ name: planned, when: \"'finance' = any(tags)\", cron: \"* * * * *\", for: 1h }]"
        self.write("p.yaml", pipeline(self.hook(), ENDS, more=silences))
        self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
        self.assertEqual(self.receiver.requests, [])
        self.assertEqual([(one["state"], one["answer"]) for one in self.deliveries()],
                         [("dropped", "silenced by planned")])
        self.assertIn("planned of daily", self.sluice("notify", "silence", "--list").stdout)
        # By hand, for all pipelines of the state folder.
        self.write("p.yaml", pipeline(self.hook(), ENDS))
        self.assert_error(self.sluice("notify", "silence", "typ = 'x'", "--for", "1h"), "unknown_column")
        self.assert_error(self.sluice("notify", "silence", "type = 'run.succeeded'"), "bad_arguments")
        made = json.loads(self.sluice("notify", "silence", "type = 'run.succeeded'", "--for", "1h", "--json").stdout)
        self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
        self.assertEqual(self.receiver.requests, [])
        self.assertEqual(self.sluice("notify", "unsilence", made["id"]).returncode, 0)
        self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
        self.assertEqual(len(self.receiver.taken_of("/hook")), 1)

    def test_an_open_alert_is_repeated_by_any_process_and_can_be_acknowledged(self):
        rules = "  - { name: oncall, when: \"type = 'run.failed'\", to: [hook], repeat: 1s }\n"
        self.write("p.yaml", pipeline(self.hook(), rules, load="csv: { path: /dev/full }"))
        self.write("q.yaml", pipeline("  none: { file: out/none }\n", "  - { name: none, when: \"false\", to: [none] }\n",
                                      name="other"))
        self.sluice("run", "p.yaml")
        alert = self.receiver.taken_of("/hook")[0].json["data"]["alert"]
        # Any process on the state folder reminds.
        eventually(lambda: self.sluice("run", "q.yaml") and len(self.receiver.taken_of("/hook")) >= 2, "a reminder")
        told = self.receiver.taken_of("/hook")[-1].json
        self.assertEqual((told["type"], told["data"]["alert"]), ("notification.reminder", alert))
        self.assertEqual(self.sluice("notify", "ack", alert).returncode, 0)
        self.assert_error(self.sluice("notify", "ack", "nothing"), "unknown_alert")

    def test_help_lists_the_events_and_what_when_knows(self):
        done = self.sluice("help", "events")
        for part in ("run.failed [error]", "schema.drifted", "channel.failing", "severity", "data.NAME"):
            self.assertIn(part, done.stdout)
        known = {one["type"] for one in json.loads(self.sluice("help", "events", "--json").stdout)["types"]}
        self.write("p.yaml", pipeline(self.hook(), ALL))
        self.sluice("run", "p.yaml")
        self.assertLessEqual({event["type"] for event in self.log()}, known)


class Others(CommandLine):
    def test_a_file_gets_each_event_as_a_line_and_rotates(self):
        self.write("p.yaml", pipeline("  log: { file: { path: out/log.ndjson, max_size: 2KiB, keep: 20 } }\n",
                                      "  - { name: all, to: [log] }\n"))
        for _ in range(3):
            self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
        files = sorted(self.folder.glob("out/log.ndjson*"), key=lambda path: int(path.suffix[1:] or 0)
                       if path.suffix[1:].isdigit() else 0, reverse=True)
        self.assertGreater(len(files), 3)
        lines = [json.loads(line) for path in files for line in path.read_text().splitlines()]
        self.assertEqual([line["id"] for line in lines],
                         [event["id"] for event in events(self.sluice("events", "--json", "-n", "1000").stdout)])
        for path in files:
            self.assertLessEqual(path.stat().st_size, 4096)

    def test_a_command_gets_the_event_and_its_exit_code_counts(self):
        script = self.write("tell.sh", "#!/bin/sh\ncat >> got.ndjson\necho \"$SLUICE_TITLE of $1\" >> titles\n"
                                       "test -z \"$SLUICE_SECRET_X\" || echo secret >> titles\n"
                                       "test -e mended || { echo no luck; exit 3; }\n")
        script.chmod(0o755)
        self.write("p.yaml", pipeline("  tell: { command: [./tell.sh, me] }\n", ENDS.replace("hook", "tell")))
        done = self.sluice("run", "p.yaml", "--notify-wait", "1s", env={"SLUICE_SECRET_X": "123456"})
        self.assertIn("exit code 3: no luck", done.stderr)
        self.write("mended", "")
        self.assertEqual(self.sluice("notify", "flush").returncode, 0)
        got = events((self.folder / "got.ndjson").read_text())
        self.assertEqual([one["type"] for one in got], ["run.succeeded", "run.succeeded"])
        self.assertEqual(got[0]["id"], got[1]["id"])
        self.assertEqual((self.folder / "titles").read_text(), "daily succeeded of me\n" * 2)

    def test_a_missing_secret_is_said_and_another_process_that_has_it_sends(self):
        with Receiver() as receiver:
            self.write("p.yaml", pipeline('  hook: { webhook: { url: "${secret:hook}", allow_private: true } }\n', ENDS))
            done = self.sluice("run", "p.yaml", "--notify-wait", "1s")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("secret hook is not set", done.stderr)
            done = self.sluice("notify", "flush", env={"SLUICE_SECRET_HOOK": receiver.url("/secret-path")})
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(len(receiver.taken_of("/secret-path")), 1)
            shown = self.sluice("notify", "list", "--json").stdout + self.sluice("notify", "deliveries").stdout
            self.assertNotIn(receiver.url("/secret-path"), shown)


if __name__ == "__main__":
    unittest.main()
