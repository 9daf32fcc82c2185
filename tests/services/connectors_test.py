#!/usr/bin/env python3
"""One list of cases, run with every connector as source and as sink against its real server. tests/services/connectors has
one small file for each connector; a case that does not apply to it says why there."""

import contextlib
import json
import os
import subprocess
import unittest

from command_line import BINARY, PATIENCE, ROOT, SIGINT, CommandLine, eventually
from connectors import ALL, COLUMNS, typed
from cutting_proxy import CuttingProxy, nth

RETRYING = "retry: { attempts: 200, backoff: 100ms, max_backoff: 1s }"
FILE = "ndjson: { path: out.ndjson }"
FOLDER = "ndjson: { path: out/ }\n    mode: append"
SERVERS = contextlib.ExitStack()
STARTED = {}


def tearDownModule():
    SERVERS.close()


def rows(first, last):
    """Of all types, with nulls and text that is not ASCII."""
    return [{"id": i, "name": f"Zoë \"{i}\"", "ok": i % 2 == 0, "amount": i + 0.25, "ratio": 1 / (i + 1), "day": f"2024-02-{i % 29 + 1:02}",
             "at": f"2024-05-01T10:{i % 60:02}:00+00:00", "note": f"note {i}" if i % 3 == 0 else None} for i in range(first, last)]


def of_types(columns):
    return "types: { " + ", ".join(f'{name}: "{kind}"' for name, kind in columns.items()) + " }" if columns else ""


class Cases(CommandLine):
    """What is the same for both roles."""

    connector = role = None

    @classmethod
    def setUpClass(cls):
        kind = cls.connector
        if kind not in STARTED:
            STARTED[kind] = kind(SERVERS)
        cls.of = STARTED[kind]
        cls.retry = RETRYING if cls.of.connected else ""

    def setUp(self):
        super().setUp()
        self.case = self._testMethodName.split("_")[1]
        if why := self.of.not_for.get((self.role, self.case)):
            self.skipTest(f"{self.of.name} as {self.role}: {why}")
        self.place = f"{self.case}_{self.role}"

    def pipeline(self, extract, load, run="", name="p.yaml"):
        """`extract` and `load`: lines of the two units."""
        unit = lambda lines: "".join(f"    {line}\n" for line in lines if line)
        self.write(name, f"version: 1\npipeline: suite\n{run}\nextract:\n  rows:\n{unit(extract)}load:\n  out:\n    from: rows\n{unit(load)}")

    def succeeds(self):
        done = self.sluice("run", "p.yaml", "-q")
        self.assertEqual(done.returncode, 0, done.stderr)

    def fails(self, code, *words):
        done = self.sluice("run", "p.yaml", "-q")
        self.assertIn(done.returncode, (1, 2), done.stderr)
        self.assertIn(f"error[{code}" if code else "error[", done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def arrived(self, count, process):
        """Waits until so many rows of a run that goes on have come to the load unit."""

        def look():
            if process.poll() is not None:
                self.fail(f"it ended: {process.communicate()[1]}")
            record = self.run_record("suite")
            self.assertTrue(record is None or record["state"] not in ("failed", "cancelled"), record)
            units = (record or {}).get("progress", {}).get("units", [])
            return any(unit["unit"] == "out" and unit["in"] >= count for unit in units)

        eventually(look, f"{count} rows at the sink")

    def drained(self, process):
        process.send_signal(SIGINT)
        code, _, err = self.end_of(process)
        self.assertEqual(code, 0, err)

    def until(self, count):
        """Runs a pipeline without end until so many rows have come."""
        process = self.start("run", "p.yaml", "-q")
        self.arrived(count, process)
        self.drained(process)

    def assert_ids(self, found, count, at_least_once=False):
        ids = sorted(int(row["id"]) for row in found)
        if at_least_once:
            ids = sorted(set(ids))
        self.assertEqual(ids, list(range(count)))

    def kills(self, run):
        """Calls `run(environment)` for a run that is killed at a call that changes files: some of its begin, and those of its
        end, where it prepares, decides, commits and notes what it has done."""
        shim, calls = self.folder / "kill_at.so", self.folder / "calls"
        if not shim.exists():
            subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, ROOT / "tests/support/kill_at.c", "-ldl"], check=True)
        counted = {"LD_PRELOAD": str(shim), "SLUICE_CALLS": str(calls)}

        def once(number, **more):
            calls.write_bytes(bytes(4096))
            run(number, {**counted, **more})
            return int.from_bytes(calls.read_bytes()[:4], "little")

        count = once(0)
        self.assertGreater(count, 8)
        for number in sorted({count // 2, count - 6, count - 4, count - 2, count - 1}):
            with self.subTest(call=number):
                once(number, SLUICE_KILL_AT=str(number), SLUICE_KILL_GROUP="1")

    def run_with(self, environment):
        """Runs to its end, or to where it is killed."""
        return subprocess.run([BINARY, "run", "p.yaml", "-q"], cwd=self.folder, env=self.environment(**environment), text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE, start_new_session=True)

    def test_missing_is_told_by_name(self):
        component, code = self.of.missing(self.role)
        self.pipeline_of(component)
        self.fails(code)

    def test_unreachable_server_is_told(self):
        component, code = self.of.unreachable(self.role)
        self.pipeline_of(component, "retry: { attempts: 1, backoff: 10ms }")
        self.fails(code, "127.0.0.1:1")


class AsSource(Cases):
    """Into files, whose own promises other tests hold."""

    role = "source"

    def pipeline_of(self, component, *more, columns=None, into=None, checkpoint=""):
        into = into or (FOLDER if self.of.endless else FILE)
        told = of_types(self.of.columns if columns is None else columns if self.of.columns else {})
        self.pipeline([component, told, *more], [into], f"run: {{ checkpoint: {checkpoint} }}" if checkpoint else "")

    def loaded(self):
        return [json.loads(line) for file in [*self.folder.glob("out/*.ndjson"), *self.folder.glob("out.ndjson")]
                for line in file.read_text().splitlines()]

    def live(self, *more, **how):
        self.pipeline_of(self.of.source(self.place, **how), self.retry, *more, into=FOLDER, checkpoint="200ms")

    def load(self, count, *more, **how):
        """Reads all, and ends."""
        if self.of.endless:
            self.live(*more, **how)
            return self.until(count)
        self.pipeline_of(self.of.source(self.place, **how), *more)
        return self.succeeds()

    def test_types_keep_their_values(self):
        self.of.make(self, self.place)
        self.of.put(self, self.place, rows(0, 60))
        self.load(60)
        found = sorted((typed(row) for row in self.loaded()), key=lambda row: row["id"])
        self.assertEqual(found, [typed(row) for row in rows(0, 60)])

    def test_batches_come_whole(self):
        self.of.make(self, self.place)
        self.of.put(self, self.place, rows(0, self.of.many))
        self.load(self.of.many)
        self.assert_ids(self.loaded(), self.of.many)

    def test_parallel_readers_read_each_row_once(self):
        self.of.make(self, self.place, parts=4)
        self.of.put(self, self.place, rows(0, 5000))
        self.load(5000, "parallelism: 2", parts=4)
        self.assert_ids(self.loaded(), 5000)

    def broken(self, what):
        """Reads while `what` is done to the server, between two halves; a table is read while it is done."""
        self.of.make(self, self.place)
        self.of.put(self, self.place, rows(0, 1000))
        if self.of.endless:
            self.live()
            process = self.start("run", "p.yaml", "-q")
            self.arrived(1000, process)
            what()
            self.of.put(self, self.place, rows(1000, 2000))
            self.arrived(2000, process)
            self.drained(process)
            return self.assert_ids(self.loaded(), 2000)
        proxy = CuttingProxy(self.of.server.port, nth(b"COPY ", 1, lambda: what() or "before"))
        self.addCleanup(proxy.close)
        self.pipeline_of(self.of.source(self.place, through=proxy.port), self.retry)
        self.succeeds()
        self.assertEqual(proxy.cuts, 1)
        return self.assert_ids(self.loaded(), 1000)

    def test_reconnect_goes_on_where_it_was(self):
        self.broken(self.of.cut)

    def test_restart_of_the_server_goes_on_where_it_was(self):
        self.broken(self.of.restart)

    @unittest.skipIf("sanitize" in BINARY, "AddressSanitizer wants to be preloaded first")
    def test_crash_between_two_steps_loads_each_row_once(self):
        def attempt(number, environment):
            self.place, self.state = f"crash_{number}", self.folder / f"state-{number}"
            for file in [*self.folder.glob("out/*"), *self.folder.glob("out.ndjson")]:
                file.unlink()
            self.of.make(self, self.place)
            self.of.put(self, self.place, rows(0, 500))
            component = self.of.source(self.place, once=True)
            endless = self.of.endless and component == self.of.source(self.place)
            self.pipeline_of(component, self.retry, into=FOLDER if endless else FILE,
                             checkpoint="50ms" if self.of.endless else "")
            self.crash_endless(environment) if endless else self.run_with(environment)
            if number:
                self.until_visible(500) if endless else self.succeeds()
            self.assert_ids(self.loaded(), 500)

        self.kills(attempt)

    def crash_endless(self, environment):
        """Until it is killed, or has loaded all."""
        process = subprocess.Popen([BINARY, "run", "p.yaml", "-q"], cwd=self.folder, env=self.environment(**environment), text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        self.started.append(process)
        eventually(lambda: process.poll() is not None or len(self.loaded()) >= 500, "all rows, or a dead process")
        process.send_signal(SIGINT)
        self.end_of(process)

    def until_visible(self, count):
        process = self.start("run", "p.yaml", "-q")
        eventually(lambda: self.running("suite") and len(self.loaded()) >= count, "all rows")
        self.drained(process)

    def test_duplicates_do_not_come_with_the_next_run(self):
        """It goes on behind what was read: by position, by what was acknowledged, or as `incremental:` says."""
        self.of.make(self, self.place)
        component = self.of.source(self.place)
        self.pipeline_of(component, self.of.again, self.retry, into=FOLDER, checkpoint="200ms" if self.of.endless else "")
        for number in range(2):
            self.of.put(self, self.place, rows(number * 100, number * 100 + 100))
            self.until_visible(number * 100 + 100) if self.of.endless else self.succeeds()
        self.assert_ids(self.loaded(), 200)


class AsSink(Cases):
    """Out of files, whose own promises other tests hold."""

    role = "sink"

    def add(self, some, name="a"):
        self.write(f"in/{name}.ndjson", "".join(json.dumps(row) + "\n" for row in some))

    def pipeline_of(self, component, *more, mode=None, own="", checkpoint="", reading=""):
        self.add(rows(0, 60)) if not (self.folder / "in").exists() else None
        follow = ", follow: true" if checkpoint else ""
        self.pipeline([f'ndjson: {{ path: "in/*.ndjson"{follow} }}', of_types(COLUMNS), reading],
                      [component, f"mode: {mode or self.of.mode}", own, *more],
                      f"run: {{ checkpoint: {checkpoint} }}" if checkpoint else "")

    def load(self, *more, **how):
        self.pipeline_of(self.of.sink(self.place), *more, **how)
        self.succeeds()

    def assert_rows(self, count):
        self.assert_ids(self.of.rows(self, self.place), count, self.of.at_least_once)

    def test_types_keep_their_values(self):
        self.of.make(self, self.place)
        self.load()
        found = sorted((typed(row) for row in self.of.rows(self, self.place)), key=lambda row: row["id"])
        self.assertEqual(found, [typed(row) for row in rows(0, 60)])

    def test_batches_come_whole(self):
        self.of.make(self, self.place)
        self.add(rows(0, self.of.many))
        self.load()
        self.assert_ids(self.of.rows(self, self.place), self.of.many)

    def test_parallel_units_above_have_each_row_written_once(self):
        self.of.make(self, self.place, parts=4)
        for number in range(4):
            self.add(rows(number * 1250, number * 1250 + 1250), f"part{number}")
        self.load(reading="parallelism: 2")
        self.assert_ids(self.of.rows(self, self.place), 5000)

    def broken(self, what):
        """Writes while `what` is done to the server, between two halves."""
        self.of.make(self, self.place)
        self.add(rows(0, 1000))
        self.pipeline_of(self.of.sink(self.place), self.retry, checkpoint="200ms")
        process = self.start("run", "p.yaml", "-q")
        self.arrived(1000, process)
        what()
        self.add(rows(1000, 2000), "b")
        self.arrived(2000, process)
        self.drained(process)
        self.assert_rows(2000)

    def test_reconnect_loses_nothing(self):
        self.broken(self.of.cut)

    def test_restart_of_the_server_loses_nothing(self):
        self.broken(self.of.restart)

    @unittest.skipIf("sanitize" in BINARY, "AddressSanitizer wants to be preloaded first")
    def test_crash_between_two_steps_loads_each_row_once(self):
        self.add(rows(0, 500))

        def attempt(number, environment):
            self.place, self.state = f"crash_into_{number}", self.folder / f"state-{number}"
            self.of.make(self, self.place)
            self.pipeline_of(self.of.sink(self.place), self.retry, reading="incremental: { by: file }")
            self.run_with(environment)
            # The next run makes visible what is due, or takes what was not loaded; the one after it has nothing to do.
            for _ in range(2 if number else 0):
                self.succeeds()
            self.assert_rows(500)

        self.kills(attempt)

    def test_duplicates_are_merged_by_the_mode(self):
        self.of.make(self, self.place)
        key = ""
        if self.of.merging == "upsert":
            self.pipeline_of(self.of.sink(self.place).replace(", create: never", "").replace(self.place, f"{self.place}_2"))
            self.place, key = f"{self.place}_2", "key: [id]"
        for _ in range(2):
            self.pipeline_of(self.of.sink(self.place).replace(", create: never", ""), mode=self.of.merging, own=key)
            self.succeeds()
        self.assert_rows(60)


def load_tests(loader, _tests, _pattern):
    """Every case of both roles for every connector, in the order of the connectors: a server is started once."""
    suite = unittest.TestSuite()
    for connector in ALL:
        for role in (AsSource, AsSink):
            name = f"{connector.__name__}{role.__name__}"
            suite.addTests(loader.loadTestsFromTestCase(type(name, (role,), {"connector": connector, "__module__": __name__})))
    return suite


if __name__ == "__main__":
    os.chdir(ROOT)
    unittest.main()
