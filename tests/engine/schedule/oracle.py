"""Writes what cronsim says of cron expressions in all zones over 20 years, as C++ tests read it: one line a zone and
expression, with a checksum over all times.

    oracle.py FILE            writes the file
    oracle.py FILE --check    exits 1 where it would be another one
"""
import datetime
import pathlib
import sys
import zoneinfo

from cronsim import CronSim

# Times that skipped and repeated hours concern, and all forms of fields.
EXPRESSIONS = ["30 2 * * *", "0,30 0-4 * * *", "*/30 * * * 6,0", "15 1 1,15 * 1", "59 23 28-31 2,3,10 SUN"]
BEGIN = datetime.datetime(2015, 1, 1, tzinfo=datetime.timezone.utc)
END = datetime.datetime(2035, 1, 1, tzinfo=datetime.timezone.utc)
MASK = (1 << 64) - 1


def zones():
    """Of each set of zones with the same rules one, so that no rule is left out and the test stays quick."""
    kept = {}
    for name in sorted(zoneinfo.available_timezones()):
        if name.startswith(("posix/", "right/", "SystemV/")) or name in ("localtime", "Factory"):
            continue
        zone = zoneinfo.ZoneInfo(name)
        offsets = tuple((BEGIN + datetime.timedelta(hours=6 * step)).astimezone(zone).utcoffset()
                        for step in range(0, 4 * 7305, 1))
        kept.setdefault(offsets, name)
    return sorted(kept.values())


def checksum(expression, zone):
    """FNV-1a over the seconds of all times, and how many there are; a time that comes twice counts once."""
    total, count, last = 0xCBF29CE484222325, 0, None
    for moment in CronSim(expression, BEGIN.astimezone(zoneinfo.ZoneInfo(zone))):
        seconds = int(moment.timestamp())
        if moment.astimezone(datetime.timezone.utc) >= END:
            break
        if seconds == last or seconds <= int(BEGIN.timestamp()):
            continue
        last = seconds
        total = ((total ^ seconds) * 0x100000001B3) & MASK
        count += 1
    return f"{count} {total:016x}"


def text():
    lines = []
    for zone in zones():
        for number, expression in enumerate(EXPRESSIONS):
            if number == 2 and hash_of(zone) % 8:
                continue  # many times: in one zone of eight
            lines.append(f"{zone}|{expression}|{checksum(expression, zone)}\n")
    return "".join(lines)


def hash_of(zone):
    return sum(zone.encode())


if __name__ == "__main__":
    path = pathlib.Path(sys.argv[1])
    made = text()
    if "--check" in sys.argv:
        sys.exit(0 if path.read_text() == made else f"{path} is not what cronsim says: python3 {__file__} {path}")
    path.write_text(made)
