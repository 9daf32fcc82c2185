"""The types that the random expressions have, and what an expression and a rule that makes one are."""

import dataclasses

BOOLEAN, SMALLINT, INTEGER, BIGINT = "boolean", "smallint", "integer", "bigint"
DECIMAL, REAL, DOUBLE, TEXT = "decimal(10,2)", "real", "double", "text"
DATE, TIME, TIMESTAMP, TIMESTAMPTZ, INTERVAL = "date", "time", "timestamp", "timestamptz", "interval"
# The name of a type where PostgreSQL has another one. `decimal(10,2)` stands for decimals of any digits here.
POSTGRES_TYPES = {DECIMAL: "numeric", DOUBLE: "double precision"}
WHOLE = (SMALLINT, INTEGER, BIGINT)
TEMPORAL = (DATE, TIME, TIMESTAMP, TIMESTAMPTZ, INTERVAL)
EVERY = (BOOLEAN, SMALLINT, INTEGER, BIGINT, DECIMAL, REAL, DOUBLE, TEXT, *TEMPORAL)

INEXACT = frozenset({"quotient"})
NOT_AS_TEXT = frozenset({"quotient", "scaled"})
SCALED = frozenset({"scaled"})


@dataclasses.dataclass(frozen=True)
class Expression:
    type: str
    sluice: str
    postgres: str
    # What it does to the comparison, see `traits` of a rule.
    traits: frozenset = frozenset()
    constant: bool = False


@dataclasses.dataclass(frozen=True)
class Rule:
    """`template` has {0}, {1} ... for arguments of the types in `takes`.

    traits (of decimals): "quotient": a decimal whose places continue after those that PostgreSQL keeps, so only its leading digits can
    be compared, and it is not made text or compared; "scaled": a decimal with another number of places at its end,
    equal in value, so it is not made text; "worked": a quotient that was calculated with, whose errors may have grown.
    """
    gives: str
    template: str
    takes: tuple = ()
    postgres: str = None
    traits: frozenset = frozenset()
    weight: int = 1
    # Traits that no argument may have.
    refuses: frozenset = frozenset()
    # Gives the random text that stands for {drawn}, from a random.Random.
    draws: object = None


def quoted(text):
    """A literal of a text in both languages."""
    return "'" + text.replace("'", "''") + "'"
