"""Dates, times and intervals in the random expressions: rules, literals, columns and formats."""

import typing

from typed import (BOOLEAN, DATE, DECIMAL, DOUBLE, INEXACT, INTEGER, INTERVAL, SCALED, TEMPORAL, TEXT, TIME, TIMESTAMP,
                   TIMESTAMPTZ, Rule)

# A seed takes one of them. Summer time of half an hour and in the south, none at all, an offset that is no whole hour.
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC", "America/St_Johns", "Africa/Casablanca",
         "Pacific/Apia", "Europe/Dublin")

TRUNCATED = ("microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade",
             "century", "millennium")
DATE_FIELDS = ("millennium", "century", "decade", "year", "quarter", "month", "week", "isoyear", "day", "dow", "isodow", "doy", "epoch")
TIME_FIELDS = ("hour", "minute", "second", "milliseconds", "microseconds", "epoch")
INTERVAL_FIELDS = ("millennium", "century", "decade", "year", "quarter", "month", "day", *TIME_FIELDS)
ZONE_FIELDS = ("timezone", "timezone_hour", "timezone_minute")

PARTS = ("YYYY", "YYY", "YY", "Y", "Y,YYY", "FMYYYY", "IYYY", "IYY", "IY", "I", "MM", "FMMM", "MMth", "Month", "FMMONTH", "month", "Mon",
         "MON", "mon", "RM", "rm", "DD", "FMDD", "DDTH", "DDD", "FMDDD", "IDDD", "D", "ID", "Day", "FMDAY", "day", "Dy", "DY", "dy", "Q",
         "WW", "W", "IW", "CC", "J", "BC", "ad", "B.C.", "HH24", "HH12", "HH", "FMHH24", "MI", "SS", "SSth", "SSSS", "SSSSS", "MS", "US",
         "FF1", "FF2", "FF3", "FF4", "FF5", "FF6", "AM", "p.m.", '"at"', "FXYYYY")
ZONE_PARTS = ("TZ", "tz", "OF", "TZH", "TZM")
SEPARATORS = (" ", "-", "/", ":", ".", ", ", " | ", "_", "é")
# What can be read again, whole.
READABLE_DATES = ("YYYY-MM-DD", "DD.MM.YYYY", "YYYYMMDD", "FMDD/FMMM/YYYY", "Mon DD, YYYY", "FMMonth DD YYYY", "YYYY DDD", "DD MON YYYY",
                  '"on "YYYY"/"MM"/"DD')
READABLE_TIMES = ("HH24:MI:SS", "HH24:MI:SS.US", "HH12:MI:SS AM", "HH24MISS", "SSSS", "HH24:MI:SS.MS", 'HH24"h"MI', "HH:MI:SS.FF6 p.m.")


class Span(typing.NamedTuple):
    """An interval as both keep it."""
    months: int
    days: int
    microseconds: int


def date_time_format(chance, parts=PARTS + ZONE_PARTS):
    made = chance.choice(parts)
    for _ in range(chance.randrange(4)):
        made += chance.choice(SEPARATORS) + chance.choice(parts)
    return made


def format_without_zone(chance):
    return date_time_format(chance, PARTS)


def format_with_zone(chance):
    return date_time_format(chance) + " " + chance.choice(ZONE_PARTS)


def readable_date(chance):
    return chance.choice(READABLE_DATES)


def readable_time(chance):
    return chance.choice(READABLE_DATES[:7]) + chance.choice((" ", "T", " at ")).replace("T", '"T"').replace("at", '"at"') + chance.choice(
        READABLE_TIMES)


def rules():
    yield from _conditions()
    yield from _days()
    yield from _moments()
    yield from _intervals()
    yield from _fields()
    yield from _as_text()


def _conditions():
    for left, right in ((DATE, TIMESTAMP), (TIMESTAMP, DATE), (TIMESTAMP, TIMESTAMPTZ), (DATE, TIMESTAMPTZ), (TIMESTAMPTZ, TIMESTAMP)):
        for sign in ("=", "<", ">="):
            yield Rule(BOOLEAN, "({0} %s {1})" % sign, (left, right))


def _days():
    yield Rule(DATE, "({0} + {1} % 4000)", (DATE, INTEGER), weight=3)
    yield Rule(DATE, "({1} % 4000 + {0})", (DATE, INTEGER))
    yield Rule(DATE, "({0} - {1} % 4000)", (DATE, INTEGER), weight=3)
    yield Rule(INTEGER, "({0} - {1})", (DATE, DATE))
    for of in (TIMESTAMP, TIMESTAMPTZ):
        yield Rule(DATE, "{0}::date", (of,), weight=3)
    yield Rule(DATE, "{0}::text::date", (DATE,))
    yield Rule(DATE, "make_date(1990 + {0} % 60, 1 + {1} % 13, 1 + {2} % 32)", (INTEGER, INTEGER, INTEGER), weight=2)
    yield Rule(DATE, "make_date({0}, 2, 29)", (INTEGER,))
    yield Rule(DATE, "to_date(to_char({0}, '{drawn}'), '{drawn}')", (DATE,), draws=readable_date, weight=2,
               postgres="to_date(to_char({0}::timestamp, '{drawn}'), '{drawn}')")


def _moments():
    for of in (DATE, TIMESTAMPTZ):
        yield Rule(TIMESTAMP, "{0}::timestamp", (of,), weight=2)
    for of in (DATE, TIMESTAMP):
        yield Rule(TIMESTAMPTZ, "{0}::timestamptz", (of,), weight=3)
    for sign in "+-":
        for of, gives in ((DATE, TIMESTAMP), (TIMESTAMP, TIMESTAMP), (TIMESTAMPTZ, TIMESTAMPTZ)):
            yield Rule(gives, "({0} %s {1})" % sign, (of, INTERVAL), weight=4)
        yield Rule(TIME, "({0} %s {1})" % sign, (TIME, INTERVAL), weight=2)
    for of in (DATE, TIMESTAMP, TIMESTAMPTZ):
        yield Rule(TIMESTAMPTZ if of == TIMESTAMPTZ else TIMESTAMP, "({1} + {0})", (of, INTERVAL))
    yield Rule(TIME, "({1} + {0})", (TIME, INTERVAL))
    yield Rule(TIMESTAMP, "({0} + {1})", (DATE, TIME))
    yield Rule(TIMESTAMP, "({1} + {0})", (DATE, TIME))
    for unit in TRUNCATED:
        yield Rule(TIMESTAMP, f"date_trunc('{unit}', {{0}})", (TIMESTAMP,))
        yield Rule(TIMESTAMPTZ, f"date_trunc('{unit}', {{0}})", (TIMESTAMPTZ,), weight=2)
        yield Rule(TIMESTAMP, f"date_trunc('{unit}', {{0}})", (DATE,), postgres=f"date_trunc('{unit}', {{0}}::timestamp)")
    for of in (TIMESTAMP, TIMESTAMPTZ):
        yield Rule(TIME, "{0}::time", (of,), weight=2)
    for of in (TIME, TIMESTAMP, TIMESTAMPTZ):
        yield Rule(of, "{0}::text::%s" % of, (of,))
    yield Rule(TIMESTAMP, "make_timestamp(2024, 1 + {0} % 12, 28, {1} % 25, {2} % 60, {3}::double)", (INTEGER, INTEGER, INTEGER, DECIMAL),
               postgres="make_timestamp(2024, 1 + {0} % 12, 28, {1} % 25, {2} % 60, {3}::double precision)", refuses=INEXACT)
    yield from _made()
    yield Rule(TIMESTAMPTZ, "to_timestamp({0})", (DOUBLE,))
    yield Rule(TIMESTAMPTZ, "to_timestamp({0}::double)", (INTEGER,), postgres="to_timestamp({0}::double precision)")
    yield Rule(TIMESTAMPTZ, "to_timestamp(to_char({0}, '{drawn}'), '{drawn}')", (TIMESTAMP,), draws=readable_time, weight=3)


# Seconds near the ends of their range, which are rounded to microseconds before they are checked.
SECONDS = ("0", "-3e-14", "-4e-7", "-6e-7", "59.9999999", "59.9999994", "60", "60.0000004", "60.0000006", "60.5", "1e300")


def seconds(chance):
    return chance.choice(SECONDS)


def zone(chance):
    return chance.choice(ZONES)


def _made():
    yield Rule(TIMESTAMP, "make_timestamp(2024, 1 + {0} % 12, 28, {1} % 25, {2} % 60, '{drawn}'::double)", (INTEGER, INTEGER, INTEGER),
               postgres="make_timestamp(2024, 1 + {0} % 12, 28, {1} % 25, {2} % 60, '{drawn}'::double precision)", draws=seconds)
    yield Rule(TIME, "make_time({0} % 24, {1} % 60, '{drawn}'::double)", (INTEGER, INTEGER),
               postgres="make_time({0} % 24, {1} % 60, '{drawn}'::double precision)", draws=seconds)
    yield Rule(TIMESTAMPTZ, "make_timestamptz(2024, 1 + {0} % 12, 28, {1} % 25, {2} % 60, '{drawn}'::double)", (INTEGER, INTEGER, INTEGER),
               postgres="make_timestamptz(2024, 1 + {0} % 12, 28, {1} % 25, {2} % 60, '{drawn}'::double precision)", draws=seconds)
    yield Rule(TIMESTAMPTZ, "make_timestamptz(2024, 1 + {0} % 12, 28, {1} % 25, {2} % 60, 1.5, '{drawn}')", (INTEGER, INTEGER, INTEGER),
               draws=zone)
    yield Rule(INTERVAL, "make_interval({0} % 1000, {1} % 1000, {0} % 1000, {1} % 1000, {0} % 1000, {1} % 1000, '{drawn}'::double)",
               (INTEGER, INTEGER), postgres="make_interval({0} % 1000, {1} % 1000, {0} % 1000, {1} % 1000, {0} % 1000, {1} % 1000, "
                                            "'{drawn}'::double precision)", draws=lambda chance: chance.choice(SECONDS[:-1]))
    yield Rule(INTERVAL, "make_interval(days => {0} % 1000, secs => {1}::double)", (INTEGER, INTEGER),
               postgres="make_interval(days => {0} % 1000, secs => {1}::double precision)")
    yield Rule(TIMESTAMPTZ, "({0} at time zone '{drawn}')", (TIMESTAMP,), draws=zone, weight=3)
    for of in (TIMESTAMPTZ, DATE):
        yield Rule(TIMESTAMP, "({0} at time zone '{drawn}')", (of,), draws=zone, weight=3)
    yield Rule(TIMESTAMP, "({0} at time zone interval '-5:30')", (TIMESTAMPTZ,))


def _intervals():
    for of in (TIME, TIMESTAMP, TIMESTAMPTZ):
        yield Rule(INTERVAL, "({0} - {1})", (of, of), weight=2)
    for sign in "+-":
        yield Rule(INTERVAL, "({0} %s {1})" % sign, (INTERVAL, INTERVAL), weight=2)
    yield Rule(INTERVAL, "(- {0})", (INTERVAL,))
    yield Rule(INTERVAL, "{0}::interval", (TIME,))
    yield Rule(INTERVAL, "{0}::text::interval", (INTERVAL,))
    for sign in "*/":
        yield Rule(INTERVAL, "({0} %s {1})" % sign, (INTERVAL, DOUBLE))
        yield Rule(INTERVAL, "({0} %s ({1} %% 1000))" % sign, (INTERVAL, INTEGER), weight=2)
        yield Rule(INTERVAL, "({0} %s {1}::decimal(10,2)::double)" % sign, (INTERVAL, DECIMAL),
                   postgres="({0} %s {1}::numeric(10,2)::double precision)" % sign, refuses=INEXACT, weight=2)
    yield Rule(INTERVAL, "({1} * {0})", (INTERVAL, DOUBLE))


def _fields():
    takes = {DATE: DATE_FIELDS, TIMESTAMP: DATE_FIELDS + TIME_FIELDS, TIMESTAMPTZ: DATE_FIELDS + TIME_FIELDS + ZONE_FIELDS,
             TIME: TIME_FIELDS, INTERVAL: INTERVAL_FIELDS}
    for of, fields in takes.items():
        for field in fields:
            yield Rule(DECIMAL, f"extract({field} from {{0}})", (of,), traits=SCALED)
            yield Rule(DOUBLE, f"date_part('{field}', {{0}})", (of,))


def _as_text():
    for of in TEMPORAL:
        text = "utc_text({0})" if of == TIMESTAMPTZ else "{0}::text"
        yield Rule(TEXT, "{0}::text", (of,), postgres=text, weight=3)
        if of == TIMESTAMPTZ:
            continue
        yield Rule(TEXT, "({0} || {1})", (TEXT, of))
        yield Rule(TEXT, "concat({0}, {1})", (of, TEXT))
    for of in (TIMESTAMP, TIMESTAMPTZ):
        yield Rule(TEXT, "to_char({0}, '{drawn}')", (of,), draws=date_time_format, weight=12)
    yield Rule(TEXT, "to_char({0}, '{drawn}')", (DATE,), draws=format_without_zone, weight=8,
               postgres="to_char({0}::timestamp, '{drawn}')")
    yield Rule(TEXT, "to_char({0}, '{drawn}')", (DATE,), draws=format_with_zone, weight=4)


# Texts that take their type from what is beside them, and types that meet; see expressions.py.
BARE = {DATE: ("2024-02-29", "1582-10-15"), TIME: ("12:00", "23:59:59.999999"), TIMESTAMP: ("2024-03-31 02:30", "2024-02-29"),
        TIMESTAMPTZ: ("2024-10-27 02:30", "2024-03-10 02:30:00", "2024-10-27 01:30+00"), INTERVAL: ("1 mon", "-1 day 2:03")}
COMMON = ((DATE, TIMESTAMP, TIMESTAMP), (TIMESTAMP, TIMESTAMPTZ, TIMESTAMPTZ), (TIMESTAMPTZ, DATE, TIMESTAMPTZ))

LITERALS = {
    DATE: ["date '2024-02-29'", "date '1970-01-01'", "date '1582-10-15'", "date '2024-12-30'"],
    TIME: ["time '00:00:00'", "time '23:59:59.999999'", "time '02:30:00'"],
    TIMESTAMP: ["timestamp '2024-03-31 02:30:00'", "timestamp '2024-10-27 02:30:00'", "timestamp '2000-01-01 00:00:00'"],
    TIMESTAMPTZ: ["timestamptz '2024-10-27 00:30:00+00'", "timestamptz '2024-10-27 01:30:00+00'", "timestamptz '2050-07-01 22:30:00+00'"],
    INTERVAL: ["interval '1 day'", "interval '1 mon'", "interval '1 hour'", "interval '-1 mon +3 days -04:05:06.7'",
               "interval '00:00:00'", "interval '1' day", "interval '-7' month", "interval '90' minute"],
}

# Local times at which clocks change in the zones, and a moment before and behind.
_CHANGES = ("2024-03-31 02:00:00", "2024-03-31 02:59:59.999999", "2024-10-27 02:00:00", "2024-10-27 02:30:00", "2024-10-27 03:00:00",
            "2024-03-10 02:30:00", "2024-11-03 01:30:00", "2024-11-03 00:01:30", "2024-10-06 02:15:00", "2024-04-07 01:45:00",
            "2024-04-07 02:00:00", "2038-01-19 03:14:08", "2050-03-27 02:30:00", "2050-10-30 02:30:00", "2011-12-30 12:00:00",
            "1883-11-18 12:03:58", "1893-04-01 00:00:00", "2024-03-10 03:15:00", "2024-04-14 02:30:00")
_EDGES = ("0001-01-01 00:00:00", "1582-10-04 23:59:59.999999", "1582-10-15 00:00:00", "1900-02-28 12:00:00", "1969-12-31 23:59:59.999999",
          "1970-01-01 00:00:00", "2000-02-29 12:34:56.789", "2020-12-31 23:00:00", "2021-01-03 01:00:00", "2024-02-29 00:00:00.000001",
          "2024-12-30 06:07:08.09", "9999-12-31 23:59:59.999999")

COLUMNS = {
    "day": (DATE, sorted({each[:10] for each in _CHANGES + _EDGES}) + ["2023-02-28", "2023-12-31", "2100-02-28", None]),
    "clock": (TIME, ["00:00:00", "00:00:00.000001", "01:30:00", "02:15:00", "12:34:56.789", "12:00:00", "23:59:59.999999", None]),
    "at": (TIMESTAMP, [*_CHANGES, *_EDGES, None]),
    "moment": (TIMESTAMPTZ, [*_CHANGES, *_EDGES, "2024-03-31 00:59:59", "2024-03-31 01:00:00", "2024-10-27 00:30:00", "2024-10-27 01:30:00",
                             "2024-03-10 07:00:00", "2024-11-03 05:30:00", "2024-11-03 06:30:00", "2024-10-05 15:30:00",
                             "2024-04-06 15:15:00", "2024-04-06 14:45:00", None]),
    "span": (INTERVAL, [Span(0, 0, 0), Span(1, 0, 0), Span(0, 30, 0), Span(-1, 0, 0), Span(0, 1, 0), Span(0, 0, 86_400_000_000),
                        Span(0, -1, 7_384_500_000), Span(14, -3, 0), Span(0, 0, 1), Span(0, 0, -1), Span(1200, 0, 0),
                        Span(0, 0, -1_800_000_000), Span(0, 1, -3_600_000_000), Span(11, 29, 86_399_999_999),
                        Span(-14, 3, -14_706_700_000), None]),
}
