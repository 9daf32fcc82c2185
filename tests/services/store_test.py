"""The Store in a PostgreSQL database: the tests of every Store, several processes, lost answers, nodes that die."""

import json
import os
import signal
import subprocess
import threading
import time
import unittest
import urllib.request

from command_line import BINARY, ENDLESS, ORDERS, PATIENCE, ROOT, STARTER, CommandLine, eventually, events
from cutting_proxy import CuttingProxy, nth
from postgres_server import Server

# Takes checkpoints, and goes on behind them.
LIVE = ENDLESS.replace("version: 1", "version: 1\nrun: { checkpoint: 200ms }").replace(
    "out/numbers.ndjson", "out/").replace("rows: 1000000000, ", "")
ENGINE = os.environ.get("SLUICE_TEST_ENGINE", str(ROOT / "build/tests/test_engine"))
SERVICES = os.environ.get("SLUICE_TEST_SERVICES", str(ROOT / "build/tests/test_services"))


class StoreInPostgres(CommandLine):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server())
        # The server's machine does not crash here, and the disk is shared with other tests.
        database = cls.server.connect()
        database.run("alter system set fsync = off")
        database.run("select pg_reload_conf()")
        database.close()

    def setUp(self):
        super().setUp()
        self.database = self.server.connect()
        self.addCleanup(lambda: self.database.close())
        self.database.run("drop schema if exists sluice cascade")
        self.port = self.server.port

    def url(self, port=None):
        return f"postgresql://postgres@127.0.0.1:{port or self.port}/postgres"

    def environment(self, **more):
        return super().environment(**{"SLUICE_STATE": self.url(), "SLUICE_STATE_FOLDER": str(self.state), **more})

    def program(self, path, *words, **more):
        return subprocess.Popen([path, *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env={**os.environ, "SLUICE_TEST_STORE": self.url(), **more})

    def proxy(self, when=lambda piece: None):
        made = CuttingProxy(self.server.port, when)
        self.addCleanup(made.close)
        self.port = made.port
        return made

    def start_node(self, *words):
        with open(self.folder / "node.log", "a") as log:
            node = subprocess.Popen([BINARY, "node", "--json", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", *words],
                                    cwd=self.folder, env=self.environment(), text=True, stdout=subprocess.PIPE, stderr=log)
        self.started.append(node)
        return node

    def ready(self, node):
        line = node.stdout.readline()
        self.assertTrue(line, (self.folder / "node.log").read_text())
        self.listens = json.loads(line)["listen"]
        return json.loads(line)["http"]

    def log(self):
        return (self.folder / "node.log").read_text()

    def cursors(self):
        return [int(row[0]) for row in self.database.run("select cursor from sluice.events order by cursor")]

    def test_all_that_every_store_promises(self):
        for program, tests in ((ENGINE, "[store]"), (SERVICES, "[postgres-store]")):
            with self.subTest(tests):
                done = self.program(program, tests)
                out, _ = done.communicate(timeout=PATIENCE)
                self.assertEqual(done.returncode, 0, out)

    def test_events_of_several_processes_are_read_once_and_in_order(self):
        self.assertEqual(self.sluice("runs").returncode, 0)
        seen, over = [], threading.Event()
        watching = self.server.connect()

        def read():
            while True:
                last = over.is_set()
                after = seen[-1] if seen else 0
                seen.extend(int(row[0]) for row in watching.run(
                    f"select cursor from sluice.events where cursor > {after} order by cursor limit 100"))
                if last:
                    return

        reader = threading.Thread(target=read)
        reader.start()
        writers = [self.program(SERVICES, "[.store-writer]", SLUICE_TEST_RUN=f"r{at}", SLUICE_TEST_COUNT="25",
                                SLUICE_TEST_THREADS="4") for at in range(4)]
        ends = [(each.communicate(timeout=PATIENCE)[0], each.returncode) for each in writers]
        over.set()
        reader.join()
        watching.close()
        for out, code in ends:
            self.assertEqual(code, 0, out)
        # Reading page by page sees every event once, without a gap.
        self.assertEqual(len(seen), 400)
        self.assertEqual(seen, list(range(1, 401)))

    def test_who_asks_a_node_skips_no_event_of_a_writer_whose_commit_is_held_back(self):
        self.write("orders.csv", ORDERS)
        self.write("p.yaml", STARTER)
        node = self.start_node()
        to = self.ready(node)
        self.assertEqual(self.sluice("submit", "p.yaml", "--wait", "--to", to).returncode, 0)
        before = self.cursors()[-1]
        token = (self.state / "token").read_text().strip()

        def ask(after, wait):
            request = urllib.request.Request(f"http://{to}/v1/events?after={after}&wait={wait}",
                                             headers={"Authorization": f"Bearer {token}"})
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return [event["data"]["cursor"] for event in json.loads(answer.read())["events"]]

        held = self.server.connect()
        self.addCleanup(held.close)
        held.run("begin")
        held.run("select 1 from sluice.store for update")
        ((newest,),) = held.run("select cursor from sluice.store")
        cursor = int(newest) + 1
        held.run("insert into sluice.events (cursor, run, sequence, type, unit, time, data) "
                 f"values ({cursor}, '', (select coalesce(max(sequence), 0) + 1 from sluice.events where run = ''), 'held', '', 1, '{{}}')")
        held.run(f"update sluice.store set cursor = {cursor}")
        # Another writer, in a process of its own, that comes while the commit is held back.
        run = self.start("run", "p.yaml", "-q")
        eventually(lambda: self.database.run("select 1 from pg_stat_activity where wait_event_type = 'Lock'"), "the other writer waits")
        seen = []
        while found := ask(([before] + seen)[-1], "0s"):
            seen += found
        self.assertLess(([before] + seen)[-1], cursor)  # neither of them
        held.run("commit")
        self.assertEqual(self.end_of(run)[0], 0)
        last = self.cursors()[-1]
        while seen[-1:] != [last]:
            seen += ask(([before] + seen)[-1], "20s")
        self.assertEqual(seen, list(range(before + 1, last + 1)))
        node.send_signal(signal.SIGTERM)
        self.assertEqual(node.wait(PATIENCE), 0, self.log())

    def test_the_command_line_works_as_with_a_file(self):
        self.write("orders.csv", ORDERS)
        self.write("p.yaml", STARTER)
        self.assertEqual(self.sluice("runs").stderr, f"no runs in postgresql://127.0.0.1:{self.port}/postgres\n")
        for _ in range(2):
            done = self.sluice("run", "p.yaml", "-q")
            self.assertEqual(done.returncode, 0, done.stderr)
        runs = json.loads(self.sluice("runs", "--json").stdout)
        self.assertEqual([run["state"] for run in runs], ["succeeded", "succeeded"])
        told = events(self.sluice("events", "--json").stdout)
        self.assertEqual([each["data"]["cursor"] for each in told], self.cursors())
        self.assertEqual(self.sluice("rejects", "last").returncode, 0)
        self.assertFalse((self.state / "sluice.db").exists())
        self.assertTrue((self.state / "runs" / runs[0]["id"] / "rejects.ndjson").exists())
        gone = json.loads(self.sluice("prune", "--older-than", "0s", "--json").stdout)
        self.assertEqual(gone["runs"], [runs[1]["id"]])
        self.assertEqual(len(json.loads(self.sluice("runs", "--json").stdout)), 1)

    def test_a_commit_whose_answer_is_lost_is_settled_by_asking_the_server(self):
        self.write("orders.csv", ORDERS)
        self.write("p.yaml", STARTER)
        for verdict in ("before", "after"):
            for number in (1, 2, 3):
                with self.subTest(verdict=verdict, number=number):
                    # Only transactions in which events are written, cut at their COMMIT.
                    proxy = self.proxy(nth(b"UPDATE store SET cursor", number, verdict))
                    done = self.sluice("run", "p.yaml", "-q")
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual(proxy.cuts, 1)
                    self.port = self.server.port
                    told = events(self.sluice("events", "last", "--json").stdout)
                    self.assertEqual([each["data"]["sequence"] for each in told], list(range(1, len(told) + 1)))
                    self.assertEqual(sum(each["type"] == "run.succeeded" for each in told), 1)
        self.assertEqual(self.cursors(), list(range(1, len(self.cursors()) + 1)))

    def test_a_server_that_restarts_is_waited_for(self):
        self.write("p.yaml", LIVE)
        run = self.start("run", "p.yaml", "--json")
        self.running()
        script = ROOT / "tests/services/postgres.sh"
        self.database.close()
        for action in ("stop", "start"):
            subprocess.run([script, action, self.server.folder, str(self.server.port)], check=True, capture_output=True)
        self.database = self.server.connect()
        before = self.database.run("select max(cursor) from sluice.events")
        eventually(lambda: self.database.run("select max(cursor) from sluice.events") != before, "events go on")
        run.send_signal(signal.SIGINT)
        code, out, err = self.end_of(run)
        self.assertEqual(code, 0 if "run.drained" in out else 130, err)
        self.assertNotIn("run.failed", out)

    def test_a_node_that_is_killed_goes_on_when_it_is_started_again(self):
        self.write("p.yaml", LIVE)
        node = self.start_node()
        to = self.ready(node)
        sent = self.sluice("submit", "p.yaml", "--to", to)
        self.assertEqual(sent.returncode, 0, sent.stderr)
        self.running()
        follower = self.start("watch", "endless", "--to", to, "--json")
        eventually(lambda: self.database.run("select 1 from sluice.commits where state = 'committed'"), "a checkpoint")
        node.kill()
        node.wait(PATIENCE)
        follower.kill()
        followed = events(follower.communicate()[0])
        # The node's own events belong to no run.
        own = [int(row[0]) for row in self.database.run("select cursor from sluice.events where run <> '' order by cursor")]
        self.assertEqual([each["data"]["cursor"] for each in followed], own[:len(followed)])
        node = self.start_node()
        self.ready(node)
        eventually(lambda: "continues here" in self.log() or "run.restarting" in self.log(), "the run goes on")
        eventually(lambda: (self.run_record("endless") or {}).get("state") == "running", "the run is running")
        node.send_signal(signal.SIGTERM)
        self.assertEqual(node.wait(PATIENCE), 0, self.log())

    def test_a_second_controller_stands_by_and_takes_over(self):
        self.write("p.yaml", LIVE)
        first = self.start_node()
        to = self.ready(first)
        self.assertEqual(self.sluice("submit", "p.yaml", "--to", to).returncode, 0)
        self.running()
        worker = self.start_node("--join", self.listens, "--name", "w")
        self.ready(worker)
        second = self.start_node("--name", "second")
        eventually(lambda: "standing by: node " in self.log(), "the second stands by")
        third = self.start_node()
        eventually(lambda: self.log().count("standing by: node ") == 2, "the third stands by")
        # One that stands by ends at once.
        third.send_signal(signal.SIGTERM)
        self.assertEqual(third.wait(PATIENCE), 0, self.log())
        eventually(lambda: self.database.run("select 1 from sluice.commits where state = 'committed'"), "a checkpoint")
        # It hangs: its lease is on the server, and its runs go on at the next one.
        first.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        self.ready(second)
        print(f"the second controller led {time.monotonic() - stopped:.2f} s after the first one was stopped")
        first.send_signal(signal.SIGCONT)
        self.assertEqual(first.wait(PATIENCE), 1, self.log())
        self.assertIn("lead_lost", self.log())
        eventually(lambda: (self.run_record("endless") or {}).get("state") == "running", "the run is running")
        self.assertEqual(self.database.run("select count(*) from sluice.runs"), [("1",)])
        eventually(lambda: "joined node second again" in self.log(), "the worker finds the new controller")
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(PATIENCE), 0, self.log())
        second.send_signal(signal.SIGTERM)
        self.assertEqual(second.wait(PATIENCE), 0, self.log())

    def test_what_is_wrong_is_said(self):
        refused = [("postgresql://postgres@127.0.0.1:1/postgres", "store_unavailable", 1, "cannot connect to 127.0.0.1:1/postgres"),
                   (self.url() + "x", "store_unavailable", 2, "database"),
                   ("postgresql://a@[x/d", "invalid_url", 2, "postgresql://user:password@host"),
                   ("mysql://host/db", "bad_arguments", 2, "--state must be a folder or postgresql://")]
        for state, code, exit_code, text in refused:
            with self.subTest(state):
                done = self.sluice("runs", env={"SLUICE_STATE": state})
                self.assertIn(text, self.assert_error(done, code, exit_code))
        done = self.sluice("runs", env={"SLUICE_STATE": str(self.state)})
        self.assertIn("--state-folder is for a Store in a database", self.assert_error(done, "bad_arguments"))
        self.database.run("create role reader login")
        done = self.sluice("runs", env={"SLUICE_STATE": f"postgresql://reader@127.0.0.1:{self.server.port}/postgres"})
        self.assertIn("permission denied", self.assert_error(done, "store_unavailable"))
        self.database.run("drop role reader")


if __name__ == "__main__":
    unittest.main()
