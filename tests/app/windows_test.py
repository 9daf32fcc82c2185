"""Windows over files against a plain model in Python: shuffled, late and repeated rows, in several files, with several readers and instances."""

import collections
import datetime
import json
import os
import random
import unittest
import zoneinfo

from command_line import CommandLine

UTC = datetime.timezone.utc
SEEDS = [int(seed) for seed in os.environ.get("SLUICE_SEEDS", "1 2 3").split()]


def text(time):
    return time.strftime("%Y-%m-%d %H:%M:%S+00")


def seconds(number):
    return datetime.timedelta(seconds=number)


def in_order(rng, count, start, step, out_of_order):
    """Rows of one file: times rise, and no row is more than `out_of_order` seconds behind an earlier one."""
    rows, now, latest = [], start, start
    for _ in range(count):
        now += seconds(rng.random() * step)
        at = max(now - seconds(rng.random() * out_of_order), latest - seconds(out_of_order))
        at = at.replace(microsecond=0)
        if at < latest - seconds(out_of_order):
            at += seconds(1)
        latest = max(latest, at)
        rows.append((at, rng.choice("abc"), rng.randrange(100)))
        if rng.random() < 0.1:
            rows.append(rows[-1])
    return rows


def tumbling(at, minutes, zone):
    """The window of a time, counted from midnight of the zone."""
    local = at.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, fold=0).astimezone(UTC)
    size = datetime.timedelta(minutes=minutes)
    begin = midnight + (at - midnight) // size * size
    return begin, begin + size


def hopping(at, minutes, every, zone):
    begin, _ = tumbling(at, every, zone)
    windows = []
    while begin + datetime.timedelta(minutes=minutes) > at:
        windows.append((begin, begin + datetime.timedelta(minutes=minutes)))
        begin -= datetime.timedelta(minutes=every)
    return windows


def sessions(rows, gap):
    """Of each key: rows that follow each other in less than the gap."""
    by_key = collections.defaultdict(list)
    for row in rows:
        by_key[row[1]].append(row)
    found = {}
    for key, some in by_key.items():
        some.sort()
        begin = 0
        for end in range(1, len(some) + 1):
            if end == len(some) or some[end][0] - some[end - 1][0] >= gap:
                found[key, text(some[begin][0]), text(some[end - 1][0] + gap)] = summary(some[begin:end])
                begin = end
    return found


def summary(rows):
    values = [value for _, _, value in rows]
    return len(values), sum(values), max(values)


def grouped(rows, windows_of):
    groups = collections.defaultdict(list)
    for row in rows:
        for begin, end in windows_of(row[0]):
            groups[row[1], text(begin), text(end)].append(row)
    return {key: summary(some) for key, some in groups.items()}


PIPELINE = """\
version: 1
pipeline: windows
run: {{ timezone: {zone} }}
rejects: {{ allow: 1000000 }}
extract:
  events:
    csv: {{ path: "in/*.csv" }}
    types: {{ at: timestamptz, k: text, v: bigint }}
    parallelism: {readers}
    time: {{ column: at, out_of_order: {out_of_order}s }}
transform:
  counted:
    from: events
    aggregate:
      by: [k]
      window: {window}
      compute: {{ n: "count(*)", s: "sum(v)", m: "max(v)" }}
    parallelism: {instances}
load:
  out: {{ from: counted, ndjson: {{ path: out.ndjson }} }}
{late}"""

LATE = "  late: { from: counted.late, ndjson: { path: late.ndjson } }\n"


class Windows(CommandLine):
    def write_files(self, files):
        for old in (self.folder / "in").glob("*"):
            old.unlink()
        for number, rows in enumerate(files):
            lines = "".join(f"{text(at)},{k},{v}\n" for at, k, v in rows)
            self.write(f"in/{number:03}.csv", "at,k,v\n" + lines)

    def run_it(self, window, files, late=False, **more):
        self.write_files(files)
        values = {"zone": "UTC", "readers": 2, "instances": 2, "out_of_order": 0, "window": window, **more}
        self.write("p.yaml", PIPELINE.format(late=LATE if late else "", **values))
        done = self.sluice("run", "p.yaml")
        self.assertIn(done.returncode, (0, 3), done.stderr)
        groups = {}
        for line in (self.folder / "out.ndjson").read_text().splitlines():
            row = json.loads(line)
            key = row["k"], self.time(row["window_start"]), self.time(row["window_end"])
            self.assertNotIn(key, groups, "a window was emitted twice")
            groups[key] = row["n"], int(row["s"]), row["m"]
        rows = []
        if late:
            for line in (self.folder / "late.ndjson").read_text().splitlines():
                row = json.loads(line)
                rows.append((datetime.datetime.fromisoformat(row["at"]).astimezone(UTC), row["k"], row["v"]))
        return done, groups, rows

    @staticmethod
    def time(value):
        return text(datetime.datetime.fromisoformat(value).astimezone(UTC))

    def test_rows_that_keep_to_out_of_order_are_all_in_their_windows(self):
        for seed in SEEDS:
            rng = random.Random(seed)
            zone = rng.choice(["UTC", "Europe/Berlin", "Asia/Kathmandu"])
            start = datetime.datetime(2024, 3, 30, 20, tzinfo=UTC)
            late_by = rng.choice([0, 30, 900])
            files = [in_order(rng, rng.randrange(0, 800), start + seconds(rng.randrange(7200)), 60, late_by)
                     for _ in range(rng.randrange(1, 6))]
            rows = [row for file in files for row in file]
            of_zone = zoneinfo.ZoneInfo(zone)
            gap = datetime.timedelta(minutes=2)
            for window, expected in [
                ("{ tumble: 5m }", lambda: grouped(rows, lambda at: [tumbling(at, 5, of_zone)])),
                ("{ hop: 1h, every: 15m }", lambda: grouped(rows, lambda at: hopping(at, 60, 15, of_zone))),
                ("{ session: 2m }", lambda: sessions(rows, gap)),
            ]:
                with self.subTest(seed=seed, window=window):
                    done, groups, _ = self.run_it(window, files, zone=zone, out_of_order=late_by,
                                                  readers=rng.randrange(1, 5), instances=rng.randrange(1, 4))
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual(groups, expected())

    def test_late_rows_and_windows_together_are_all_rows(self):
        all_late = 0
        for seed in SEEDS:
            with self.subTest(seed=seed):
                rng = random.Random(seed)
                start = datetime.datetime(2024, 5, 1, tzinfo=UTC)
                files = []
                for _ in range(rng.randrange(1, 3)):
                    rows = in_order(rng, 150_000, start, 1, 0)
                    for _ in range(500):
                        at = rng.randrange(len(rows))
                        rows[at] = (rows[at][0] - seconds(rng.randrange(7200)), *rows[at][1:])
                    files.append(rows)
                rows = [row for file in files for row in file]
                _, groups, late = self.run_it("{ tumble: 1m }", files, late=True, readers=rng.randrange(1, 4))
                all_late += len(late)
                whole = grouped(rows, lambda at: [tumbling(at, 1, UTC)])
                behind = grouped(late, lambda at: [tumbling(at, 1, UTC)])
                together = collections.Counter()
                for some in (groups, behind):
                    for key, (count, total, _) in some.items():
                        together[key] += count * 10**9 + total
                self.assertEqual(together, {key: count * 10**9 + total for key, (count, total, _) in whole.items()})
        self.assertGreater(all_late, 0)

    def test_a_file_that_is_read_in_pieces_by_several_readers_has_no_late_rows(self):
        rng = random.Random(7)
        start = datetime.datetime(2024, 5, 1, tzinfo=UTC)
        rows = [(start + seconds(n // 10), rng.choice("abcdefgh") * 60, n % 100) for n in range(300_000)]
        done, groups, _ = self.run_it("{ tumble: 10m }", [rows], readers=4)
        self.assertGreater((self.folder / "in/000.csv").stat().st_size, 2 * 8 * 1024 * 1024)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(groups, grouped(rows, lambda at: [tumbling(at, 10, UTC)]))

    def test_without_a_reader_late_rows_are_rejects(self):
        start = datetime.datetime(2024, 5, 1, 10, tzinfo=UTC)
        rows = [(start + seconds(n // 10), "a", 1) for n in range(100_000)] + [(start, "late", 5)]
        done, groups, _ = self.run_it("{ tumble: 1m }", [rows], readers=1)
        rejects = json.loads(self.sluice("rejects", "last", "--json").stdout.splitlines()[0])
        self.assertEqual(rejects["code"], "late_row")
        self.assertEqual(rejects["line"], 100_002)
        self.assertNotIn("late", {key[0] for key in groups})

    def test_a_window_without_event_time_is_refused_with_the_line_to_add(self):
        self.write_files([[]])
        text = PIPELINE.format(zone="UTC", readers=1, instances=1, out_of_order=0, window="{ tumble: 1m }", late="")
        self.write("p.yaml", text.replace("    time: { column: at, out_of_order: 0s }\n", ""))
        done = self.sluice("validate", "p.yaml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("error[no_event_time] p.yaml:15:7:", done.stderr)
        self.assertIn("time: { column: ordered_at, out_of_order: 30s }", done.stderr)

    def test_faults_of_time_name_the_column(self):
        self.write_files([[]])
        text = PIPELINE.format(zone="UTC", readers=1, instances=1, out_of_order=0, window="{ tumble: 1m }", late="")
        for time, code in [("{ column: att }", "unknown_column"), ("{ column: k }", "type_mismatch"), ("at", "invalid_value"),
                           ("{ column: at, out_of_order: soon }", "invalid_duration"), ("{ out_of_order: 1s }", "missing_key")]:
            with self.subTest(time):
                self.write("p.yaml", text.replace("{ column: at, out_of_order: 0s }", time))
                done = self.sluice("validate", "p.yaml")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(f"error[{code}]", done.stderr)

    def test_windows_that_are_emitted_again_need_an_upsert(self):
        self.write_files([[(datetime.datetime(2024, 5, 1, tzinfo=UTC), "a", 1)]])
        window = "{ tumble: 1m, allowed_lateness: 1h }"
        text = PIPELINE.format(zone="UTC", readers=1, instances=1, out_of_order=0, window=window, late="")
        self.write("p.yaml", text)
        done = self.sluice("validate", "p.yaml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("error[needs_upsert]", done.stderr)
        sink = "sqlite: { path: t.db, table: t }, mode: upsert, key: [k, window_start] }"
        self.write("p.yaml", text.replace("ndjson: { path: out.ndjson } }", sink))
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_columns_of_a_unit_in_between_may_have_other_names(self):
        start = datetime.datetime(2024, 5, 1, 10, tzinfo=UTC)
        self.write_files([[(start + seconds(n), "a", n) for n in range(180)]])
        self.write("p.yaml", """\
version: 1
pipeline: windows
extract:
  events:
    csv: { path: "in/*.csv" }
    types: { at: timestamptz, k: text, v: bigint }
    time: { column: at }
transform:
  named: { from: events, steps: [ { filter: "v >= 0" }, { select: [k, v, { happened: at }] }, { rename: { happened: "when" } } ] }
  minutes: { from: named, aggregate: { by: [k], window: { tumble: 1m }, compute: { n: "count(*)" } } }
  hours: { from: minutes, steps: [ { aggregate: { window: { tumble: 1h }, compute: { n: "sum(n)" } } }, { derive: { big: "n > 100" } } ] }
load:
  out: { from: hours, ndjson: { path: out.ndjson } }
""")
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        row = json.loads((self.folder / "out.ndjson").read_text())
        self.assertEqual((int(row["n"]), row["big"]), (180, True))


if __name__ == "__main__":
    unittest.main()
