"""Random relational cases: a pipeline and the SQL statement that must give the same rows.

A case has a unit for Sluice, a statement for PostgreSQL, and how the rows are compared: all of them in any order, or in
order. Where PostgreSQL's statement fails, Sluice must reject at least one row.
"""

import collections
import dataclasses
import random

import both
import comparing
import differences
import expressions
import typed
from typed import BIGINT, BOOLEAN, DATE, DECIMAL, DOUBLE, INTEGER, INTERVAL, REAL, SMALLINT, TEMPORAL, TEXT, TIME, TIMESTAMP, TIMESTAMPTZ
from postgres_server import DatabaseError

CASES_A_RUN = 12
ROWS = 30

# The second table: other names, but for the keys that `using` needs.
RIGHT = {"rid": INTEGER, "j": INTEGER, "u": TEXT, "ri": INTEGER, "rd": DECIMAL, "rt": TEXT, "rf": DOUBLE, "span": INTERVAL,
         "rday": DATE, "rat": TIMESTAMP}


@dataclasses.dataclass
class Case:
    name: str
    units: dict  # of the pipeline; the last one is compared
    sql: str
    ordered: bool = False
    traits: dict = dataclasses.field(default_factory=dict)  # of columns that have some


def compare(comparison, seed):
    comparison.rows_of(seed)
    chance = random.Random(seed)
    right = {"rid": list(range(ROWS))}
    for name, source in (("j", "j"), ("u", "u"), ("ri", "i"), ("rd", "d"), ("rt", "t"), ("rf", "f"),
                         ("span", "span"), ("rday", "day"), ("rat", "at")):
        right[name] = [chance.choice(expressions.COLUMNS[source][1]) for _ in range(ROWS)]
    comparison.sluice.table("r", right, RIGHT)
    both.create_table(comparison.connection, "r", right, RIGHT)
    generator = expressions.Generator(seed)
    for number in range(CASES_A_RUN):
        compare_case(comparison, chance.choice(KINDS)(generator, chance, f"c{number}"))


def compare_case(comparison, case):
    comparison.cases += 1
    try:
        wanted = comparison.connection.run(case.sql)
    except DatabaseError as failure:
        if failure.state.startswith("42"):
            raise AssertionError(f"PostgreSQL refuses {case.sql}: {failure}") from failure
        wanted = failure
    try:
        tables, rejects = comparison.sluice.run(case.units, [case.name])
    except both.Refused as refused:
        comparison.fault(f"Sluice refuses {case.units}: {refused}")
        return
    table = tables[case.name]
    problem = None
    if isinstance(wanted, DatabaseError):
        problem = None if rejects else f"PostgreSQL fails: {wanted}; Sluice rejects nothing"
    elif rejects:
        explained = differences.explained(differences.Case(str(case.units), "", differences.FAILED, ": ".join(rejects[0][2:])))
        problem = None if explained else f"Sluice rejects {rejects[:3]}; PostgreSQL gives {len(wanted)} rows"
        comparison.explained += explained
    else:
        problem = different_rows(case, table, wanted)
    if problem:
        comparison.fault(f"{case.units}\n    {case.sql}\n    {problem}")


def different_rows(case, table, wanted):
    types = table.schema.types
    given = list(zip(*(comparing.values(column) for column in table.columns))) if table.num_columns else []
    if len(given) != len(wanted):
        return f"{len(given)} rows of Sluice, {len(wanted)} of PostgreSQL"
    traits = [case.traits.get(name, frozenset()) for name in table.schema.names]

    def same(mine, theirs):
        return all(comparing.same(*each) for each in zip(types, mine, theirs, traits))

    if case.ordered:
        for row, (mine, theirs) in enumerate(zip(given, wanted)):
            if not same(mine, theirs):
                return f"row {row}: Sluice {mine}, PostgreSQL {theirs}"
        return None
    # Each row of Sluice finds one of PostgreSQL: those with the same first column, which identifies most rows.
    left = collections.defaultdict(list)
    for theirs in wanted:
        left[theirs[0]].append(theirs)
    for mine in given:
        keys = [key for key in left if comparing.same(types[0], mine[0], key, traits[0])]
        found = next(((key, theirs) for key in keys for theirs in left[key] if same(mine, theirs)), None)
        if found is None:
            return f"only Sluice has {mine}; PostgreSQL has {[row for key in keys for row in left[key]][:3]}"
        left[found[0]].remove(found[1])
    return None


# --- the kinds of cases -----------------------------------------------------------------------------------------------


def filtered(generator, chance, name):
    """A condition that is true or not; errors are compared as expressions, because WHERE may ask its parts in any order."""
    condition = generator.of(BOOLEAN, chance.randrange(1, 4))
    shielded = condition.sluice
    # Only rows whose condition has no error: PostgreSQL may or may not reach it.
    return Case(name, {name + "_ok": {"from": "t", "on_error": "reject", "derive": {"keep": shielded}},
                       name: {"from": name + "_ok", "steps": [{"filter": "keep"}, {"select": ["id", "i", "t"]}]}},
                f"select id, i, t from (select *, ({condition.postgres}) as keep from t offset 0) as x where keep")


# Compared by equality alone, so a column of them shows one of several values that are equal.
LENGTH = frozenset({"length"})
NEAR = frozenset({"near"})
ORDERED = (SMALLINT, INTEGER, BIGINT, DECIMAL, REAL, DOUBLE, TEXT, DATE, TIME, TIMESTAMP, TIMESTAMPTZ, INTERVAL)


def shown(column, of=None):
    """A column as PostgreSQL answers it: dates, times and intervals as numbers."""
    of = of or {**RIGHT, **{name: each for name, (each, _) in expressions.COLUMNS.items()}}.get(column)
    return f"compared({column}) as {column}" if of in TEMPORAL else column


def listed(columns):
    return ", ".join(shown(column) for column in columns)


def lengths(columns):
    return {column: LENGTH for column in columns if column == "span"}


AGGREGATES = {
    "count": typed.EVERY,
    "min": ORDERED,
    "max": ORDERED,
    "sum": (SMALLINT, INTEGER, DECIMAL),
    "avg": (DECIMAL, SMALLINT, INTEGER),
    "stddev": (SMALLINT, INTEGER),
    "stddev_pop": (SMALLINT, INTEGER),
    "variance": (SMALLINT, INTEGER),
    "var_pop": (SMALLINT, INTEGER),
    "bool_and": (BOOLEAN,),
    "bool_or": (BOOLEAN,),
    "every": (BOOLEAN,),
}


def aggregated(generator, chance, name):
    by = chance.sample(["o", "j", "u", "t", "s", "span", "day", "clock"], chance.randrange(0, 3))
    compute, columns, traits = {}, [shown(column) for column in by], lengths(by)
    for number in range(chance.randrange(1, 5)):
        function = chance.choice(list(AGGREGATES))
        argument = generator.of(chance.choice(AGGREGATES[function]), chance.randrange(0, 3))
        while "quotient" in argument.traits:
            argument = generator.of(argument.type, 0)
        distinct = "distinct " if chance.random() < 0.3 else ""
        texts = [f"{function}({distinct}{argument.sluice})", f"{function}({distinct}{argument.postgres})"]
        of = argument.type if function in ("min", "max") else None
        if chance.random() < 0.2:
            texts, function, of = ["count(*)", "count(*)"], "count", None
        if chance.random() < 0.4:
            condition = generator.of(BOOLEAN, 1)
            texts = [f"{texts[0]} filter (where {condition.sluice})", f"{texts[1]} filter (where {condition.postgres})"]
        if chance.random() < 0.15 and function in ("sum", "count"):
            texts = [f"coalesce({each}, 0)" for each in texts]
        column = f"x{number}"
        compute[column] = texts[0]
        columns.append(f"compared({texts[1]}) as {column}" if of in TEMPORAL else f"{texts[1]} as {column}")
        if of == INTERVAL:
            traits[column] = LENGTH
        if function == "avg" and argument.type == DECIMAL:
            traits[column] = frozenset({"quotient"})
        elif function in ("avg", "stddev", "stddev_pop", "variance", "var_pop"):
            traits[column] = NEAR
    grouped = f" group by {', '.join(by)}" if by else ""
    # Sometimes no row at all: one row comes out where there are no groups, and none where there are.
    empty = chance.random() < 0.1
    source = {name + "_none": {"from": "t", "filter": "id < 0"}} if empty else {}
    where = " where id < 0" if empty else ""
    steps = [{"aggregate": {"by": by, "compute": compute}}]
    having = ""
    if by and chance.random() < 0.2:
        compute["having_n"] = "count(*)"
        columns.append("count(*) as having_n")
        having = " having count(*) > 1"
        steps.append({"filter": "having_n > 1"})
    unit = {"from": name + "_none" if empty else "t", "on_error": "reject", "steps": steps}
    return Case(name, {**source, name: unit}, f"select {', '.join(columns)} from t{where}{grouped}{having}", traits=traits)


def ratio(_, chance, name):
    """Quotients of sums, which keep PostgreSQL's digits."""
    by = chance.choice(["j", "u", "o"])
    top, bottom = chance.sample(["sum(d)", "sum(e)", "count(*)", "sum(s)", "count(i)", "avg(e)"], 2)
    top, bottom = f"({top})::decimal(20,4)", bottom if bottom.startswith(("sum(d", "sum(e", "avg")) else f"{bottom}"
    text = f"case when {bottom} <> 0 then {top} / {bottom} end"
    return Case(name, {name: {"from": "t", "on_error": "reject", "aggregate": {"by": [by], "compute": {"x": text}}}},
                f"select {by}, {text.replace('decimal(', 'numeric(')} as x from t group by {by}",
                traits={"x": frozenset({"quotient", "worked"})})


def joined(_, chance, name):
    how = chance.choice(["inner", "left", "right", "full", "semi", "anti", "cross"])
    keys = chance.choice([["j"], ["u"], ["j", "u"], ["span"], ["day"], ["at", "j"], ["f"], ["h"]])
    left = "select id, i, j, u, span, day, at, f, h from t"
    sql_right = "(select rid, j as rj, u as ru, ri, span as rspan, rday, rat, rf, rd as rh from r) as b"
    units = {name + "_l": {"from": "t", "select": ["id", "i", "j", "u", "span", "day", "at", "f", "h"]},
             name + "_r": {"from": "r", "select": ["rid", {"rj": "j"}, {"ru": "u"}, "ri", {"rspan": "span"}, "rday", "rat", "rf", {"rh": "rd"}]}}
    mine = "id, i, j, u, compared(span), compared(day), compared(at), f, h"
    both_sides = mine + ", rid, rj, ru, ri, compared(rspan), compared(rday), compared(rat), rf, rh"
    if how == "cross":
        units[name] = {"from": [name + "_l", name + "_r"], "join": {"how": how}}
        return Case(name, units, f"select {both_sides} from ({left}) as a cross join {sql_right}")
    extra = chance.choice(["", " and a.i < b.ri", " and a.i <> b.ri", " and a.day < b.rday"])
    if chance.random() < 0.15:
        keys, extra = [], chance.choice(["a.i < b.ri", "a.at > b.rat"])
    condition = " and ".join(f"a.{key} = b.r{key}" for key in keys) + extra
    sluice = condition.replace("a.", f"{name}_l.").replace("b.", f"{name}_r.")
    units[name] = {"from": [name + "_l", name + "_r"], "join": {"how": how, "on": sluice}}
    if how in ("semi", "anti"):
        exists = "exists" if how == "semi" else "not exists"
        return Case(name, units,
                    f"select {mine} from ({left}) as a where {exists} (select 1 from {sql_right} where {condition})")
    if how == "full" and (not keys or extra):
        # PostgreSQL joins fully only by equality.
        condition, sluice = "a.j = b.rj", f"{name}_l.j = {name}_r.rj"
        units[name]["join"]["on"] = sluice
    return Case(name, units, f"select {both_sides} from ({left}) as a {how} join {sql_right} on {condition}")


def joined_using(_, chance, name):
    how = chance.choice(["inner", "left", "right", "full"])
    keys = chance.choice([["j"], ["u"], ["j", "u"], ["span"]])
    # The shared keys come once, where the left has them.
    units = {name + "_l": {"from": "t", "select": keys + ["id", "i"]},
             name + "_r": {"from": "r", "select": keys + ["rid", "ri"]},
             name: {"from": [name + "_l", name + "_r"], "join": {"how": how, "using": keys}}}
    names = ", ".join(keys)
    return Case(name, units, f"select {listed(keys)}, id, i, rid, ri from (select {names}, id, i from t) as a {how} join "
                             f"(select {names}, rid, ri from r) as b using ({names})", traits=lengths(keys))


def direction(chance):
    return chance.choice(["", " asc", " desc"]) + chance.choice(["", "", " nulls first", " nulls last"])


def sorted_rows(_, chance, name):
    keys = chance.sample(["o", "s", "j", "b", "d", "r", "f", "t", "u", "w", "h", "day", "clock", "at", "moment", "span"],
                        chance.randrange(1, 4))
    order = [key + direction(chance) for key in keys] + ["id"]
    steps, limit = [{"sort": order}], ""
    if chance.random() < 0.5:
        count = chance.randrange(0, 20)
        steps.append({"limit": count})
        limit = f" limit {count}"
    steps.append({"select": ["id", *keys]})
    # Texts are compared by their bytes, as in the collation "C" that the server has.
    return Case(name, {name: {"from": "t", "steps": steps}},
                f"select id, {listed(keys)} from (select * from t order by {', '.join(order)}{limit}) as x", ordered=True)


def deduplicated(_, chance, name):
    by = chance.sample(["o", "j", "u", "s", "f", "d", "span", "day"], chance.randrange(1, 3))
    order = [chance.choice(["i", "d", "t", "b", "at", "moment", "span"]) + direction(chance), "id"]
    step = {"by": by}
    if chance.random() < 0.5:
        order = ["id"]
    else:
        step["order"] = order
    names = ", ".join(by)
    return Case(name, {name: {"from": "t", "steps": [{"deduplicate": step}, {"select": ["id", *by]}]}},
                f"select id, {listed(by)} from (select distinct on ({names}) * from t order by {names}, {', '.join(order)}) as x")


def united(_, chance, name):
    # Decimals of other digits, integers of other widths: what comes out holds both.
    left, right = chance.choice([("i", "ri"), ("s", "ri"), ("b", "ri"), ("d", "rd"), ("h", "rd"), ("t", "rt"), ("f", "rf"),
                                 ("day", "rday"), ("at", "rat"), ("day", "rat")])
    units = {name + "_l": {"from": "t", "select": [{"x": left}, {"y": "id"}]},
             name + "_r": {"from": "r", "select": [{"y": "rid"}, {"x": right}]},
             name: {"from": [name + "_l", name + "_r"], "union": {}}}
    x = "compared(x) as x" if left in ("day", "at") else "x"
    return Case(name, units, f"select {x}, y from (select {left} as x, id as y from t union all select {right}, rid from r) as both_sides")


def distinct_rows(_, chance, name):
    columns = chance.sample(["o", "j", "u", "s", "span", "clock", "w"], 2)
    return Case(name, {name: {"from": "t", "steps": [{"select": columns}, {"deduplicate": {}}]}},
                f"select {listed(columns)} from (select distinct {', '.join(columns)} from t) as x", traits=lengths(columns))


# --- window functions

FRAME_NUMBERS = ("0", "1", "2", "5")
# By the type of the one key: offsets of range.
RANGE_OFFSETS = {INTEGER: ("0", "1", "10", "4000000000"), SMALLINT: ("0", "7"), BIGINT: ("1", "5000000000"),
                 DECIMAL: ("0.50", "2", "1000"), DOUBLE: ("0.5", "1e100"), REAL: ("1.5",), DATE: ("interval '1 mon'", "interval '400 days'"),
                 TIMESTAMP: ("interval '2 hours'", "interval '1 year 3 days'"), TIMESTAMPTZ: ("interval '90 minutes'",)}
RANGE_KEYS = {"i": INTEGER, "j": INTEGER, "s": SMALLINT, "b": BIGINT, "d": DECIMAL, "h": DECIMAL, "f": DOUBLE, "r": REAL, "day": DATE, "at": TIMESTAMP}
# avg and stddev of decimals and doubles are rounded in other ways, see differences.py.
WINDOW_AGGREGATES = {"count": typed.EVERY, "min": ORDERED, "max": ORDERED, "sum": (SMALLINT, INTEGER, DECIMAL), "avg": (SMALLINT, INTEGER),
                     "stddev": (SMALLINT, INTEGER), "var_pop": (SMALLINT,), "bool_and": (BOOLEAN,), "bool_or": (BOOLEAN,)}


def frame(chance, key):
    """A frame, and whether it needs that one key."""
    unit = chance.choice(["rows", "rows", "groups", "range"])
    if unit == "range" and key is None:
        unit = "rows"
    offsets = RANGE_OFFSETS[key] if unit == "range" else FRAME_NUMBERS
    ends = ["unbounded preceding", "{} preceding", "current row", "{} following", "unbounded following"]
    first = chance.randrange(0, 4)
    last = chance.randrange(max(first, 1), 5)
    text = "{} between {} and {}".format(unit, ends[first].format(chance.choice(offsets)), ends[last].format(chance.choice(offsets)))
    return text + chance.choice(["", "", "", " exclude current row", " exclude group", " exclude ties", " exclude no others"])


def window_call(generator, chance):
    """A call without its window: as both spell it, the type of the result where that is compared as a number, traits."""
    function = chance.choice(["row_number()", "rank()", "dense_rank()", "percent_rank()", "cume_dist()", "ntile", "lag", "lead",
                              "first_value", "last_value", "nth_value", *WINDOW_AGGREGATES])
    if function.endswith("()"):
        return function, function, None, NEAR if function in ("percent_rank()", "cume_dist()") else frozenset()
    if function == "ntile":
        text = f"ntile({chance.choice(('1', '3', '7', '100'))})"
        return text, text, None, frozenset()
    types = WINDOW_AGGREGATES.get(function, typed.EVERY)
    # Nothing that can fail: PostgreSQL computes arguments only in rows that a frame reaches.
    argument = generator.column(chance.choice(types))
    sluice, postgres = argument.sluice, argument.postgres
    if function in ("lag", "lead") and chance.random() < 0.5:
        offset = chance.choice(["0", "2", "-1", "j"])
        sluice, postgres = f"{sluice}, {offset}", f"{postgres}, {offset}"
    if function == "nth_value":
        sluice, postgres = f"{sluice}, 1 + id % 4", f"{postgres}, 1 + id % 4"
    texts = [f"{function}({sluice})", f"{function}({postgres})"]
    if function in WINDOW_AGGREGATES and chance.random() < 0.2:
        texts = [f"{each} filter (where id % 3 > 0)" for each in texts]
    traits = NEAR if function in ("avg", "stddev", "var_pop") else frozenset()
    keeps_type = function in ("min", "max", "lag", "lead", "first_value", "last_value", "nth_value")
    if argument.type == INTERVAL and function in ("min", "max"):
        traits = LENGTH
    return *texts, argument.type if keeps_type else None, traits


def windowed(generator, chance, name):
    derive, columns, traits = {}, ["id"], {}
    for number in range(chance.randrange(1, 4)):
        sluice, postgres, of, trait = window_call(generator, chance)
        parts = chance.sample(["o", "j", "u", "s", "span", "day"], chance.randrange(0, 3))
        single = chance.choice(list(RANGE_KEYS)) if chance.random() < 0.5 else None
        # An id at the end makes the order total, so that both number and frame rows alike.
        order = [single + direction(chance)] if single else [chance.choice(["i", "d", "t", "b", "at", "moment", "span", "clock"]) + direction(chance), "id"]
        tied = single is not None
        by_place = any(each in sluice for each in ("row_number", "ntile", "lag(", "lead(", "first_value", "last_value", "nth_value"))
        if tied and by_place:
            order, single = [order[0], "id"], None
        over = (f"partition by {', '.join(parts)} " if parts else "") + f"order by {', '.join(order)}"
        if chance.random() < 0.7:
            shape = frame(chance, RANGE_KEYS[single] if single else None)
            # Which of the peers a frame of rows has is not defined.
            over += " " + (shape if not tied or not single or not shape.startswith("rows") else "")
        column = f"x{number}"
        derive[column] = f"{sluice} over ({over})"
        text = f"{postgres} over ({over})"
        columns.append(f"compared({text}) as {column}" if of in TEMPORAL else f"{text} as {column}")
        traits[column] = trait
    # A decimal with more digits than the key: cast as PostgreSQL's numeric.
    return Case(name, {name: {"from": "t", "on_error": "reject", "steps": [{"derive": derive}, {"select": ["id", *derive]}]}},
                f"select {', '.join(columns)} from t", traits=traits)


KINDS = [windowed, windowed, windowed, filtered, filtered, aggregated, aggregated, aggregated, ratio, joined, joined, joined_using, sorted_rows,
         deduplicated, united, distinct_rows]
