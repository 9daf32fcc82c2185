"""Rules that concern all pipelines: of a node's own file, and those that are added and removed while it runs. And what
`sluice notify` does at a node."""

import json
import subprocess
import unittest

from command_line import ORDERS, STARTER, CommandLine, eventually
from real_node import BINARY, RealNode
from receiver import Receiver


class ConfiguredNode(RealNode):
    """A node with a file of --config."""

    def start(self):
        with open(self.folder / "node.log", "a") as log:
            self.process = subprocess.Popen(
                [BINARY, "node", "--json", "--state", str(self.state), "--listen", "127.0.0.1:0", "--http", self.address,
                 "--config", str(self.folder / "node.yaml")], stdout=subprocess.PIPE, stderr=log, text=True, cwd=self.folder)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("the node is not ready: " + (self.folder / "node.log").read_text())
        self.address = json.loads(line)["http"]


class NodeRules(CommandLine):
    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        self.receiver.__enter__()
        self.addCleanup(self.receiver.__exit__)
        self.write("orders.csv", ORDERS)
        self.write("p.yaml", STARTER)
        self.write("q.yaml", STARTER.replace("pipeline: orders", "pipeline: others").replace("out/paid", "out/others"))
        self.write("node.yaml", self.rules("ends", "type = 'run.succeeded'", "/node"))

    def rules(self, name, when, path):
        return (f'channels: {{ hook: {{ webhook: {{ url: "{self.receiver.url(path)}", allow_private: true }} }} }}\n'
                f'notify: [{{ name: {name}, when: "{when}", to: [hook] }}]\n')

    def at_node(self, *words, expect=0):
        done = self.sluice(*words, "--to", self.node.address)
        self.assertEqual(done.returncode, expect, done.stderr + done.stdout)
        return done

    def told(self, path):
        return [one.json for one in self.receiver.taken_of(path)]

    def test_a_node_tells_of_all_pipelines_and_takes_rules_while_it_runs(self):
        self.node = ConfiguredNode(self.folder)
        self.addCleanup(lambda: self.node.stop())
        for file in ("p.yaml", "q.yaml"):
            self.at_node("submit", file, "--wait")
        eventually(lambda: len(self.told("/node")) == 2, "both ends")
        # The order of two runs is not promised.
        self.assertEqual(sorted(one["data"]["pipeline"] for one in self.told("/node")), ["orders", "others"])

        self.write("more.yaml", self.rules("units", "type = 'unit.finished'", "/added").replace("/added", "${PATH_OF_HOOK}"))
        self.assert_error(self.sluice("notify", "add", "more.yaml", "--to", self.node.address), "unset_variable")
        done = self.sluice("notify", "add", "more.yaml", "--to", self.node.address, env={"PATH_OF_HOOK": "/added"})
        self.assertEqual(done.returncode, 0, done.stderr)
        eventually(lambda: any(one["rule"] == "units" for one in json.loads(self.at_node("notify", "list", "--json").stdout)), "the rule")
        # A rule of the file stays what it is.
        self.write("taken.yaml", self.rules("ends", "true", "/taken"))
        self.assert_error(self.sluice("notify", "add", "taken.yaml", "--to", self.node.address), "rule_of_config")
        self.assert_error(self.sluice("notify", "remove", "ends", "--to", self.node.address), "rule_of_config")
        self.at_node("submit", "p.yaml", "--wait")
        eventually(lambda: len(self.told("/added")) == 3, "the ends of three units")

        # Both are there after a restart; the added one until it is removed.
        self.node.stop()
        self.node.start()
        self.at_node("submit", "q.yaml", "--wait")
        eventually(lambda: len(self.told("/added")) == 6 and len(self.told("/node")) == 4, "the events behind the restart")
        self.at_node("notify", "remove", "units")
        self.assert_error(self.sluice("notify", "remove", "units", "--to", self.node.address), "unknown_subscription")
        self.at_node("submit", "p.yaml", "--wait")
        eventually(lambda: len(self.told("/node")) == 5, "the rule of the file")
        self.assertEqual(len(self.told("/added")), 6)

    def test_a_run_that_can_not_begin_is_told_to_those_who_wait_for_it(self):
        rules = self.rules("oncall", "severity = 'error' and final", "/oncall")
        self.write("p.yaml", STARTER.replace("orders.csv", "missing.csv") + rules)

        def titles():
            return [(one["type"], one["data"]["reason"], one["data"]["cause"]["code"]) for one in self.told("/oncall")]

        # From a crontab: nobody sees what is printed. The rules of a file that can be read count already.
        self.assert_error(self.sluice("run", "p.yaml"), "file_not_found")
        self.assertEqual(titles(), [("pipeline.rejected", "run", "file_not_found")])
        # A file that can't be read any more is told by the rules that are known.
        self.write("p.yaml", "extract: [\n")
        self.write("orders.yaml", "pipeline: orders\nextract: [\n")
        done = self.sluice("run", "orders.yaml", "--json")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(json.loads(done.stdout)["id"], self.told("/oncall")[-1]["id"])
        self.assertEqual(titles()[1:], [("pipeline.rejected", "run", "invalid_yaml")])
        # What is wrong with the command says nothing of the pipeline.
        self.assert_error(self.sluice("run", "orders.yaml", "--set", "x"), "bad_arguments")
        self.assertEqual(len(titles()), 2)
        # At a node; its own rules hear it too.
        self.write("node.yaml", self.rules("refused", "type = 'pipeline.rejected'", "/node"))
        self.node = ConfiguredNode(self.folder)
        self.addCleanup(lambda: self.node.stop())
        self.write("p.yaml", STARTER.replace("orders.csv", "missing.csv") + rules)
        self.assert_error(self.sluice("submit", "p.yaml", "--to", self.node.address), "file_not_found")
        eventually(lambda: len(titles()) == 3 and self.told("/node"), "both rules")
        self.assertEqual(titles()[2:], [("pipeline.rejected", "submit", "file_not_found")])

    def test_what_is_wrong_in_a_file_of_rules_is_shown(self):
        self.write("wrong.yaml", "channels: { hook: { webhok: { url: x } } }\nnotify: [{ name: a, to: [hok] }]\nfilter: x\n")
        done = self.sluice("notify", "add", "wrong.yaml")
        self.assertEqual(done.returncode, 2)
        for code in ("unknown_component", "unknown_channel", "unknown_key"):
            self.assertIn(f"error[{code}]", done.stderr)
        self.assert_error(self.sluice("notify", "add", "p.yaml"), "unknown_key")
        for rule, code, part in (
                ("absent: 10m", "missing_key", "does not say which events it waits for"),
                ("when: \"type = 'run.succeeded'\", absent: soon", "invalid_duration", "is not a duration"),
                ("when: \"type = 'run.succeeded'\", absent: 10m, group: { wait: 1s }", "invalid_value", "can't have group")):
            self.write("absent.yaml", "channels: { log: { file: out/log } }\n"
                                      f"notify: [{{ name: a, to: [log], {rule} }}]\n")
            self.assert_error(done := self.sluice("notify", "add", "absent.yaml"), code)
            self.assertIn(part, done.stderr)
        self.write("empty.yaml", "channels: {}\n")
        self.assert_error(self.sluice("notify", "add", "empty.yaml"), "missing_key")

    def test_notify_works_at_a_node(self):
        self.node = ConfiguredNode(self.folder)
        self.addCleanup(lambda: self.node.stop())
        self.at_node("submit", "p.yaml", "--wait")
        eventually(lambda: self.told("/node"), "the end")
        eventually(lambda: json.loads(self.at_node("notify", "deliveries", "--json").stdout)[0]["state"] == "delivered", "the delivery")
        tested = json.loads(self.at_node("notify", "test", "hook", "--pipeline", "*", "--json").stdout)
        self.assertTrue(tested["delivered"], tested)
        self.assertEqual(self.told("/node")[-1]["type"], "notification.test")
        made = json.loads(self.at_node("notify", "replay", "*/ends", "--run", "last", "--json").stdout)
        self.assertEqual(made["events"], 1)
        eventually(lambda: "replay" in self.told("/node")[-1], "the replayed event")
        silence = json.loads(self.at_node("notify", "silence", "pipeline = 'orders'", "--for", "1h", "--json").stdout)["id"]
        self.assertIn(silence, self.at_node("notify", "silence", "--list").stdout)
        self.at_node("submit", "p.yaml", "--wait")
        eventually(lambda: json.loads(self.at_node("notify", "deliveries", "--json").stdout)[0]["state"] == "dropped", "the silence")
        self.at_node("notify", "unsilence", silence)
        self.assert_error(self.sluice("notify", "unsilence", silence, "--to", self.node.address), "unknown_silence")
        self.assert_error(self.sluice("notify", "ack", "1a2b3c4d", "--to", self.node.address), "unknown_alert")
        self.at_node("notify", "flush")

    def test_events_that_do_not_come_are_told_and_that_they_come_again(self):
        url = self.receiver.url("/missing")
        self.write("node.yaml", f'channels: {{ out: {{ webhook: {{ url: "{url}", allow_private: true }} }} }}\n'
                   "notify: [{ name: fresh, when: \"type = 'run.succeeded'\", absent: 2s, resolved: true, to: [out] }]\n")
        self.node = ConfiguredNode(self.folder)
        self.addCleanup(lambda: self.node.stop())
        first = eventually(lambda: self.told("/missing"), "that nothing has succeeded")[0]
        self.assertEqual(first["type"], "notification.missing")
        self.assertEqual(first["data"]["title"], "Nothing has come for 2.0 s: rule fresh of all pipelines")
        self.assertEqual(first["data"]["severity"], "error")
        self.assertEqual(first["data"]["events"][0]["data"]["when"], "type = 'run.succeeded'")
        self.at_node("submit", "p.yaml", "--wait")
        told = eventually(lambda: [one for one in self.told("/missing") if one["type"] == "notification.resolved"],
                          "that it is over")[0]
        self.assertEqual(told["data"]["alert"], first["data"]["alert"])
        self.assertEqual(told["data"]["title"], "Resolved: nothing came for 2.0 s: rule fresh of all pipelines")
        self.assertIn("none for 2", self.at_node("notify", "list").stdout)
        self.assertIn("none for 2", self.sluice("notify", "list").stdout)
        self.assertNotIn("events.missing", self.sluice("events", "--json", "-n", "1000").stdout)

    def test_a_heartbeat_comes_as_long_as_somebody_works_on_the_rule(self):
        self.write("alive.yaml", f'channels: {{ out: {{ webhook: {{ url: "{self.receiver.url("/alive")}", allow_private: true }} }} }}\n'
                   "notify: [{ name: alive, heartbeat: 1s, to: [out] }]\n")
        self.assertEqual(self.sluice("notify", "add", "alive.yaml").returncode, 0)
        self.node = RealNode(self.folder)
        self.addCleanup(lambda: self.node.stop())
        eventually(lambda: len(self.told("/alive")) >= 3, "three heartbeats")
        beat = self.told("/alive")[0]
        self.assertEqual((beat["type"], beat["data"]["events"][0]["type"]), ("notification.heartbeat", "heartbeat"))
        ids = [one["id"] for one in self.told("/alive")]
        self.assertEqual(len(ids), len(set(ids)))
        # They are in no log, and one that fails is not tried again.
        self.receiver.answers["/alive"] = lambda *_: (500, {})
        eventually(lambda: any(one["state"] == "dropped" for one in json.loads(self.sluice("notify", "deliveries", "--json").stdout)), "one that failed")
        log = [json.loads(line)["type"] for line in self.sluice("events", "--json", "--limit", "1000").stdout.splitlines()]
        self.assertNotIn("heartbeat", log)


if __name__ == "__main__":
    unittest.main()
