"""When a value of Sluice and one of PostgreSQL are the same."""

import decimal
import math

import pyarrow as pa

import expressions

decimal.getcontext().prec = 400


def values(column):
    """The values of a column: dates and times as numbers of days or microseconds, as PostgreSQL's compared() gives them."""
    of = column.type
    if pa.types.is_timestamp(of) or pa.types.is_time64(of):
        assert of.unit == "us", of
        return column.cast(pa.int64()).to_pylist()
    if pa.types.is_date32(of):
        return column.cast(pa.int32()).to_pylist()
    if of == pa.month_day_nano_interval():
        return [None if each is None else f"{each.months},{each.days},{each.nanoseconds // 1000}" for each in column.to_pylist()]
    return column.to_pylist()


def same(of, value, text, traits=frozenset()):
    """Compares a value from Arrow with PostgreSQL's text; None and None are nulls."""
    if value is None or text is None:
        return value is None and text is None
    if pa.types.is_boolean(of):
        return text in (("true", "t") if value else ("false", "f"))
    if of == pa.month_day_nano_interval():
        return value == text or "length" in traits and _length(value) == _length(text)
    if pa.types.is_integer(of) or pa.types.is_temporal(of):
        return decimal.Decimal(value) == _number(text)
    if pa.types.is_decimal(of) and "near" not in traits:
        if "quotient" in traits:
            return _same_quotient(value, _number(text), "worked" in traits)
        return value == _number(text)
    if "near" in traits:
        # PostgreSQL rounds to the last place that it shows.
        wanted = decimal.Decimal(text)
        last_place = decimal.Decimal(10) ** wanted.as_tuple().exponent
        return abs(decimal.Decimal(value) - wanted) <= max(last_place / 2, abs(wanted) * decimal.Decimal("1e-13"))
    if pa.types.is_floating(of):
        return _same_double(value, float(text), of)
    return value == text


def _length(interval):
    """Of the text of an interval, in microseconds: intervals that are equal by it are equal."""
    months, days, microseconds = (int(each) for each in interval.split(","))
    return (months * 30 + days) * 86_400_000_000 + microseconds


def _number(text):
    return decimal.Decimal(text)


def _same_double(value, wanted, of):
    if math.isnan(value) or math.isnan(wanted):
        return math.isnan(value) and math.isnan(wanted)
    return value == (expressions.single(wanted) if of == pa.float32() and math.isfinite(wanted) else wanted)


def _same_quotient(value, wanted, worked):
    """Sluice gives at least as many places as PostgreSQL: in these both agree, as far as PostgreSQL's are exact."""
    if not wanted.is_finite():
        return False
    difference = abs(value - wanted)
    last_place = decimal.Decimal(10) ** wanted.as_tuple().exponent
    if not worked:
        return difference <= last_place / 2
    return difference <= 4 * last_place or difference <= abs(wanted) * decimal.Decimal("1e-14")
