"""Local times of many zones, beside Python's zoneinfo: with the system's files, and with files that list no years beyond the past."""

import datetime
import os
import pathlib
import random
import re
import struct
import subprocess
import tempfile
import unittest
import zoneinfo

import command_line

ZONES = ["Europe/Berlin", "Europe/Dublin", "Africa/Casablanca", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia",
         "Asia/Gaza", "America/New_York", "America/Nuuk", "Asia/Kathmandu"]
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
FIRST, END = -2208988800, 7258118400  # 1900 to 2199

PIPELINE = """\
version: 1
pipeline: zones
run: {{ timezone: {zone} }}
extract:
  at:
    csv: {{ path: at.csv }}
    types: {{ at: timestamptz }}
transform:
  local:
    from: at
    derive:
      local: "at::timestamp"
      day: "at::date"
      hour: "extract(hour from at)"
      month: "date_trunc('month', at)"
      back: "(at::timestamp)::timestamptz"
load:
  out:
    from: local
    csv: {{ path: out.csv }}
"""


def local_of(at, zone):
    return (EPOCH + datetime.timedelta(seconds=at)).astimezone(zone)


def instants(zone, seed):
    """Random ones, and those around the changes of the clocks."""
    chance = random.Random(seed)
    found = [chance.randrange(FIRST, END) for _ in range(300)]
    for _ in range(150):
        before = chance.randrange(FIRST, END)
        after = before + chance.randrange(200 * 86400)
        offset = local_of(before, zone).utcoffset()
        if offset == local_of(after, zone).utcoffset():
            continue
        while after - before > 1:
            middle = (before + after) // 2
            if local_of(middle, zone).utcoffset() == offset:
                before = middle
            else:
                after = middle
        found += [before, after, after + chance.randrange(-7200, 7200)]
    return found


def slim(data):
    """The same file without the changes from 2010 on that its rule gives as well: what `zic -b slim` writes."""
    def block(start, width):
        counts = struct.unpack(">6I", data[start + 20:start + 44])
        size = counts[3] * (width + 1) + counts[4] * 6 + counts[5] + counts[2] * (width + 4) + counts[1] + counts[0]
        return counts, start + 44, start + 44 + size

    _, _, second = block(0, 4)
    counts, body, end = block(second, 8)
    times = counts[3]
    all_times = struct.unpack(f">{times}q", data[body:body + times * 8])
    kept = sum(1 for time in all_times if time < 1262304000)
    indices = body + times * 8
    header = data[second:second + 20] + struct.pack(">6I", 0, 0, counts[2], kept, counts[4], counts[5])
    types = data[indices + times:indices + times + counts[4] * 6 + counts[5]]
    empty = data[:20] + struct.pack(">6I", 0, 0, 0, 0, 1, 1) + b"\0" * 7
    return (empty + header + data[body:body + kept * 8] + data[indices:indices + kept] + types + data[end:])


class Zones(unittest.TestCase):
    def convert(self, name, zone, seed, **environment):
        with tempfile.TemporaryDirectory() as folder:
            here = pathlib.Path(folder)
            times = instants(zone, seed)
            text = "\n".join((EPOCH + datetime.timedelta(seconds=at)).strftime("%Y-%m-%d %H:%M:%S+00") for at in times)
            (here / "at.csv").write_text("at\n" + text + "\n")
            (here / "zones.yaml").write_text(PIPELINE.format(zone=name))
            ended = subprocess.run([command_line.BINARY, "--state", str(here / "state"), "run", "zones.yaml"], cwd=here,
                                   env={**os.environ, **environment}, capture_output=True, text=True,
                                   timeout=command_line.PATIENCE)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            rows = (here / "out.csv").read_text().splitlines()[1:]
        self.assertEqual(len(rows), len(times))
        for at, row in zip(times, rows):
            local = local_of(at, zone)
            _, got, day, hour, month, back = row.split(",")
            first = local.replace(day=1, hour=0, minute=0, second=0, tzinfo=None)
            with self.subTest(zone=name, at=at):
                self.assertEqual(got, f"{local:%Y-%m-%d %H:%M:%S}")
                self.assertEqual(day, f"{local:%Y-%m-%d}")
                self.assertEqual(int(hour), local.hour)
                self.assertEqual(month, self.utc_text(first, zone))
                self.assertEqual(back, self.utc_text(local.replace(tzinfo=None), zone))

    @staticmethod
    def utc_text(naive, zone):
        """A skipped local time has the offset before the gap, a repeated one that behind the change."""
        early, late = (naive.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        chosen = late if early.utcoffset() > late.utcoffset() else early
        return (chosen.replace(tzinfo=datetime.timezone.utc) - chosen.utcoffset()).strftime("%Y-%m-%d %H:%M:%S+00")

    def test_the_system_s_zones_are_those_of_zoneinfo(self):
        for seed, name in enumerate(ZONES):
            self.convert(name, zoneinfo.ZoneInfo(name), seed)

    def test_files_that_end_in_a_rule_need_not_list_the_years(self):
        found = 0
        for seed, name in enumerate(["Europe/Berlin", "Europe/Dublin", "Australia/Lord_Howe", "America/New_York"]):
            path = next((pathlib.Path(folder) / name for folder in zoneinfo.TZPATH
                         if (pathlib.Path(folder) / name).is_file()), None)
            if path is None:
                continue
            with tempfile.TemporaryDirectory() as folder:
                made = pathlib.Path(folder) / name
                made.parent.mkdir(parents=True)
                made.write_bytes(slim(path.read_bytes()))
                self.assertLess(made.stat().st_size, 4000)
                with open(made, "rb") as file:
                    zone = zoneinfo.ZoneInfo.from_file(file, key=name)
                self.convert(name, zone, seed, TZDIR=folder)
                found += 1
        self.assertEqual(found, 4)

    def test_a_missing_or_damaged_file_is_an_error_of_the_plan(self):
        for content, code, says in [(None, "unknown_timezone", "there is no time zone Europe/Berlin"),
                                    (b"no zone", "invalid_timezone_file", "is not a time zone file")]:
            with tempfile.TemporaryDirectory() as folder:
                here = pathlib.Path(folder)
                (here / "at.csv").write_text("at\n2024-07-01 00:00:00+00\n")
                (here / "zones.yaml").write_text(PIPELINE.format(zone="Europe/Berlin"))
                zones = here / "zones"
                (zones / "Europe").mkdir(parents=True)
                if content is not None:
                    (zones / "Europe/Berlin").write_bytes(content)
                ended = subprocess.run([command_line.BINARY, "validate", "zones.yaml"], cwd=here, capture_output=True,
                                       text=True, timeout=command_line.PATIENCE, env={**os.environ, "TZDIR": str(zones)})
                self.assertNotEqual(ended.returncode, 0)
                self.assertIn(code, ended.stderr)
                self.assertRegex(ended.stderr, re.escape(says))
                self.assertIn("zones.yaml:3:", ended.stderr)


if __name__ == "__main__":
    unittest.main()
