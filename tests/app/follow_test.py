"""Sources with follow: true read files that appear, grow, are renamed and removed; kills lose and repeat nothing."""

import gzip
import json
import random
import signal
import subprocess
import time
import unittest

from command_line import BINARY, PATIENCE, CommandLine, eventually
from processes import kill_with_children

NDJSON = """\
version: 1
pipeline: logs
run: { checkpoint: 150ms }
extract:
  lines:
    ndjson: { path: "logs/app*.ndjson", follow: true }
    types: { id: bigint, text: text }
    metadata: { _file: path }
load:
  out:
    from: lines
    ndjson: { path: out/ }
"""
CSV = NDJSON.replace("ndjson: { path: \"logs/app*.ndjson\"", "csv: { path: logs/").replace("pipeline: logs", "pipeline: tables")

WINDOWS = """\
version: 1
pipeline: windows
run: { checkpoint: 150ms }
rejects: { allow: 10 }
extract:
  lines:
    ndjson: { path: "logs/app*.ndjson", follow: true }
    types: { k: text, at: timestamptz }
    time: { column: at }
transform:
  per_minute:
    from: lines
    aggregate: { by: [k], window: { tumble: 1m }, compute: { n: "count(*)" } }
load:
  out:
    from: per_minute
    ndjson: { path: out/ }
"""


class Follow(CommandLine):
    def setUp(self):
        super().setUp()
        (self.folder / "logs").mkdir()
        self.next = 0

    def begin(self, file="p.yaml", *more):
        process = subprocess.Popen([BINARY, "run", file, "--progress", "none", *more], cwd=self.folder, env=self.environment(),
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
        return out

    def rows(self):
        rows = []
        for part in sorted((self.folder / "out").glob("part-*")):
            try:
                rows += [json.loads(line) for line in part.read_text().splitlines()]
            except FileNotFoundError:
                pass
        return rows

    def lines(self, count):
        """So many records, numbered on."""
        first, self.next = self.next, self.next + count
        return "".join(json.dumps({"id": n, "text": "x" * (n % 50)}) + "\n" for n in range(first, self.next))

    def add(self, name, text):
        with open(self.folder / "logs" / name, "a", newline="") as file:
            file.write(text)

    def until(self, count, process):
        def look():
            if process.poll() is not None:
                self.fail(process.communicate()[0])
            return len(self.rows()) >= count
        eventually(look, f"{count} rows")

    def check(self):
        ids = sorted(row["id"] for row in self.rows())
        self.assertEqual(ids, list(range(self.next)), "lost or repeated rows")

    def test_new_and_growing_files_and_a_line_in_pieces(self):
        self.write("p.yaml", NDJSON)
        process = self.begin()
        self.add("app1.ndjson", self.lines(10))
        self.until(10, process)
        self.add("app1.ndjson", '{"id": 10, "te')
        self.add("app2.ndjson", '{"id": 11, "text": "other"}\n')
        self.until(11, process)
        self.add("app1.ndjson", 'xt": "whole"}\n')
        self.until(12, process)
        # How much is still to come is not known.
        self.assertNotRegex(self.sluice("status").stdout, "%| left")
        self.next = 12
        # The same command goes on behind a drained run.
        self.drain(process)
        self.add("app1.ndjson", self.lines(5))
        process = self.begin()
        self.until(17, process)
        self.drain(process)
        self.check()
        self.assertEqual({row["_file"] for row in self.rows()}, {"logs/app1.ndjson", "logs/app2.ndjson"})

    def test_a_file_that_is_renamed_or_removed_is_read_to_its_end(self):
        self.write("p.yaml", NDJSON.replace("app*.ndjson", "app.ndjson"))
        log = self.folder / "logs/app.ndjson"
        self.add("app.ndjson", self.lines(10))
        process = self.begin()
        self.until(10, process)
        for turn in range(3):
            with open(log, "a") as writer:  # keeps writing to the file that it has open
                writer.write(self.lines(10))
                writer.flush()
                log.rename(log.with_name(f"old{turn}"))
                writer.write(self.lines(10))
            self.add("app.ndjson", self.lines(10))
            self.until(self.next, process)
        with open(log, "a") as writer:
            log.unlink()
            writer.write(self.lines(10).rstrip("\n"))  # nobody can complete the last line any more
        self.until(self.next, process)
        self.add("app.ndjson", self.lines(10))
        self.until(self.next, process)
        self.drain(process)
        # Renamed and written while nothing runs.
        self.add("app.ndjson", self.lines(10))
        log.rename(log.with_name("older"))
        self.add("app.ndjson", self.lines(10))
        process = self.begin()
        self.until(self.next, process)
        self.drain(process)
        self.check()

    def test_kills_lose_and_repeat_nothing_over_rotations(self):
        self.write("p.yaml", NDJSON)
        chance = random.Random(7)
        self.add("app.ndjson", self.lines(1))
        log = self.folder / "logs/app.ndjson"
        for turn in range(8):
            process = self.begin()
            goal = len(self.rows()) + 1
            while len(self.rows()) < goal:
                if process.poll() is not None:
                    self.fail(process.communicate()[0])
                self.add("app.ndjson", self.lines(chance.randrange(1, 3000)))
                if chance.random() < 0.1:
                    log.rename(log.with_name(f"app-{turn}-{self.next}.ndjson"))
                if chance.random() < 0.1:
                    self.add(f"app-new-{self.next}.ndjson", self.lines(200))
                time.sleep(chance.random() / 50)  # the writer's own pace
            time.sleep(chance.random() / 4)  # kills at any moment of an epoch
            self.kill(process)
        process = self.begin()
        self.until(self.next, process)
        self.drain(process)
        self.check()

    def test_csv_with_line_breaks_in_quotes_and_a_header_in_each_file(self):
        self.write("p.yaml", CSV)
        self.add("a.csv", "id,te")
        process = self.begin()
        self.add("a.csv", 'xt\n0,zero\n1,"one\n')
        self.until(1, process)
        self.add("a.csv", 'more"\r\n2,two\n')
        self.add("b.csv", "text,id\nthree,3\n")
        self.until(4, process)
        self.kill(process)
        self.add("a.csv", "4,four\n")
        process = self.begin()
        self.until(5, process)
        self.drain(process)
        self.assertEqual({row["id"]: row["text"] for row in self.rows()},
                         {0: "zero", 1: "one\nmore", 2: "two", 3: "three", 4: "four"})

    def test_a_truncated_file_fails_the_run_and_says_so(self):
        self.write("p.yaml", NDJSON)
        self.add("app1.ndjson", self.lines(100))
        process = self.begin()
        self.until(100, process)
        (self.folder / "logs/app1.ndjson").write_text('{"id": 1, "text": "again"}\n')
        out, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 1, out)
        self.assertIn("error[source_changed]", out)
        self.assertIn("logs/app1.ndjson has become shorter", out)
        self.assertIn("copytruncate", out)
        self.check()
        # Written again and longer than before, while nothing runs.
        self.add("app1.ndjson", '{"id": 1, "text": "again"}\n' * 1000)
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("truncated and written again", done.stderr)

    def test_a_file_that_vanished_while_nothing_ran_is_an_error(self):
        self.write("p.yaml", NDJSON)
        self.add("app1.ndjson", self.lines(10))
        process = self.begin()
        self.until(10, process)
        self.drain(process)
        (self.folder / "logs/app1.ndjson").unlink()
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("error[followed_file_gone]", done.stderr)

    def test_rejects_have_the_name_and_the_line(self):
        self.write("p.yaml", NDJSON.replace("run:", "rejects: { allow: 5 }\nrun:"))
        self.add("app1.ndjson", self.lines(3))
        process = self.begin()
        self.until(3, process)
        self.add("app1.ndjson", "not json\n" + self.lines(1))
        self.until(4, process)
        self.drain(process)
        reject = json.loads(self.sluice("rejects", "last", "--json").stdout.splitlines()[0])
        self.assertEqual((reject["file"], reject["line"], reject["record"]), ("logs/app1.ndjson", 4, "not json"))

    def test_a_flush_emits_open_windows_and_rows_of_these_are_late_from_then_on(self):
        self.write("p.yaml", WINDOWS)
        event = lambda at: json.dumps({"k": "a", "at": f"2024-05-01T10:{at}Z"}) + "\n"
        found = lambda: {row["window_start"][14:16]: row["n"] for row in self.rows()}
        self.add("app.ndjson", event("00:10") + event("00:20") + event("01:05"))
        process = self.begin()
        eventually(lambda: found() == {"00": 2}, "the window that is complete")
        told = self.sluice("drain", "windows", "--flush")
        self.assertEqual(told.returncode, 0, told.stderr)
        out, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, out)
        self.assertEqual(found(), {"00": 2, "01": 1})
        # A row of a window that was emitted, and one of the next window, which a later one completes.
        self.add("app.ndjson", event("01:30") + event("02:10") + event("03:10"))
        process = self.begin()
        eventually(lambda: found() == {"00": 2, "01": 1, "02": 1}, "the next window")
        self.drain(process)
        rejects = [json.loads(line) for line in self.sluice("rejects", "last", "--json").stdout.splitlines()]
        self.assertEqual([one["code"] for one in rejects], ["late_row"])
        self.assertEqual(found(), {"00": 2, "01": 1, "02": 1}, "without --flush the last window stays in the checkpoint")

    def test_what_can_not_be_followed_is_refused_by_name(self):
        for more, says in (("incremental: { by: file }", "follow: true and incremental"),
                           ("contract: evolve", "follow: true and contract"),
                           ("metadata: { _row: row }", "follow: true and row numbers")):
            with self.subTest(more):
                self.write("p.yaml", NDJSON.replace("    metadata: { _file: path }", f"    {more}"))
                done = self.sluice("validate", "p.yaml")
                self.assertEqual(done.returncode, 2)
                self.assertIn("error[cannot_follow]", done.stderr)
                self.assertIn(says, done.stderr)
        self.write("p.yaml", NDJSON.replace("\n    types: { id: bigint, text: text }", ""))
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("so the columns are not known", done.stderr)
        with open(self.folder / "logs/app.ndjson.gz", "wb") as packed:
            packed.write(gzip.compress(b'{"id": 1, "text": "packed"}\n'))
        self.write("p.yaml", NDJSON.replace("app*.ndjson", ""))
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("is compressed (gzip)", done.stderr)


if __name__ == "__main__":
    unittest.main()
