"""When a value of Sluice and one of PostgreSQL are the same."""

import decimal
import math

import pyarrow as pa

import expressions

decimal.getcontext().prec = 400


def same(of, value, text, traits=frozenset()):
    """Compares a value from Arrow with PostgreSQL's text; None and None are nulls."""
    if value is None or text is None:
        return value is None and text is None
    if pa.types.is_boolean(of):
        return text in (("true", "t") if value else ("false", "f"))
    if pa.types.is_integer(of):
        return decimal.Decimal(value) == _number(text)
    if pa.types.is_decimal(of):
        if "quotient" in traits:
            return _same_quotient(value, _number(text), "worked" in traits)
        return value == _number(text)
    if pa.types.is_floating(of):
        return _same_double(value, float(text), of)
    return value == text


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
