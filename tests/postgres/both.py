"""Runs the same over Sluice and over PostgreSQL."""

import datetime
import decimal
import json
import os
import pathlib
import re
import subprocess
import tempfile

import pyarrow as pa
import pyarrow.ipc

import comparing
import expressions
import typed
from command_line import BINARY
from differences import FAILED
from times import Span

ARROW_TYPES = {typed.BOOLEAN: pa.bool_(), typed.SMALLINT: pa.int16(), typed.INTEGER: pa.int32(), typed.BIGINT: pa.int64(),
               typed.REAL: pa.float32(), typed.DOUBLE: pa.float64(), typed.TEXT: pa.string(), typed.DATE: pa.date32(),
               typed.TIME: pa.time64("us"), typed.TIMESTAMP: pa.timestamp("us"), typed.TIMESTAMPTZ: pa.timestamp("us", "UTC"),
               typed.INTERVAL: pa.month_day_nano_interval()}


def digits(column):
    return expressions.DIGITS.get(column, (10, 2))


class Refused(Exception):
    """Sluice does not take the pipeline; the message says why."""


def arrow_table(rows, types):
    columns = {}
    for name, values in rows.items():
        of = types[name]
        arrow = pa.decimal128(*digits(name)) if of == typed.DECIMAL else ARROW_TYPES[of]
        columns[name] = pa.array([None if value is None else python_value(of, value) for value in values], arrow)
    return pa.table(columns)


def python_value(of, value):
    if of == typed.DECIMAL:
        return decimal.Decimal(value)
    if of == typed.DATE:
        return datetime.date.fromisoformat(value)
    if of == typed.TIME:
        return datetime.time.fromisoformat(value)
    if of == typed.TIMESTAMP:
        return datetime.datetime.fromisoformat(value)
    if of == typed.TIMESTAMPTZ:
        return datetime.datetime.fromisoformat(value + "+00:00")
    if of == typed.INTERVAL:
        return pa.MonthDayNano([value.months, value.days, value.microseconds * 1000])
    return value


def postgres_literal(value, of=None):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, decimal.Decimal)):
        return str(value)
    if isinstance(value, float):
        return f"'{value!r}'"
    if isinstance(value, Span):
        return f"'{value.months} mons {value.days} days {value.microseconds} microseconds'"
    if of == typed.TIMESTAMPTZ:
        return f"'{value}+00'"
    return typed.quoted(str(value))


def postgres_type(column, of):
    if of == typed.DECIMAL:
        return "numeric({},{})".format(*digits(column))
    return typed.POSTGRES_TYPES.get(of, of)


def create_table(connection, name, rows, types):
    columns = ", ".join(f"{column} {postgres_type(column, types[column])}" for column in rows)
    connection.run(f"drop table if exists {name}; create table {name} ({columns})")
    lines = zip(*rows.values())
    values = ", ".join("(" + ", ".join(postgres_literal(value, types[column]) for column, value in zip(rows, line)) + ")"
                       for line in lines)
    if values:
        connection.run(f"insert into {name} values {values}")


class Sluice:
    """Runs pipelines in a folder of their own."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-differential-"))
        self.tables = {}
        self.zone = "UTC"

    def table(self, name, rows, types):
        path = self.folder / f"{name}.in.arrow"
        table = arrow_table(rows, types)
        with pa.ipc.new_file(str(path), table.schema) as file:
            file.write_table(table)
        self.tables[name] = {"ipc": {"path": str(path)}}

    def run(self, transforms, outputs):
        """Runs units over the tables; the tables of `outputs`, and the rejects as (unit, record, code, message)."""
        used = {name for unit in transforms.values() for name in _inputs(unit)}
        pipeline = {"version": 1, "pipeline": "differential", "rejects": {"allow": 1_000_000}, "run": {"timezone": self.zone},
                    "extract": {name: self.tables[name] for name in self.tables if name in used},
                    "transform": transforms,
                    "load": {f"to_{name}": {"from": name, "ipc": {"path": str(self.folder / f"{name}.arrow")}}
                             for name in outputs}}
        path = self.folder / "pipeline.yaml"
        path.write_text(json.dumps(pipeline, ensure_ascii=False))
        state = self.folder / "state"
        ended = subprocess.run([BINARY, "--state", str(state), "run", str(path), "--json"], capture_output=True, text=True,
                               env={**os.environ, "SLUICE_STATE": str(state)}, check=False)
        last = json.loads(ended.stdout.splitlines()[-1]) if ended.stdout.strip() else {}
        kind = last.get("type", "")
        if not kind.endswith(("run.succeeded", "run.partial")):
            raise Refused(f"exit {ended.returncode}: {json.dumps(last)[:4000]} {ended.stderr[:4000]}")
        tables = {}
        for name in outputs:
            with pa.memory_map(str(self.folder / f"{name}.arrow")) as file:
                tables[name] = pa.ipc.open_file(file).read_all()
        rejects = []
        for listing in state.glob("runs/*/rejects.ndjson"):
            for line in listing.read_text().splitlines():
                entry = json.loads(line)
                rejects.append((entry["unit"], entry["record"], entry["code"], entry["message"]))
            listing.unlink()
        return tables, rejects


def _inputs(unit):
    return [unit["from"]] if isinstance(unit["from"], str) else unit["from"]


# Dates, times and intervals as numbers, which Sluice's are compared with; and a timestamptz as Sluice writes it.
FUNCTIONS = """
create or replace function compared(date) returns text language sql as 'select ($1 - date ''1970-01-01'')::text';
create or replace function compared(time) returns text language sql as 'select trunc(extract(epoch from $1) * 1000000)::text';
create or replace function compared(timestamp) returns text language sql as 'select trunc(extract(epoch from $1) * 1000000)::text';
create or replace function compared(timestamptz) returns text language sql as 'select trunc(extract(epoch from $1) * 1000000)::text';
create or replace function compared(interval) returns text language sql as
  'select trunc(extract(year from $1) * 12 + extract(month from $1)) || '','' || extract(day from $1) || '','' ||
          trunc(extract(hour from $1) * 3600000000 + extract(minute from $1) * 60000000 + extract(microseconds from $1))';
create or replace function utc_text(timestamptz) returns text language sql set timezone = 'UTC' as 'select $1::text';
"""

# Whole statements first: a subtransaction for each row takes its time.
EVALUATE = """
create or replace function evaluate(expression text) returns text language plpgsql as $$
declare
  found text[]; one text; number int;
begin
  begin
    execute format('select array_agg(coalesce(''v'' || (%s)::text, ''n'') order by id) from t', expression) into found;
    return array_to_json(found)::text;
  exception when syntax_error_or_access_rule_violation then
    return json_build_object('refused', sqlerrm)::text;
  when others then null;
  end;
  found := '{}';
  for number in select id from t order by id loop
    begin
      execute format('select coalesce(''v'' || (%s)::text, ''n'') from t where id = $1', expression) into one using number;
    exception when others then one := 'e' || sqlstate || ' ' || sqlerrm;
    end;
    found := found || one;
  end loop;
  return array_to_json(found)::text;
end $$
"""


def evaluate_in_postgres(connection, expression):
    """What each row of t gives, by id: ("v", text), ("n",) or ("e", message)."""
    answer = json.loads(connection.run(f"select evaluate({postgres_literal(expression)})")[0][0])
    if isinstance(answer, dict):
        raise AssertionError(f"PostgreSQL refuses {expression}: {answer['refused']}")
    return [(each[0], each[1:]) for each in answer]


def evaluate_in_sluice(sluice, made):
    """What each row of t gives, by expression and id: (type, values), a value being FAILED where the row was rejected;
    and the messages of the rejects, by (expression, id)."""
    transforms = {f"e{number}": {"from": "t", "on_error": "reject", "select": ["id", {"x": each.sluice}]}
                  for number, each in enumerate(made)}
    tables, rejects = sluice.run(transforms, list(transforms))
    messages = {}
    for unit, record, code, message in rejects:
        messages[int(unit[1:]), json.loads(record)["id"]] = f"{code}: {message}"
    results = []
    rows = sluice.rows
    for number in range(len(made)):
        table = tables[f"e{number}"]
        values = dict(zip(table["id"].to_pylist(), comparing.values(table["x"])))
        results.append((table.schema.field("x").type, [values.get(row, FAILED) for row in range(rows)]))
    return results, messages


def refused_unit(message):
    """The expressions that a refusal names."""
    return sorted({int(found) for found in re.findall(r"\be(\d+)\b", message)})
