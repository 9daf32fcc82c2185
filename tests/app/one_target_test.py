"""Runs that write to one target take turns: nothing of any of them is lost, whenever the other one comes."""

import gzip
import json
import os
import pathlib
import subprocess
import unittest

from command_line import BINARY, ROOT, SIGKILL, CommandLine, eventually

ADD = """\
version: 1
pipeline: NAME
extract:
  in: { csv: { path: NAME.csv } }
load:
  out: { from: in, mode: append, COMPONENT: { path: TARGET } }
"""


@unittest.skipIf("sanitize" in BINARY, "AddressSanitizer wants to be preloaded first")
class OneTarget(CommandLine):
    def setUp(self):
        super().setUp()
        self.shim = self.folder / "hold.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self.shim, ROOT / "tests/support/hold.c", "-ldl"], check=True)
        self.hold = self.folder / "hold"

    def pipeline(self, name, rows, target, component="csv", mode="append"):
        self.write(name + ".csv", "a,b\n" + "".join(f"{name},{row}\n" for row in range(rows)))
        self.write(name + ".yaml", ADD.replace("NAME", name).replace("TARGET", target).replace("COMPONENT", component)
                   .replace("mode: append", f"mode: {mode}"))

    def start_held(self, name, at):
        """Starts a run that waits at a call of the system; gives it when it is there."""
        self.hold.touch()
        environment = self.environment(LD_PRELOAD=str(self.shim), SLUICE_HOLD=str(self.hold), SLUICE_HOLD_AT=at)
        process = subprocess.Popen([BINARY, "run", name + ".yaml"], cwd=self.folder, env=environment, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.started.append(process)
        eventually(lambda: pathlib.Path(f"{self.hold}.here").exists() or process.poll() is not None, f"the run at {at}")
        self.assertIsNone(process.poll())
        return process

    def release(self, process):
        self.hold.unlink()
        pathlib.Path(f"{self.hold}.here").unlink()
        code, _, err = self.end_of(process)
        self.assertEqual(code, 0, err)

    def rows_of(self, target):
        data = (self.folder / target).read_bytes()
        if target.endswith(".gz"):
            data = gzip.decompress(data)
        lines = data.decode().splitlines()
        if "ndjson" in target:
            return sorted((row["a"], row["b"]) for row in map(json.loads, lines))
        self.assertEqual(lines[0], "a,b")
        return sorted((a, int(b)) for a, b in (line.split(",") for line in lines[1:]))

    def nothing_left(self, *files):
        mine = {name for name in self.names() if not name.endswith((".yaml", "hold.so")) and name not in ("one.csv", "two.csv")}
        self.assertEqual(mine, set(files))

    def test_one_run_publishes_while_another_one_is_about_to(self):
        wanted = sorted([("one", row) for row in range(1000)] + [("two", row) for row in range(10)])
        for target, component, old in (("t.csv", "csv", None), ("old.csv", "csv", b"a,b\nold,0"), ("t.csv.gz", "csv", None),
                                       ("old.csv.gz", "csv", gzip.compress(b"a,b\nold,0")), ("t.ndjson", "ndjson", None),
                                       ("old.ndjson", "ndjson", b'{"a":"old","b":0}')):
            for at in ("fsync", "rename"):
                with self.subTest(f"{target}, held at {at}"):
                    (self.folder / target).unlink(missing_ok=True)
                    if old:
                        self.write(target, old)
                    self.pipeline("one", 1000, target, component)
                    self.pipeline("two", 10, target, component)
                    one = self.start_held("one", at)
                    two = self.start("run", "two.yaml")
                    if at == "fsync":  # before its turn to publish: the other one need not wait
                        code, _, err = self.end_of(two)
                        self.assertEqual(code, 0, err)
                    else:
                        # It has begun, and either waits for its turn or, wrongly, does not.
                        eventually(lambda: two.poll() is not None or len(list(self.folder.glob(".*.part"))) == 2, "the other run's file")
                    self.release(one)
                    if at == "rename":
                        code, _, err = self.end_of(two)
                        self.assertEqual(code, 0, err)
                    self.assertEqual(self.rows_of(target), sorted(wanted + ([("old", 0)] if old else [])))
                    self.nothing_left(target)
                    (self.folder / target).unlink()

    def test_a_target_that_is_replaced_meanwhile_is_followed(self):
        self.write("t.csv", "a,b\nold,0\n")
        self.pipeline("one", 10, "t.csv")
        self.pipeline("two", 5, "t.csv", mode="replace")
        one = self.start_held("one", "fsync")
        self.assertEqual(self.sluice("run", "two.yaml", "-q").returncode, 0)
        self.release(one)
        self.assertEqual(self.rows_of("t.csv"), sorted([("one", row) for row in range(10)] + [("two", row) for row in range(5)]))

    def test_what_no_longer_fits_is_refused_and_left_alone(self):
        for now in (b"b,a\n1,2\n", b"a,b\r\n1,2\r\n", "a,b\nä,2\n".encode("latin-1"), b"a;b\n1;2\n"):
            with self.subTest(now):
                self.write("t.csv", b"a,b\nold,0\n")
                self.pipeline("one", 10, "t.csv")
                one = self.start_held("one", "fsync")
                self.write("t.csv", now)
                self.hold.unlink()
                pathlib.Path(f"{self.hold}.here").unlink()
                self.assertEqual(self.end_of(one)[0], 1)
                self.assertEqual((self.folder / "t.csv").read_bytes(), now)
                self.nothing_left("t.csv")

    def test_a_target_that_was_put_away_is_begun_anew(self):
        self.write("t.csv", "a,b\nold,0\n")
        self.pipeline("one", 3, "t.csv")
        one = self.start_held("one", "fsync")
        os.rename(self.folder / "t.csv", self.folder / "t.1")
        self.release(one)
        self.assertEqual(self.rows_of("t.csv"), [("one", row) for row in range(3)])

    def test_the_permissions_are_those_of_the_target_as_it_is(self):
        self.write("t.csv", "a,b\n").chmod(0o640)
        self.pipeline("one", 3, "t.csv")
        one = self.start_held("one", "fsync")
        (self.folder / "t.csv").chmod(0o604)
        self.write("t.csv", "a,b\nold,0\n")
        self.release(one)
        self.assertEqual((self.folder / "t.csv").stat().st_mode & 0o777, 0o604)

    def test_a_run_that_is_killed_in_its_turn_keeps_nobody(self):
        self.write("t.csv", "a,b\nold,0\n")
        self.pipeline("one", 10, "t.csv")
        self.pipeline("two", 5, "t.csv")
        one = self.start_held("one", "rename")
        os.kill(self.run_record("one")["pid"], SIGKILL)
        # It had decided to publish, so whoever comes next does it: its parent, in a turn of its own.
        self.hold.unlink()
        self.end_of(one)
        done = self.sluice("run", "two.yaml", "-q")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.rows_of("t.csv"), sorted([("old", 0)] + [("one", row) for row in range(10)] + [("two", row) for row in range(5)]))
        self.nothing_left("t.csv", "hold.here")

    def test_many_at_once(self):
        count = 6
        for number in range(count):
            self.pipeline(f"p{number}", 200, "t.csv")
        for _ in range(2):
            runs = [self.start("run", f"p{number}.yaml") for number in range(count)]
            for run in runs:
                code, _, err = self.end_of(run)
                self.assertEqual(code, 0, err)
        self.assertEqual(self.rows_of("t.csv"), sorted([(f"p{number}", row) for number in range(count) for row in range(200)] * 2))
        self.assertEqual(list(self.folder.glob(".*")), [])


if __name__ == "__main__":
    unittest.main()
