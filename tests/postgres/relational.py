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
from expressions import BIGINT, BOOLEAN, DECIMAL, DOUBLE, INTEGER, REAL, SMALLINT, TEXT
from postgres_server import DatabaseError

CASES_A_RUN = 12
ROWS = 30

# The second table: other names, but for the keys that `using` needs.
RIGHT = {"rid": INTEGER, "j": INTEGER, "u": TEXT, "ri": INTEGER, "rd": DECIMAL, "rt": TEXT, "rf": DOUBLE}


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
    for name, source in (("j", "j"), ("u", "u"), ("ri", "i"), ("rd", "d"), ("rt", "t"), ("rf", "f")):
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
    given = list(zip(*(column.to_pylist() for column in table.columns))) if table.num_columns else []
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


AGGREGATES = {
    "count": (SMALLINT, INTEGER, BIGINT, DECIMAL, REAL, DOUBLE, TEXT, BOOLEAN),
    "min": (SMALLINT, INTEGER, BIGINT, DECIMAL, REAL, DOUBLE, TEXT),
    "max": (SMALLINT, INTEGER, BIGINT, DECIMAL, REAL, DOUBLE, TEXT),
    "sum": (SMALLINT, INTEGER, DECIMAL),
    "avg": (DECIMAL,),
    "bool_and": (BOOLEAN,),
    "bool_or": (BOOLEAN,),
    "every": (BOOLEAN,),
}


def aggregated(generator, chance, name):
    by = chance.sample(["o", "j", "u", "t", "s"], chance.randrange(0, 3))
    compute, columns, traits = {}, list(by), {}
    for number in range(chance.randrange(1, 5)):
        function = chance.choice(list(AGGREGATES))
        argument = generator.of(chance.choice(AGGREGATES[function]), chance.randrange(0, 3))
        while "quotient" in argument.traits:
            argument = generator.of(argument.type, 0)
        distinct = "distinct " if chance.random() < 0.3 else ""
        texts = [f"{function}({distinct}{argument.sluice})", f"{function}({distinct}{argument.postgres})"]
        if chance.random() < 0.2:
            texts = ["count(*)", "count(*)"]
        if chance.random() < 0.4:
            condition = generator.of(BOOLEAN, 1)
            texts = [f"{texts[0]} filter (where {condition.sluice})", f"{texts[1]} filter (where {condition.postgres})"]
        if chance.random() < 0.15 and function in ("sum", "count") and argument.type != TEXT:
            texts = [f"coalesce({each}, 0)" for each in texts]
        column = f"x{number}"
        compute[column] = texts[0]
        columns.append(f"{texts[1]} as {column}")
        if function == "avg":
            traits[column] = frozenset({"quotient"})
    grouped = f" group by {', '.join(by)}" if by else ""
    unit = {"from": "t", "on_error": "reject", "aggregate": {"by": by, "compute": compute}}
    return Case(name, {name: unit}, f"select {', '.join(columns)} from t{grouped}", traits=traits)


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
    keys = chance.choice([["j"], ["u"], ["j", "u"]])
    left = "select id, i, j, u from t"
    sql_right = "(select rid, j as rj, u as ru, ri from r) as b"
    units = {name + "_l": {"from": "t", "select": ["id", "i", "j", "u"]},
             name + "_r": {"from": "r", "select": ["rid", {"rj": "j"}, {"ru": "u"}, "ri"]}}
    if how == "cross":
        units[name] = {"from": [name + "_l", name + "_r"], "join": {"how": how}}
        return Case(name, units, f"select a.*, b.* from ({left}) as a cross join {sql_right}")
    extra = chance.choice(["", " and a.i < b.ri", " and a.i <> b.ri"])
    if chance.random() < 0.15:
        keys, extra = [], "a.i < b.ri"
    condition = " and ".join(f"a.{key} = b.r{key}" for key in keys) + extra
    sluice = condition.replace("a.", f"{name}_l.").replace("b.", f"{name}_r.")
    units[name] = {"from": [name + "_l", name + "_r"], "join": {"how": how, "on": sluice}}
    if how in ("semi", "anti"):
        exists = "exists" if how == "semi" else "not exists"
        return Case(name, units, f"select a.* from ({left}) as a where {exists} (select 1 from {sql_right} where {condition})")
    if how == "full" and (not keys or extra):
        # PostgreSQL joins fully only by equality.
        condition, sluice = "a.j = b.rj", f"{name}_l.j = {name}_r.rj"
        units[name]["join"]["on"] = sluice
    return Case(name, units, f"select a.*, b.* from ({left}) as a {how} join {sql_right} on {condition}")


def joined_using(_, chance, name):
    how = chance.choice(["inner", "left", "right", "full"])
    keys = chance.choice([["j"], ["u"], ["j", "u"]])
    # The shared keys come once, where the left has them.
    units = {name + "_l": {"from": "t", "select": keys + ["id", "i"]},
             name + "_r": {"from": "r", "select": keys + ["rid", "ri"]},
             name: {"from": [name + "_l", name + "_r"], "join": {"how": how, "using": keys}}}
    listed = ", ".join(keys)
    return Case(name, units, f"select {listed}, id, i, rid, ri from (select {listed}, id, i from t) as a {how} join "
                             f"(select {listed}, rid, ri from r) as b using ({listed})")


def direction(chance):
    return chance.choice(["", " asc", " desc"]) + chance.choice(["", "", " nulls first", " nulls last"])


def sorted_rows(_, chance, name):
    keys = chance.sample(["o", "s", "j", "b", "d", "r", "f", "t", "u"], chance.randrange(1, 4))
    order = [key + direction(chance) for key in keys] + ["id"]
    steps, limit = [{"sort": order}], ""
    if chance.random() < 0.5:
        count = chance.randrange(0, 20)
        steps.append({"limit": count})
        limit = f" limit {count}"
    steps.append({"select": ["id", *keys]})
    # Texts are compared by their bytes, as in the collation "C" that the server has.
    return Case(name, {name: {"from": "t", "steps": steps}},
                f"select id, {', '.join(keys)} from t order by {', '.join(order)}{limit}", ordered=True)


def deduplicated(_, chance, name):
    by = chance.sample(["o", "j", "u", "s", "f", "d"], chance.randrange(1, 3))
    if chance.random() < 0.5:
        return Case(name, {name: {"from": "t", "steps": [{"deduplicate": {"by": by}}, {"select": ["id", *by]}]}},
                    f"select distinct on ({', '.join(by)}) id, {', '.join(by)} from t order by {', '.join(by)}, id")
    order = [chance.choice(["i", "d", "t", "b"]) + direction(chance), "id"]
    return Case(name, {name: {"from": "t", "steps": [{"deduplicate": {"by": by, "order": order}}, {"select": ["id", *by]}]}},
                f"select distinct on ({', '.join(by)}) id, {', '.join(by)} from t order by {', '.join(by)}, "
                f"{', '.join(order)}")


def united(_, chance, name):
    # Decimals of other digits, integers of other widths: what comes out holds both.
    left, right = chance.choice([("i", "ri"), ("s", "ri"), ("b", "ri"), ("d", "rd"), ("t", "rt"), ("f", "rf")])
    units = {name + "_l": {"from": "t", "select": [{"x": left}, {"y": "id"}]},
             name + "_r": {"from": "r", "select": [{"y": "rid"}, {"x": right}]},
             name: {"from": [name + "_l", name + "_r"], "union": {}}}
    return Case(name, units, f"select {left} as x, id as y from t union all select {right}, rid from r")


def distinct_rows(_, chance, name):
    columns = chance.sample(["o", "j", "u", "s"], 2)
    return Case(name, {name: {"from": "t", "steps": [{"select": columns}, {"deduplicate": {}}]}},
                f"select distinct {', '.join(columns)} from t")


KINDS = [filtered, filtered, aggregated, aggregated, aggregated, ratio, joined, joined, joined_using, sorted_rows,
         deduplicated, united, distinct_rows]
