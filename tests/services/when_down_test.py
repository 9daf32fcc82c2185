#!/usr/bin/env python3
"""when_down of a load unit, with a real PostgreSQL that is stopped and started: the other branches go on, `status` says what
is down, and each row is loaded once and in order, whatever is killed meanwhile."""

import json
import signal
import subprocess
import unittest

from command_line import BINARY, PATIENCE, CommandLine, eventually
from processes import kill_with_children
from postgres_server import SCRIPT, Server

PIPELINE = """\
version: 1
pipeline: branches
run: {{ checkpoint: 200ms }}
extract:
  numbers:
    generate: {{ rate: 5000, columns: {{ id: sequence }} }}
load:
  files:
    from: numbers
    ndjson: {{ path: out/ }}
  table:
    from: numbers
    postgres: {{ url: "{url}", table: {table} }}
    mode: append
    retry: {{ backoff: 100ms, max_backoff: 300ms, attempts: 2 }}
    when_down: {rule}
"""


class WhenDown(CommandLine):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server())

    def setUp(self):
        super().setUp()
        self.up = True
        self.addCleanup(self.start_server)
        self.table = self.id().rsplit(".", 1)[-1][5:45]
        self.url = f"postgresql://postgres@127.0.0.1:{self.server.port}/postgres"

    def pipeline(self, rule="{ spill: 1GiB }"):
        self.write("p.yaml", PIPELINE.format(url=self.url, table=self.table, rule=rule))

    def stop_server(self):
        subprocess.run([SCRIPT, "stop", self.server.folder, str(self.server.port)], check=True, capture_output=True)
        self.up = False

    def start_server(self):
        if self.up:
            return
        with open(self.server.folder / "again.log", "w") as log:
            subprocess.run([SCRIPT, "start", self.server.folder, str(self.server.port)], check=True, stdout=log, stderr=log)
        self.up = True

    def begin(self):
        process = subprocess.Popen([BINARY, "run", "p.yaml", "--progress", "none"], cwd=self.folder, env=self.environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.started.append(process)
        return process

    def kill(self, process):
        kill_with_children(process.pid)
        process.communicate(timeout=PATIENCE)

    def drain(self, process):
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, out)

    def in_files(self):
        count = 0
        for part in (self.folder / "out").glob("part-*"):
            try:
                count += part.read_text().count("\n")
            except FileNotFoundError:
                pass
        return count

    def in_table(self):
        connection = self.server.connect()
        try:
            if connection.run(f"select to_regclass('{self.table}')") == [(None,)]:
                return []
            # The order in which they were loaded: nothing is updated or removed.
            return [int(row[0]) for row in connection.run(f"select id from {self.table} order by ctid")]
        finally:
            connection.close()

    def until(self, what, look, process):
        def alive():
            if process.poll() is not None:
                self.fail(process.communicate()[0])
            return look()
        return eventually(alive, what)

    def unit(self):
        """What status says of the table's unit."""
        told = self.sluice("status", "branches", "--json")
        if told.returncode != 0:
            return {}
        units = json.loads(told.stdout).get("progress", {}).get("units", [])
        return next((unit for unit in units if unit["unit"] == "table"), {})

    def check(self):
        ids = self.in_table()
        self.assertEqual(ids, list(range(1, len(ids) + 1)), "lost, repeated or out of order")
        self.assertEqual(len(ids), self.in_files())
        record = self.run_record("branches")
        table = next(unit for unit in record["summary"]["units"] if unit["unit"] == "table")
        self.assertEqual((table["out"], table["in"], table.get("waiting", 0)), (len(ids), len(ids), 0))
        self.assertTrue(record["summary"]["balanced"])

    def test_rows_wait_on_disk_while_the_server_is_stopped(self):
        self.pipeline()
        process = self.begin()
        self.until("rows in the table", self.in_table, process)
        self.stop_server()
        before = self.in_files()
        self.until("the other branch goes on", lambda: self.in_files() > before + 5000, process)
        down = self.until("status says so", lambda: self.unit().get("down"), process)
        self.assertIn("127.0.0.1", down["message"])
        # What the table does not have yet is not loaded.
        first = self.until("rows wait", lambda: (unit := self.unit()).get("waiting") and unit, process)
        later = self.until("more wait", lambda: (unit := self.unit()).get("waiting", 0) > first["waiting"] + 1000 and unit, process)
        self.assertEqual(later["out"], first["out"])
        self.assertIn("rows wait on disk", self.sluice("status", "branches").stdout)
        self.assertGreater(down["since"], 1_600_000_000_000_000)
        self.assertIn("not reached since", self.sluice("status", "branches").stdout)
        self.assertGreater(len(list((self.folder / "state/spill/when_down/branches").glob("*/w_*"))), 1)
        self.start_server()
        self.until("it is reached again", lambda: not self.unit().get("down", {}), process)
        self.drain(process)
        self.check()
        types = [json.loads(line)["type"] for line in self.sluice("events", "last", "--json").stdout.splitlines()]
        self.assertLess(types.index("unit.down"), types.index("unit.reached"))
        self.assertEqual(list((self.folder / "state/spill/when_down/branches").glob("*/[ws]_*")), [])

    def test_kills_while_the_server_is_stopped_lose_and_repeat_nothing(self):
        self.pipeline()
        process = self.begin()
        self.until("rows in the table", self.in_table, process)
        for turn in range(3):
            self.stop_server()
            before = self.in_files()
            self.until("the other branch goes on", lambda: self.in_files() > before + 2000, process)
            self.kill(process)
            process = self.begin()  # the server is still away
            before = self.in_files()
            self.until("it goes on without the server", lambda: self.in_files() > before + 2000, process)
            self.start_server()
            if turn == 1:
                self.kill(process)  # while it loads what has waited, or just before
                process = self.begin()
            before = len(self.in_table())
            self.until("rows are loaded again", lambda: len(self.in_table()) > before, process)
        self.drain(process)
        self.check()

    def test_a_run_that_ends_waits_for_the_server_and_else_is_finished_by_the_next_one(self):
        self.write("p.yaml", PIPELINE.format(url=self.url, table=self.table, rule="{ spill: 1GiB }")
                   .replace("run: { checkpoint: 200ms }\n", "").replace("rate: 5000", "rows: 3000"))
        self.stop_server()
        process = self.begin()
        self.until("its other output is there", lambda: self.in_files() == 3000, process)
        self.kill(process)
        self.start_server()
        self.assertEqual(self.sluice("run", "p.yaml", "-q").returncode, 0)
        # The rows of the run that was killed, and those of the one that made them visible.
        self.assertEqual(self.in_table(), list(range(1, 3001)) * 2)

    def test_block_waits_for_the_server_and_fail_does_not(self):
        self.pipeline("block")
        process = self.begin()
        self.until("rows in the table", self.in_table, process)
        self.stop_server()
        self.until("status says so", lambda: self.unit().get("down"), process)
        self.start_server()
        before = len(self.in_table())
        self.until("rows are loaded again", lambda: len(self.in_table()) > before, process)
        self.drain(process)
        self.check()
        # Stopped before it begins: a commit that was decided would be tried for two minutes.
        self.stop_server()
        self.pipeline("fail")
        process = self.begin()
        out, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 1, out)
        self.assertIn("after 3 tries", out)

    def test_a_log_that_was_damaged_is_found(self):
        self.pipeline()
        process = self.begin()
        self.until("rows in the table", self.in_table, process)
        self.stop_server()
        waiting = lambda: sorted((self.folder / "state/spill/when_down/branches").glob("*/w_*"))
        self.until("rows wait", lambda: len(waiting()) > 2, process)
        self.kill(process)
        with open(waiting()[1], "r+b") as file:
            file.seek(100)
            file.write(b"damaged")
        self.start_server()
        done = self.sluice("run", "p.yaml")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("error[commit_refused]", done.stderr)
        self.assertIn("can't be loaded", done.stderr)
        ids = self.in_table()
        self.assertEqual(ids, list(range(1, len(ids) + 1)), "nothing of the damaged file, and nothing behind it")

    def test_what_can_not_be_had_is_refused(self):
        for rule, more, says in (("{ spill: 1GiB }\n    on_error: reject", "", "can't be had together"),
                                 ("{ spill: some }", "", "size"), ("later", "", "block")):
            with self.subTest(rule):
                self.pipeline(rule)
                done = self.sluice("validate", "p.yaml")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(says, done.stderr)
        self.write("p.yaml", PIPELINE.format(url=self.url, table=self.table, rule="fail").replace(
            "ndjson: { path: out/ }", "ndjson: { path: out/ }\n    when_down: { spill: 1GiB }"))
        done = self.sluice("validate", "p.yaml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("when_down: { spill } of ndjson is not supported yet", done.stderr)


if __name__ == "__main__":
    unittest.main()
