"""What Sluice does in another way than PostgreSQL, by choice: the one list. The table in docs/expressions.md is made
from it (differential_test.py --table) and differential_test.py checks that it is the same.

`explains(case)` says which disagreements of the random test a difference explains; most differences are outside of
what the test generates.
"""

import dataclasses
import re

FAILED = "an error"  # what a row gives that fails


@dataclasses.dataclass(frozen=True)
class Case:
    text: str  # of the expression, as Sluice reads it
    postgres: object  # what the row gave: a text, None for null, or FAILED
    sluice: object
    message: str = ""  # of Sluice's reject
    postgres_message: str = ""


def _nothing(_):
    return False


@dataclasses.dataclass(frozen=True)
class Difference:
    sluice: str
    postgres: str
    reason: str
    explains: object = _nothing


def _beyond_digits(case):
    return case.sluice is FAILED and re.search(r"(numeric_overflow|out_of_range): .*decimal\(", case.message) is not None


def _no_number(case):
    special = ("NaN", "Infinity", "-Infinity")
    return case.sluice is FAILED and (case.postgres in special or re.search("expected decimal.*, found ' *-?(NaN|Infinity)",
                                                                            case.message) is not None)


def _interval_range(case):
    return case.sluice is FAILED and case.postgres is not FAILED and case.message == "out_of_range: the interval is out of range"


def _time_range(case):
    beyond = re.search(r"(date|timestamp) out of range|value out of range|out of range for", case.postgres_message)
    infinite = re.search(r"-?(Infinity|NaN) seconds are out of the range of timestamptz", case.message)
    return case.sluice is not FAILED and beyond is not None or case.sluice is FAILED and infinite is not None


def _long_year(case):
    return case.sluice is FAILED and re.search(r"expected a (date|timestamptz|timestamp) as .*found '.*\b\d{5,}", case.message) is not None


def _end_of_day(case):
    return case.sluice is FAILED and re.match(r"out_of_range: there is no time 23, 59, [0-9.]+$", case.message) is not None


def _between_doubles(case):
    return isinstance(case.postgres, str) and "9.999999999999999e+22" in case.postgres


DIFFERENCES = [
    Difference("A decimal has at most 76 digits, and at most 38 where neither side of an operation has more; beyond that the "
               "row is an error", "numeric has 131,072 digits", "columns of one width, as files and other systems have them",
               _beyond_digits),
    Difference("Decimals are numbers: casting NaN or infinity to decimal is an error", "numeric has NaN and infinities",
               "as above", _no_number),
    Difference("All decimals of a column have the same number of places: `case when true then 1 else 2.5 end` is 1.0",
               "each value has its own", "as above; the values are equal"),
    Difference("A quotient of decimals has the places that the smallest quotient of its types needs",
               "each quotient has the places that it needs", "as above; there are never fewer digits"),
    Difference("`exp`, `ln`, `log`, `power`, `sqrt` and `sign` of decimals are double", "numeric",
               "an unlimited number of digits must end somewhere"),
    Difference("`avg` of integers, `stddev` and `variance` are double, computed exactly and rounded once",
               "numeric for integers and decimals", "the same bits for any order of rows"),
    Difference("`sum` of integers is bigint; a sum beyond it is an error of its group", "numeric for bigint",
               "a sum keeps the type that other systems expect; `sum(x::decimal(38,0))` has more room"),
    Difference("Sums and averages of real and double are computed exactly: only the total can overflow; of real they are "
               "double", "rounded at each row; `sum` of real is real", "the same bits for any order of rows"),
    Difference("`stddev` and `variance` of doubles beyond 1e135 are an error", "beyond about 1e154", "the sums are exact"),
    Difference("`case`, `coalesce`, `greatest` and their like make double of real beside other numbers", "real", "no digit is lost"),
    Difference("A double is written with the fewest digits that read back as it: `1e+23`",
               "`9.999999999999999e+22`: digits that lie just between two doubles are not used", "both read back as the same double",
               _between_doubles),
    Difference("A double becomes a decimal by its shortest digits", "by 15 digits", "no digit is lost"),
    Difference("An error in a part of `case`, `coalesce`, `and` or `or` that is not needed never counts",
               "an error of constants counts when the statement is planned", "the result does not depend on the planner"),
    Difference("`x and false` and `x or true` fail where x fails", "x is left out when the statement is planned",
               "errors do not depend on what the planner sees"),
    Difference("`x in (a, b)` compares from left to right and stops at the first that is equal",
               "constants are compared first", "the order that is written"),
    Difference("Casts from text accept only the usual form of a type: booleans are true, false, t, f, yes, no, y, n, on, off, "
               "1 and 0, a decimal point in seconds is followed by digits, doubles are decimal, dates begin with the year",
               "any beginning of these words, `12:00:07.`, `0x1p3`, `May 1 2024`, `today`", "a misspelt value is an error, not a value"),
    Difference("A cast of a text with an offset (`'2024-05-01 12:00+02'`) to timestamp or date is an error",
               "the offset is left out", "the value would silently be another time"),
    Difference("`to_date` and `to_timestamp` read only what follows the format exactly, years of four digits for `YYYY`; formats with "
               "week, quarter, century, era or zone are refused", "texts that nearly match are read, too",
               "a misspelt date is an error, not another date", _long_year),
    Difference("A letter without a meaning in a format is refused, and so are `TM` and `SP`", "it is copied",
               "a mistyped pattern is noticed before anything runs"),
    Difference("Regular expressions have no back-references and no lookaround", "they have", "the time grows linearly with the text"),
    Difference("`like` with a pattern that ends in its escape character is an error", "an error only where a text gets that far",
               "the result of a row depends on its pattern, not on how it is compared"),
    Difference("A number with an exponent, `1e3`, is double", "numeric", "an unlimited number of digits must end somewhere"),
    Difference("Dates and timestamps begin 5877642 and 290308 BC, and timestamps end in 294247; there is no infinity",
               "4713 BC to 5874897 and 294276; infinity", "the range of Arrow's types", _time_range),
    Difference("A timestamptz is written as text in UTC, with `+00`", "in the zone of the session", "the same text in every zone"),
    Difference("The part of an interval below a day has at most 292 years of hours", "about 290,000", "the range of Arrow's types",
               _interval_range),
    Difference("`P0001-02-03T04:05:06` and a number without a unit before another number are not intervals", "they are",
               "too easily misread"),
    Difference("An interval whose time is before a part of a day (`1:00 1.5 days`) is an error", "the part of the day is lost",
               "no value is lost"),
    Difference("`date_trunc` of a date is a timestamp", "a timestamptz", "the result does not depend on the zone"),
    Difference("`to_char` of a date is that of its midnight, unless the format shows the zone", "of a timestamptz, which is another day where "
               "a clock change skips midnight", "a date stays the same date in every zone"),
    Difference("The argument of a window function or an aggregate with `over` is computed in every row, and an error in it is one of its row",
               "only in rows that a frame reaches", "the result does not depend on the frame"),
    Difference("`make_time(24, 0, 0)` is an error", "24:00:00", "the range of Arrow's types", _end_of_day),
    Difference("`make_interval` beyond the range of intervals is an error", "the parts wrap around", "no value is silently another one"),
    Difference("`interval '1.5' day` is an error, and so is a range of units (`day to second`)", "1 day: what is smaller than the unit is lost",
               "no value is lost"),
    Difference("`at time zone '+02'` is an error", "two hours to the west", "easily misread; `at time zone interval '2 hours'` is to the east"),
    Difference("`to_hex` of a negative number has 16 digits", "8 for an integer", "one result for one number"),
    Difference("`sha256` gives hex digits as text", "bytea", "the form in which hashes are compared"),
    Difference("Text is compared byte by byte, in every locale", "by the database's collation", "the same order everywhere"),
    Difference("A result of `repeat`, `lpad` or `rpad` has at most 16 MiB", "1 GiB", "a mistyped length does not fill the memory"),
    Difference("`union` widens the types of its inputs so that no value changes, and matches columns by name",
               "by position", "inputs are files whose columns may come in any order"),
    Difference("`json` and `jsonb` are one type: JSON as it was written, with all operators of both; a cast to `jsonb` and functions called `jsonb_...` give jsonb's normal form",
               "two types", "a column need not be written again to be looked into"),
    Difference("`json_object_keys`, `json_array_elements`, `jsonb_path_query` and their like give lists; `unnest` makes rows of them",
               "functions that return rows", "an expression has one value a row"),
    Difference("`numeric` without digits is `decimal(38,9)`; a cast to it keeps the digits of integers, decimals and constants",
               "unlimited digits", "columns of one width"),
    Difference("A list as text is written as JSON, `[\"a\",null]`, and read in this form and in PostgreSQL's, `{a,NULL}`",
               "`{a,NULL}`", "one form for nested values"),
]


def explained(case):
    return any(each.explains(case) for each in DIFFERENCES)


def table():
    """The lines of the table as docs/expressions.md has it."""
    return ["| Sluice | PostgreSQL | why |", "|---|---|---|",
            *(f"| {each.sluice} | {each.postgres} | {each.reason} |" for each in DIFFERENCES)]
