"""Runs that survive by themselves: `run: { retry: ... }` after kills of the engine, and `sluice pause` and `resume`."""

import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import unittest

from command_line import BINARY, PATIENCE, CommandLine, eventually
from processes import children, has_ended

LIVE = """\
version: 1
pipeline: live
run: { checkpoint: 200ms, retry: { attempts: 9, backoff: 20ms, max_backoff: 100ms } }
extract:
  numbers:
    generate: { rate: 20000, columns: { id: sequence } }
transform:
  some:
    from: numbers
    filter: "id % 3 <> 0"
load:
  out:
    from: some
    ndjson: { path: out/live/ }
"""

BOUNDED = """\
version: 1
pipeline: bounded
run: { retry: { attempts: 3, backoff: 20ms } }
extract:
  numbers:
    generate: { rows: 40000, rate: 20000, columns: { id: sequence } }
load:
  out:
    from: numbers
    csv: { path: out/all.csv }
"""

# More than its control group may have.
HUNGRY = """\
version: 1
pipeline: hungry
run: { memory: 8GiB }
extract:
  numbers: { generate: { rows: 40000000, columns: { id: sequence, t: { text: 100 } } } }
transform:
  sorted: { from: numbers, sort: [t] }
load:
  out: { from: sorted, csv: { path: out.csv } }
"""


def own_memory_group():
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return pathlib.Path("/sys/fs/cgroup/memory" + path.rstrip("/"))
    return pathlib.Path("/nowhere")


MEMORY_GROUPS = own_memory_group()


def may_limit_memory():
    group = MEMORY_GROUPS / f"sluice-test-{os.getpid()}"
    try:
        group.mkdir()
        group.rmdir()
    except OSError:
        return False
    return True


# Units that hold rows by key: groups, windows, the build side of a join. GENERATED stands for rows or rate.
SCALED = """\
version: 1
pipeline: scaled
run: { checkpoint: 200ms }
params: { db: { type: text } }
extract:
  numbers:
    generate: { GENERATED, columns: { id: sequence, at: { sequence: { start: "2024-01-01T00:00:00Z", step: 1s } } } }
    time: { column: at }
  weights: { csv: { path: weights.csv }, types: { k: bigint, weight: double } }
transform:
  keyed: { from: numbers, derive: { k: "id % 97" }, parallelism: 2 }
  joined: { from: [keyed, weights], join: { how: left, using: [k] } }
  per_key:
    from: joined
    aggregate: { by: [k], compute: { n: "count(*)", s: "sum(weight * sqrt(id))", d: "count(distinct id % 13)", last: "max(id)" } }
  per_hour:
    from: joined
    aggregate: { by: [k], window: { tumble: 1h }, compute: { n: "count(*)", s: "sum(sqrt(id))" } }
load:
  keys: { from: per_key, sqlite: { path: "${db}", table: keys }, mode: upsert, key: [k] }
  hours: { from: per_hour, sqlite: { path: "${db}", table: hours }, mode: upsert, key: [k, window_start] }
"""


class Restarts(CommandLine):
    def begin(self, file="p.yaml", *more, **how):
        process = subprocess.Popen([BINARY, "run", file, "--progress", "none", *more], cwd=self.folder, env=self.environment(),
                                   stdin=how.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        self.started.append(process)
        return process

    def engine_of(self, process, other_than=0):
        """The engine is the child of the process that was started."""
        def look():
            if process.poll() is not None:
                self.fail("ended early: " + "".join(process.communicate()))
            return [one for one in children(process.pid) if one != other_than]
        return eventually(look, "the engine's process")[0]

    def rows(self):
        rows = []
        for part in sorted((self.folder / "out/live").glob("part-*")):
            rows += [json.loads(line)["id"] for line in part.read_text().splitlines()]
        return rows

    def run_record(self):
        found = json.loads(self.sluice("runs", "-n", "1", "--json").stdout or "[]")
        return found[0] if found else {"state": "", "id": ""}

    def running(self, process):
        eventually(lambda: process.poll() is not None or self.run_record()["state"] == "running", "the run is running")

    def events(self, type_=None):
        all_ = [json.loads(line) for line in self.sluice("events", "last", "--json").stdout.splitlines()]
        return [one for one in all_ if type_ is None or one["type"] == type_]

    def end_of(self, process):
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err

    def test_a_run_goes_on_by_itself_each_time_its_engine_is_killed(self):
        self.write("p.yaml", LIVE)
        process = self.begin()
        engine = 0
        for _ in range(4):
            before = len(self.rows())
            engine = self.engine_of(process, other_than=engine)
            eventually(lambda: len(self.rows()) > before, "a checkpoint")
            os.kill(engine, signal.SIGKILL)
        before = len(self.rows())
        eventually(lambda: len(self.rows()) > before, "rows come again")
        self.running(process)
        process.send_signal(signal.SIGINT)
        code, _, err = self.end_of(process)
        self.assertEqual(code, 0, err)
        ids = self.rows()
        self.assertEqual(ids, [i for i in range(1, max(ids) + 1) if i % 3], "lost or repeated rows")
        run = self.run_record()
        self.assertEqual(len(json.loads(self.sluice("runs", "--json").stdout)), 1, "it is one run")
        self.assertEqual(run["state"], "succeeded")
        self.assertNotIn("cause", run)
        self.assertTrue(run["summary"]["balanced"])
        self.assertEqual(run["summary"]["attempt"], 5)
        units = {unit["unit"]: unit for unit in run["summary"]["units"]}
        self.assertEqual(units["out"]["out"], len(ids), "counts go on")
        restarting = self.events("run.restarting")
        self.assertEqual([one["data"]["attempt"] for one in restarting], [2, 3, 4, 5])
        for one in restarting:
            self.assertEqual(one["data"]["cause"]["code"], "engine_killed")
            self.assertEqual(one["data"]["process"]["signal"], signal.SIGKILL)
            self.assertGreater(one["data"]["process"]["peak_memory"], 1_000_000)
            self.assertGreater(one["data"]["epoch"], 0)
        self.assertTrue(any("run started" in line for line in restarting[0]["data"]["process"]["log"]))
        recovered = self.events("run.recovered")
        self.assertEqual([one["data"]["epoch"] for one in recovered], [one["data"]["epoch"] for one in restarting])
        self.assertIn("tried again", err)

    def test_a_bounded_run_starts_again_where_nothing_was_published(self):
        self.write("p.yaml", BOUNDED)
        process = self.begin("p.yaml", "--json")
        engine = self.engine_of(process)
        self.running(process)
        os.kill(engine, signal.SIGKILL)
        code, out, err = self.end_of(process)
        self.assertEqual(code, 0, err)
        lines = (self.folder / "out/all.csv").read_text().splitlines()
        self.assertEqual(lines, ["id"] + [str(i) for i in range(1, 40001)])
        told = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([one["data"]["sequence"] for one in told], list(range(1, len(told) + 1)), "each event once")
        self.assertEqual(told[-1]["type"], "run.succeeded")
        self.assertIn("run.recovered", [one["type"] for one in told])
        self.assertEqual([name for name in os.listdir(self.folder / "out") if name.startswith(".")], [])

    @unittest.skipUnless(may_limit_memory(), "control groups with limits can't be made here")
    def test_an_engine_that_the_oom_killer_ends_is_told_from_one_that_was_killed(self):
        group = MEMORY_GROUPS / f"sluice-test-{os.getpid()}"
        group.mkdir()
        self.addCleanup(group.rmdir)
        (group / "memory.limit_in_bytes").write_text(str(192 << 20))
        self.write("p.yaml", HUNGRY)
        process = subprocess.Popen(["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$0" run p.yaml --progress none', BINARY],
                                   cwd=self.folder, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        _, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 1, err)
        self.assertIn("OOM killer", err)
        last = self.events()[-1]
        self.assertEqual((last["type"], last["data"]["cause"]["code"]), ("run.failed", "engine_killed"))
        self.assertIn(last["data"]["process"]["out_of_memory"], ["yes", "likely"])
        self.assertGreater(last["data"]["process"]["peak_memory"], 100 << 20)
        eventually(lambda: not (group / "cgroup.procs").read_text(), "the group is empty")

    def test_a_run_fails_with_its_first_cause_when_all_tries_are_killed(self):
        self.write("p.yaml", BOUNDED.replace("attempts: 3", "attempts: 1"))
        process = self.begin()
        engine = 0
        for _ in range(2):
            engine = self.engine_of(process, other_than=engine)
            self.running_engine(engine)
            os.kill(engine, signal.SIGKILL)
        code, _, err = self.end_of(process)
        self.assertEqual(code, 1, err)
        last = self.events()[-1]
        self.assertEqual(last["type"], "run.failed")
        self.assertEqual(last["data"]["cause"]["code"], "engine_killed")
        self.assertEqual(last["data"]["process"]["signal"], signal.SIGKILL)
        self.assertGreater(last["data"]["process"]["peak_memory"], 1_000_000)
        self.assertTrue(last["data"]["process"]["log"])
        self.assertIn(last["data"]["process"]["out_of_memory"], ["no", "unknown"])
        self.assertEqual(len(self.events("run.restarting")), 1)
        self.assertFalse((self.folder / "out/all.csv").exists())

    def running_engine(self, engine):
        eventually(lambda: self.run_record().get("pid") == engine and self.run_record()["state"] == "running", "it runs")

    def test_what_the_user_has_to_mend_is_not_tried_again(self):
        self.write("in.csv", "id\n1\n2\nthree\n")
        self.write("p.yaml", "version: 1\npipeline: bad\nrun: { retry: { attempts: 5, backoff: 10ms } }\nextract:\n"
                             "  rows: { csv: { path: in.csv }, types: { id: bigint }, on_error: fail }\n"
                             "load:\n  out: { from: rows, csv: { path: out.csv } }\n")
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(self.events("run.restarting"), [])

    def test_standard_input_can_not_be_read_again_and_the_run_says_so(self):
        self.write("p.yaml", "version: 1\npipeline: piped\nrun: { retry: { attempts: 5, backoff: 10ms } }\nextract:\n"
                             "  rows: { csv: { path: \"-\" }, types: { id: bigint } }\n"
                             "load:\n  out: { from: rows, csv: { path: out.csv } }\n")
        process = self.begin(stdin=subprocess.PIPE)
        process.stdin.write("id\n" + "".join(f"{i}\n" for i in range(200000)))
        process.stdin.flush()
        self.running(process)
        os.kill(self.engine_of(process), signal.SIGKILL)
        code, _, err = self.end_of(process)
        self.assertEqual(code, 1, err)
        self.assertIn("engine_killed", err)
        self.assertIn("can be read only once", err)
        self.assertFalse((self.folder / "out.csv").exists())

    def test_a_paused_run_waits_and_goes_on_behind_its_checkpoint(self):
        self.write("p.yaml", LIVE)
        process = self.begin()
        self.running(process)
        eventually(lambda: len(self.rows()) > 1000, "rows")
        self.assertEqual(self.sluice("pause", "live").returncode, 0)
        eventually(lambda: self.run_record()["state"] == "paused", "the run is paused")
        self.assertIn("paused", self.sluice("status", "live").stdout)
        rows = self.rows()
        again = self.sluice("pause", "live")
        self.assertEqual(again.returncode, 2, again.stderr)
        self.assertEqual(self.sluice("resume", "live").returncode, 0)
        eventually(lambda: len(self.rows()) > len(rows), "rows come again")
        self.running(process)
        self.assertEqual(self.sluice("resume", "live").returncode, 2, "it is not paused")
        process.send_signal(signal.SIGINT)
        code, _, err = self.end_of(process)
        self.assertEqual(code, 0, err)
        ids = self.rows()
        self.assertEqual(ids, [i for i in range(1, max(ids) + 1) if i % 3], "lost or repeated rows")
        types = [one["type"] for one in self.events()]
        self.assertLess(types.index("run.paused"), types.index("run.resumed"))
        self.assertNotIn("run.restarting", types)
        self.assertNotIn("failures", self.run_record()["summary"])

    def test_a_paused_run_whose_engine_is_killed_stays_paused(self):
        self.write("p.yaml", LIVE)
        process = self.begin()
        self.running(process)
        eventually(lambda: len(self.rows()) > 1000, "rows")
        self.assertEqual(self.sluice("pause", "live").returncode, 0)
        eventually(lambda: self.run_record()["state"] == "paused", "the run is paused")
        rows = self.rows()
        engine = self.engine_of(process)
        os.kill(engine, signal.SIGKILL)
        second = self.engine_of(process, other_than=engine)
        eventually(lambda: self.run_record().get("pid") == second, "the next process has the run")
        self.assertEqual(self.run_record()["state"], "paused")
        self.assertEqual(self.rows(), rows)
        eventually(lambda: self.sluice("resume", "live").returncode == 0, "it can be resumed")
        eventually(lambda: len(self.rows()) > len(rows), "rows come again")
        self.running(process)
        process.send_signal(signal.SIGINT)
        code, _, err = self.end_of(process)
        self.assertEqual(code, 0, err)
        ids = self.rows()
        self.assertEqual(ids, [i for i in range(1, max(ids) + 1) if i % 3], "lost or repeated rows")
        self.assertNotIn("failures", self.run_record()["summary"])

    def test_a_run_whose_parent_alone_is_killed_goes_on_with_the_same_command(self):
        self.write("p.yaml", LIVE)
        process = self.begin()
        self.running(process)
        eventually(lambda: len(self.rows()) > 1000, "rows")
        engine = self.engine_of(process)
        process.kill()
        self.end_of(process)
        before = len(self.rows())
        process = self.begin()
        self.assertTrue(has_ended(engine))
        eventually(lambda: len(self.rows()) > before, "rows come again")
        self.running(process)
        process.send_signal(signal.SIGINT)
        code, _, err = self.end_of(process)
        self.assertEqual(code, 0, err)
        ids = self.rows()
        self.assertEqual(ids, [i for i in range(1, max(ids) + 1) if i % 3], "lost or repeated rows")
        states = [run["state"] for run in json.loads(self.sluice("runs", "--json").stdout)]
        self.assertEqual(states, ["succeeded", "failed"], "the killed run was not drained")

    def table(self, database, query):
        with sqlite3.connect(self.folder / database) as connection:
            return sorted(connection.execute(query))

    def test_units_are_scaled_and_hold_what_they_held(self):
        self.write("weights.csv", "k,weight\n" + "".join(f"{k},{k / 7}\n" for k in range(97)))
        self.write("p.yaml", SCALED.replace("GENERATED", "rate: 20000"))
        process = self.begin("p.yaml", "--set", "db=live.db")
        self.running(process)
        refused = self.sluice("scale", "scaled", "numbers", "3")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("error[not_scalable]", refused.stderr)
        for step, (unit, before, after) in enumerate([("per_key", 1, 3), ("per_hour", 1, 3), ("keyed", 2, 3), ("per_key", 3, 2),
                                                      ("per_hour", 3, 2)]):
            done = self.sluice("scale", "scaled", unit, str(after))
            self.assertEqual(done.returncode, 0, done.stderr)
            told = eventually(lambda: (self.events("run.scaled") + self.events("run.scale_failed"))[step:], f"{unit} is scaled")[0]
            self.assertEqual(told["data"].get("cause"), None)
            self.assertEqual((told["type"], told["subject"], told["data"]["from"], told["data"]["to"]), ("run.scaled", unit, before, after))
            self.running(process)
        # The rows of its right input can't be divided: it goes on as it was.
        self.assertEqual(self.sluice("scale", "scaled", "joined", "2").returncode, 0)
        told = eventually(lambda: self.events("run.scale_failed"), "it is not scaled")[0]
        self.assertEqual((told["subject"], told["data"]["cause"]["code"]), ("joined", "not_supported"))
        self.running(process)
        process.send_signal(signal.SIGINT)
        code, _, err = self.end_of(process)
        self.assertEqual(code, 0, err)
        run = self.run_record()
        ids = run["summary"]["units"][0]["out"]
        self.assertEqual(self.table("live.db", "select sum(n) from keys"), [(ids,)], "a row is lost or counted twice")
        self.assertTrue(run["summary"]["balanced"])
        # The same rows in one go, with one instance of each.
        self.write("q.yaml", SCALED.replace("GENERATED", f"rows: {ids}").replace("pipeline: scaled", "pipeline: whole"))
        whole = self.sluice("run", "q.yaml", "--set", "db=whole.db")
        self.assertEqual(whole.returncode, 0, whole.stderr)
        self.assertEqual(self.table("live.db", "select * from keys"), self.table("whole.db", "select * from keys"))
        # Windows that had not ended when it was drained are still open.
        hours = self.table("live.db", "select * from hours")
        self.assertGreater(len(hours), 97)
        self.assertLessEqual(set(hours), set(self.table("whole.db", "select * from hours")))

    def test_a_paused_run_can_be_ended(self):
        self.write("p.yaml", LIVE)
        process = self.begin()
        self.running(process)
        self.assertEqual(self.sluice("pause", "live").returncode, 0)
        eventually(lambda: self.run_record()["state"] == "paused", "the run is paused")
        process.send_signal(signal.SIGINT)
        code, _, err = self.end_of(process)
        self.assertEqual(code, 130, err)
        self.assertEqual(self.run_record()["state"], "cancelled")
        ids = self.rows()
        self.assertEqual(ids, [i for i in range(1, max(ids, default=0) + 1) if i % 3])

    def test_a_run_without_checkpoints_can_not_be_paused(self):
        self.write("p.yaml", BOUNDED.replace("rows: 40000", "rows: 4000000"))
        process = self.begin()
        self.running(process)
        done = self.sluice("pause", "bounded")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("no_checkpoints", done.stderr)
        process.send_signal(signal.SIGINT)
        self.end_of(process)


if __name__ == "__main__":
    unittest.main()
