"""Random typed expressions that Sluice and PostgreSQL both understand, and the rows they are evaluated over.

A rule is a template that both read; where they spell something differently it has two. A type gets more rules by adding
them to RULES, more literals and values of columns by LITERALS and COLUMNS.
"""

import random
import struct

import patterns
import spellings
import times
from typed import (BIGINT, BOOLEAN, DECIMAL, DOUBLE, EVERY, INEXACT, INTEGER, NOT_AS_TEXT, POSTGRES_TYPES, REAL, SCALED, SMALLINT,
                   TEXT, WHOLE, Expression, Rule)

# Regular expressions: longest matches, preferences, groups, classes of letters, places, empty matches.
PATTERNS = ("a|ab|abb", "(a|ab)(b|ba)?", "b*?", "(a*?)(b*)", "(a|b)*", "[^[:alpha:]]", "\\w+", "\\d*", "\\mx|y\\M", "^.", "(.)$", "",
            "(?:(a)|(b))+", "\\s\\s?", "[a-eé]+?b", "\\y")


# Texts that take their type from what is beside them.
BARE = {BOOLEAN: ("true", "f"), SMALLINT: ("7",), INTEGER: ("42", " -7 "), BIGINT: ("1000000007",), DECIMAL: ("1.00", "-2.25"), DOUBLE: ("1.5", "NaN"),
        REAL: ("-2.25",), **times.BARE}
# Types that meet, and what both become. A real meets only reals in Sluice.
COMMON = ((SMALLINT, INTEGER, INTEGER), (INTEGER, BIGINT, BIGINT), (BIGINT, SMALLINT, BIGINT), (INTEGER, DECIMAL, DECIMAL), (DECIMAL, BIGINT, DECIMAL),
          (BIGINT, DOUBLE, DOUBLE), (DECIMAL, DOUBLE, DOUBLE), (DOUBLE, SMALLINT, DOUBLE), *times.COMMON)


def _rules():
    yield from _conditions()
    yield from _numbers()
    yield from _texts()
    yield from times.rules()
    yield from spellings.rules()
    yield from _for_every_type()
    yield from _mixed()


def _conditions():
    b = BOOLEAN
    for template in ("({0} and {1})", "({0} or {1})"):
        yield Rule(b, template, (b, b), weight=3)
    yield Rule(b, "(not {0})", (b,))
    for test in ("is true", "is not true", "is false", "is not false", "is null", "is not null"):
        yield Rule(b, "({0} %s)" % test, (b,))
    for of in EVERY:
        for sign in ("=", "<>", "<", "<=", ">", ">=", "is distinct from", "is not distinct from"):
            yield Rule(b, "({0} %s {1})" % sign, (of, of), refuses=INEXACT)
        yield Rule(b, "({0} is null)", (of,))
        yield Rule(b, "({0} is not null)", (of,))
        yield Rule(b, "({0} between {1} and {2})", (of, of, of), refuses=INEXACT)
        yield Rule(b, "({0} not between {1} and {2})", (of, of, of), refuses=INEXACT)
        yield Rule(b, "({0} in ({1}, {2}))", (of, of, of), refuses=INEXACT)
        yield Rule(b, "({0} not in ({1}, {2}, {3}))", (of, of, of, of), refuses=INEXACT)
    for left, right in ((SMALLINT, BIGINT), (INTEGER, DECIMAL), (DECIMAL, DOUBLE), (BIGINT, REAL), (DOUBLE, INTEGER)):
        for sign in ("=", "<", ">="):
            yield Rule(b, "({0} %s {1})" % sign, (left, right), refuses=INEXACT)
    for pattern in ("'%a%'", "'a_'", "'%'", "''", "'A%'", "'_'", "'100\\%'", "'é%'"):
        yield Rule(b, "({0} like %s)" % pattern, (TEXT,))
        yield Rule(b, "({0} not ilike %s)" % pattern, (TEXT,))
    # A pattern that differs from row to row, and may be none.
    for sign in ("like", "not like", "ilike", "~", "~*"):
        yield Rule(b, "({0} %s {1})" % sign, (TEXT, TEXT))
    for of, texts in BARE.items():
        for text in texts:
            yield Rule(b, "({0} = '%s')" % text, (of,), refuses=INEXACT)
            yield Rule(b, "({0} < '%s')" % text, (of,), refuses=INEXACT)
            yield Rule(of, "coalesce({0}, '%s')" % text, (of,), refuses=INEXACT, traits=SCALED if of == DECIMAL else frozenset())
    for pattern in PATTERNS:
        yield Rule(b, "({0} ~ '%s')" % pattern, (TEXT,))
        yield Rule(b, "({0} ~* '%s')" % pattern, (TEXT,))
    for sign in ("~", "~*", "!~"):
        yield Rule(b, "({0} %s '{drawn}')" % sign, (TEXT,), draws=patterns.pattern, weight=8)
    yield Rule(b, "starts_with({0}, {1})", (TEXT, TEXT))
    yield Rule(b, "{0}::boolean", (INTEGER,))
    yield Rule(b, "{0}::boolean", (TEXT,))


def digits_and_places(chance):
    return chance.choice(("1,0", "3,3", "4,1", "9,2", "18,18", "20,0", "38,10", "38,38", "50,20", "76,38"))


def _numbers():
    for of in (SMALLINT, INTEGER, BIGINT, REAL, DOUBLE):
        for sign in "+-*/":
            yield Rule(of, "({0} %s {1})" % sign, (of, of), weight=2)
        yield Rule(of, "(- {0})", (of,))
        yield Rule(of, "abs({0})", (of,))
    for of in WHOLE:
        yield Rule(of, "({0} % {1})", (of, of))
        yield Rule(of, "mod({0}, {1})", (of, of))
    for left, right, gives in ((SMALLINT, INTEGER, INTEGER), (INTEGER, BIGINT, BIGINT), (REAL, DOUBLE, DOUBLE),
                               (INTEGER, DOUBLE, DOUBLE), (REAL, INTEGER, DOUBLE), (DECIMAL, DOUBLE, DOUBLE),
                               (BIGINT, DECIMAL, DECIMAL), (DECIMAL, SMALLINT, DECIMAL)):
        for sign in "+-*":
            yield Rule(gives, "({0} %s {1})" % sign, (left, right))
    for sign in "+-*":
        yield Rule(DECIMAL, "({0} %s {1})" % sign, (DECIMAL, DECIMAL), weight=2)
    yield Rule(DECIMAL, "({0} / {1})", (DECIMAL, DECIMAL), traits=frozenset({"quotient"}), refuses=INEXACT, weight=2)
    yield Rule(DECIMAL, "({0} / {1})", (INTEGER, DECIMAL), traits=frozenset({"quotient"}), refuses=INEXACT)
    yield Rule(DECIMAL, "({0} / {1})", (DECIMAL, BIGINT), traits=frozenset({"quotient"}), refuses=INEXACT)
    yield Rule(DECIMAL, "({0} % {1})", (DECIMAL, DECIMAL), refuses=INEXACT, traits=SCALED)
    yield Rule(DECIMAL, "(- {0})", (DECIMAL,))
    yield Rule(DECIMAL, "abs({0})", (DECIMAL,))
    for places in ("2", "0", "-1", "{1} % 10"):
        takes = (DECIMAL, INTEGER) if "{1}" in places else (DECIMAL,)
        for function in ("round", "trunc"):
            yield Rule(DECIMAL, f"{function}({{0}}, {places})", takes, traits=SCALED, refuses=INEXACT)
    for function in ("round", "trunc", "ceil", "floor"):
        yield Rule(DECIMAL, function + "({0})", (DECIMAL,), traits=SCALED, refuses=INEXACT)
        yield Rule(DOUBLE, function + "({0})", (DOUBLE,))
        yield Rule(DOUBLE, function + "({0})", (INTEGER,))
    for function in ("sqrt", "exp", "ln", "log"):
        yield Rule(DOUBLE, function + "({0})", (DOUBLE,))
        yield Rule(DOUBLE, function + "({0})", (INTEGER,))
    yield Rule(DOUBLE, "power({0}, {1})", (DOUBLE, DOUBLE), weight=2)
    yield Rule(DOUBLE, "({0} ^ {1})", (DOUBLE, INTEGER))
    yield Rule(DOUBLE, "sign({0})", (DOUBLE,))
    # Casts.
    for to in WHOLE:
        for of in (SMALLINT, INTEGER, BIGINT, DECIMAL, REAL, DOUBLE, TEXT):
            if of != to:
                yield Rule(to, "{0}::%s" % to, (of,), refuses=INEXACT)
    yield Rule(INTEGER, "{0}::integer", (BOOLEAN,))
    for of in (INTEGER, BIGINT, DECIMAL, REAL, TEXT):
        yield Rule(DOUBLE, "{0}::double", (of,), postgres="{0}::double precision", refuses=INEXACT)
    for of in (INTEGER, BIGINT, DECIMAL, DOUBLE, TEXT):
        yield Rule(REAL, "{0}::real", (of,), refuses=INEXACT)
    for of in (SMALLINT, INTEGER, BIGINT, DECIMAL, TEXT):
        for digits in ("decimal(10,2)", "decimal(5,0)", "decimal(20,6)"):
            yield Rule(DECIMAL, "{0}::%s" % digits, (of,), refuses=INEXACT)
        yield Rule(DECIMAL, "{0}::decimal({drawn})", (of,), postgres="{0}::numeric({drawn})", refuses=INEXACT, draws=digits_and_places, weight=2)
    for function in ("length", "octet_length"):
        yield Rule(INTEGER, function + "({0})", (TEXT,))
    yield Rule(INTEGER, "position({0} in {1})", (TEXT, TEXT))
    yield Rule(INTEGER, "strpos({0}, {1})", (TEXT, TEXT))


def _texts():
    t = TEXT
    yield Rule(t, "({0} || {1})", (t, t), weight=3)
    for of in (SMALLINT, INTEGER, BIGINT, DECIMAL, REAL, DOUBLE, BOOLEAN):
        yield Rule(t, "{0}::text", (of,), refuses=NOT_AS_TEXT)
        yield Rule(t, "({0} || {1})", (t, of), refuses=NOT_AS_TEXT)
        yield Rule(t, "concat({0}, {1})", (of, t), refuses=NOT_AS_TEXT)
        yield Rule(t, "concat_ws({0}, {1}, {2})", (t, of, t), refuses=NOT_AS_TEXT)
    for function in ("upper", "lower", "initcap", "reverse", "trim", "ltrim", "rtrim", "md5"):
        yield Rule(t, function + "({0})", (t,))
    for function in ("trim(both {1} from {0})", "trim(leading {1} from {0})", "rtrim({0}, {1})", "ltrim({0}, {1})"):
        yield Rule(t, function, (t, t))
    yield Rule(t, "replace({0}, {1}, {2})", (t, t, t))
    for function in ("left", "right", "repeat"):
        yield Rule(t, function + "({0}, {1} % 40)", (t, INTEGER))
    for function in ("lpad", "rpad"):
        yield Rule(t, function + "({0}, {1} % 40)", (t, INTEGER))
        yield Rule(t, function + "({0}, {1} % 40, {2})", (t, INTEGER, t))
    yield Rule(t, "substring({0}, {1})", (t, INTEGER))
    yield Rule(t, "substring({0}, {1}, {2})", (t, INTEGER, INTEGER))
    yield Rule(t, "substring({0} from {1} for {2})", (t, INTEGER, INTEGER))
    yield Rule(t, "split_part({0}, {1}, {2})", (t, t, INTEGER))
    for pattern in PATTERNS:
        yield Rule(t, "regexp_replace({0}, '%s', '<\\1\\&>', 'g')" % pattern, (t,))
        yield Rule(t, "regexp_replace({0}, '%s', {1}, 'i')" % pattern, (t, t))
    for flags in patterns.FLAGS:
        for replacement in patterns.REPLACEMENTS:
            yield Rule(t, f"regexp_replace({{0}}, '{{drawn}}', '{replacement}', '{flags}')", (t,), draws=patterns.pattern)
    yield Rule(t, "to_hex({0})", (BIGINT,))


def _for_every_type():
    for of in EVERY:
        # The branches of a decimal have one number of places here and each its own in PostgreSQL.
        scaled = SCALED if of == DECIMAL else frozenset()
        yield Rule(of, "case when {0} then {1} end", (BOOLEAN, of), weight=2)
        yield Rule(of, "case when {0} then {1} else {2} end", (BOOLEAN, of, of), weight=2, traits=scaled)
        yield Rule(of, "case when {0} then {1} when {2} then {3} else {4} end", (BOOLEAN, of, BOOLEAN, of, of),
                   traits=scaled)
        yield Rule(of, "case {0} when {1} then {2} when {3} then {4} else {5} end", (INTEGER, INTEGER, of, INTEGER, of, of),
                   traits=scaled)
        yield Rule(of, "coalesce({0}, {1})", (of, of), weight=2, traits=scaled)
        yield Rule(of, "coalesce({0}, {1}, {2})", (of, of, of), traits=scaled)
        yield Rule(of, "nullif({0}, {1})", (of, of), refuses=INEXACT)
        if of != BOOLEAN:
            for function in ("greatest", "least"):
                yield Rule(of, function + "({0}, {1})", (of, of), refuses=INEXACT, traits=scaled)
                yield Rule(of, function + "({0}, {1}, {2})", (of, of, of), refuses=INEXACT, traits=scaled)


def _mixed():
    for left, right, both in COMMON:
        traits = SCALED if both == DECIMAL else frozenset()
        yield Rule(both, "coalesce({0}, {1})", (left, right), traits=traits, refuses=INEXACT)
        yield Rule(both, "case when {2} then {0} else {1} end", (left, right, BOOLEAN), traits=traits, refuses=INEXACT)
        for function in ("greatest", "least"):
            yield Rule(both, function + "({0}, {1}, {2})", (left, right, left), traits=traits, refuses=INEXACT)
        yield Rule(BOOLEAN, "({0} in ({1}, {2}))", (left, right, left), refuses=INEXACT)
        yield Rule(BOOLEAN, "({0} between {1} and {2})", (left, right, right), refuses=INEXACT)
        yield Rule(BOOLEAN, "({0} is distinct from {1})", (left, right), refuses=INEXACT)


RULES = {}
for rule in _rules():
    RULES.setdefault(rule.gives, []).append(rule)
WEIGHTS = {gives: [rule.weight for rule in rules] for gives, rules in RULES.items()}

LITERALS = {
    # What is not known before a row is looked at: both sides simplify conditions that are, at other places.
    BOOLEAN: ["(id >= 0)", "(id < 0)"],
    SMALLINT: ["0::smallint", "7::smallint", "32767::smallint", "(-3)::smallint", "(-1)::smallint"],
    INTEGER: ["0", "1", "2", "3", "-1", "-7", "10", "2147483647", "-2147483648"],
    BIGINT: ["0::bigint", "5::bigint", "(-1)::bigint", "4294967296", "9223372036854775807", "(-9223372036854775808)"],
    DECIMAL: ["0.00", "1.5", "0.01", "-2.25", "3.0", "1234567.89", "-0.005", "700000.00"],
    REAL: ["0::real", "1.5::real", "(-2.25)::real", "1e30::real", "1e-30::real"],
    DOUBLE: ["0::double", "0.5::double", "(-2.5)::double", "1e300::double", "1e-300::double", "3::double", "(-1)::double", "0.1::double", "5e-324::double",
             "1.7976931348623157e308::double"],
    TEXT: ["''", "'a'", "'A'", "' '", "'7'", "'x y'", "'é'", "'ß'", "'abba'", "','", "'🙂'"],
    **times.LITERALS,
}

# Columns: name -> (type, values); null is among the values of each.
COLUMNS = {
    "o": (BOOLEAN, [True, False, None]),
    "s": (SMALLINT, [0, 1, -1, 7, 32767, -32768, None]),
    "i": (INTEGER, [0, 1, 2, 3, -7, 42, 2147483647, -2147483648, None]),
    "j": (INTEGER, [0, 1, 2, 5, None]),
    "b": (BIGINT, [0, 1, -1, 1000000007, 9223372036854775807, -9223372036854775808, None]),
    "d": (DECIMAL, ["0.00", "1.00", "-2.25", "0.01", "19.99", "99999999.99", "-0.50", None]),
    "e": (DECIMAL, ["1.00", "3.00", "7.00", "-0.03", "700000.00", "0.00", None]),
    "g": (DECIMAL, ["0", "1", "-3", "12345678901234567890123456789012345678", "99999999999999999999", None]),
    "h": (DECIMAL, ["0.000000000001", "99999999.999999999999", "-1.500000000000", "2.718281828459", "0", None]),
    "k": (DECIMAL, ["0.0001", "-0.9999", "0.5000", "0", None]),
    "r": (REAL, [0.0, 1.5, -2.25, 3.4e38, 1e-38, float("nan"), None]),
    "f": (DOUBLE, [0.0, -0.0, 1.5, -2.25, 2.5, 1e308, 1e-308, 1e-200, 1e200, float("nan"), float("inf"), float("-inf"),
                   None]),
    "t": (TEXT, ["", "a", "abc", "Straße", "3rd street", "o'neil x2y", "  7 ", "42", "-1.50", "1e3", "true", "f", "éa",
                 "日本 語", "a,b,c", "ǆ", None]),
    "u": (TEXT, ["7", "0", "2.5", "abba", "a", "", None]),
    "w": (TEXT, ["🙂é🙂", "e\u0301a", "İi\u0307", "ΑΣ ΣΑΣ", "ñandú_Ⅷ", "\u00a0a\u2003b ", "a\nb\r\nc", "\tA-a", "aabbccabab", "ﬁx ŉ",
                 "\\a\\1&", "12:30", "ÄÖÜäöü", "xX77 x7", None]),
    **times.COLUMNS,
}

# The digits of the columns of decimals that are no decimal(10,2).
DIGITS = {"g": (38, 0), "h": (20, 12), "k": (4, 4)}


def random_rows(chance, count):
    """Rows with an id, as lists by column."""
    made = {"id": list(range(count))}
    for name, (_, values) in COLUMNS.items():
        made[name] = [chance.choice(values) for _ in range(count)]
    return made


class Generator:
    """Gives random expressions; the same for the same seed."""

    def __init__(self, seed):
        self.chance = random.Random(seed)

    def of(self, gives, depth):
        if depth <= 0 or self.chance.random() < 0.1:
            return self.leaf(gives)
        return self.by(self.chance.choices(RULES[gives], WEIGHTS[gives])[0], depth)

    def about(self, text, depth):
        """One whose outermost rule holds the text."""
        rules = [rule for of_type in RULES.values() for rule in of_type if text in rule.template]
        return self.by(self.chance.choices(rules, [rule.weight for rule in rules])[0], depth)

    def by(self, rule, depth):
        gives = rule.gives
        arguments = []
        for takes in rule.takes:
            argument = self.of(takes, depth - 1)
            while argument.traits & rule.refuses:
                argument = self.of(takes, depth - 2)
            arguments.append(argument)
        # Nothing but constants would be computed when it is bound here, and not there, where literals are hidden.
        if arguments and all(each.constant for each in arguments):
            arguments[0] = self.column(rule.takes[0])
        traits = rule.traits.union(*(each.traits for each in arguments))
        if "quotient" in traits and "quotient" not in rule.traits and any(sign in rule.template for sign in "+-*"):
            traits |= {"worked"}
        if gives != DECIMAL:
            traits = frozenset()
        drawn = rule.draws(self.chance) if rule.draws else ""
        return Expression(gives, rule.template.format(*(each.sluice for each in arguments), drawn=drawn),
                          (rule.postgres or rule.template).format(*(each.postgres for each in arguments), drawn=drawn), traits)

    def leaf(self, gives):
        kind = self.chance.random()
        if kind < 0.05:
            name = POSTGRES_TYPES.get(gives, gives)
            return Expression(gives, f"null::{gives}", f"null::{name}", constant=True)
        if kind < 0.25:
            text = self.chance.choice(LITERALS[gives])
            # Behind a subquery, so that PostgreSQL does not compute it when it plans: it would fail at a branch that no
            # row takes.
            typed = text.replace("::double", "::double precision") if gives == DOUBLE else text
            # A bare text would be read as the type that it is cast to when the expression is bound.
            spelled = f"({text})" if text.startswith("-") else text + "::text" if gives == TEXT else text
            typed += "::text" if gives == TEXT else ""
            if gives == BOOLEAN:
                return Expression(gives, text, text)
            return Expression(gives, spelled, f"(select {typed})", constant=True)
        return self.column(gives)

    def column(self, gives):
        names = [name for name, (of, _) in COLUMNS.items() if of == gives]
        name = self.chance.choice(names)
        return Expression(gives, name, name)


def single(value):
    """The double that a real holds."""
    return struct.unpack("f", struct.pack("f", value))[0]
