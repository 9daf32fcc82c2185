"""Random texts that are cast to other types: values in every way that both read, and texts that neither reads."""

from typed import BIGINT, BOOLEAN, DATE, DECIMAL, DOUBLE, INTEGER, INTERVAL, REAL, SMALLINT, TIME, TIMESTAMP, TIMESTAMPTZ, Rule

WHOLE_NUMBERS = ("0", "7", "32767", "32768", "-32768", "2147483647", "2147483648", "-2147483648", "9223372036854775807", "9223372036854775808",
                 "-9223372036854775808", "-9223372036854775809", "007", "99999999999999999999999", "1 2", "1_000", "0x1A", "--1", "", "-", "1,000")
FRACTIONS = (".5", "5.", "0.1", "1.005", "-2.675", "1e3", "1E-3", "1e", "e5", "1e+2", "1.5e2", "12.5e-1", "1.2.3", ".", "0.30000000000000004",
             "123456789.123456789", "-0", "-0.0", "1e22", "1e23", "9007199254740993", "4.35", "3.4028235e38", "1e39", "1e-45", "1e-46", "1.1754944e-38")
DOUBLES = ("1e308", "1.8e308", "1e400", "5e-324", "1e-400", "2.2250738585072014e-308", "NaN", "nan", "Infinity", "-infinity", "inf", "+inf", "-Inf",
           "infinit", "1d", "1f")
BOOLEANS = ("true", "TRUE", "t", "T", "false", "f", "yes", "y", "no", "N", "on", "OFF", "1", "0", "", "2", "ja", "truee", "x")
UNITS = ("year", "years", "mon", "mons", "month", "months", "week", "weeks", "day", "days", "hour", "hours", "hr", "min", "mins", "minute", "minutes",
         "sec", "secs", "second", "seconds", "ms", "millisecond", "us", "microseconds", "decade", "century", "millennium", "y", "d", "h", "m", "s",
         "quarter", "fortnight")
AMOUNTS = ("0", "1", "2", "-1", "+3", "12", "0.5", "-1.5", "1.25", "0.1", "100", "2.000001", "0.0000005", "-0.3")


def whole_number(chance):
    return _blanks(chance, _signed(chance, chance.choice(WHOLE_NUMBERS)))


def fraction(chance):
    return _blanks(chance, _signed(chance, chance.choice(WHOLE_NUMBERS + FRACTIONS)))


def double(chance):
    """Not in hexadecimal digits, which only PostgreSQL reads."""
    return _blanks(chance, _signed(chance, chance.choice(WHOLE_NUMBERS + FRACTIONS + DOUBLES).replace("0x", "x")))


def boolean(chance):
    return _blanks(chance, chance.choice(BOOLEANS))


def date(chance):
    year = chance.choice(("2024", "2023", "1900", "2000", "0001", "9999", "0000", "1582", "12345", "2038"))
    month = chance.choice(("01", "2", "02", "12", "00", "13", "10"))
    day = chance.choice(("1", "01", "28", "29", "30", "31", "32", "00"))
    return _blanks(chance, f"{year}-{month}-{day}" + (" BC" if chance.random() < 0.1 else ""))


def time(chance):
    made = chance.choice(("00", "1", "01", "12", "23", "24", "25")) + ":" + chance.choice(("00", "59", "60", "30"))
    if chance.random() < 0.7:
        made += ":" + chance.choice(("00", "59", "60", "07"))
        if chance.random() < 0.6:
            made += chance.choice((".5", ".123456", ".1234565", ".9999999", ".999999", ".0", ".0000005", ".00000049"))
    return made


def timestamp(chance):
    made = date(chance).strip()
    era = " BC" if made.endswith(" BC") else ""
    made = made.removesuffix(" BC")
    if chance.random() < 0.9:
        made += chance.choice((" ", "T", "  ")) + time(chance)
    return _blanks(chance, made + era)


def timestamptz(chance):
    made = timestamp(chance).strip()
    era = " BC" if made.endswith(" BC") else ""
    made = made.removesuffix(" BC")
    if ":" in made:
        made += chance.choice(("", "+00", "Z", "+02", "-05:30", "+0545", " +01", "+15", "-15:59", " UTC"))
    return _blanks(chance, made + era)


def interval(chance):
    if chance.random() < 0.15:
        return _iso_interval(chance)
    parts = [f"{chance.choice(AMOUNTS)}{chance.choice((' ', ' ', ''))}{chance.choice(UNITS)}" for _ in range(chance.randrange(1, 4))]
    if chance.random() < 0.3:
        parts.append(chance.choice(("", "-", "+")) + time(chance))
    return ("@ " if chance.random() < 0.05 else "") + " ".join(parts) + (" ago" if chance.random() < 0.1 else "")


def _iso_interval(chance):
    made = "P" + "".join(chance.choice(("1", "2", "-1", "1.5", "0", "14", "0.1")) + unit for unit in "YMWD" if chance.random() < 0.4)
    late = "".join(chance.choice(("1", "36", "-1", "0.5", "2.25")) + unit for unit in "HMS" if chance.random() < 0.4)
    return made + ("T" + late if late else "")


def _signed(chance, text):
    return chance.choice(("", "", "", "-", "+")) + text


def _blanks(chance, text):
    return chance.choice(("", " ", "\t")) + text + chance.choice(("", " ")) if chance.random() < 0.15 else text


def rules():
    """Casts of such a text: behind a condition, so that each row is asked."""
    for of, draws in ((BOOLEAN, boolean), (SMALLINT, whole_number), (INTEGER, whole_number), (BIGINT, whole_number), (DECIMAL, fraction),
                      (REAL, double), (DOUBLE, double), (DATE, date), (TIME, time), (TIMESTAMP, timestamp), (TIMESTAMPTZ, timestamptz),
                      (INTERVAL, interval)):
        postgres = {DECIMAL: "numeric(10,2)", DOUBLE: "double precision"}.get(of, of)
        template = "(case when id % 7 <> {0} % 7 then '{drawn}'::text end)::"
        yield Rule(of, template + of, (INTEGER,), postgres=template + postgres, draws=draws, weight=6)
