"""Runs the same over Sluice and over PostgreSQL."""

import decimal
import json
import os
import pathlib
import re
import subprocess
import tempfile

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

import expressions
from command_line import BINARY
from differences import FAILED

ARROW_TYPES = {expressions.BOOLEAN: pa.bool_(), expressions.SMALLINT: pa.int16(), expressions.INTEGER: pa.int32(),
               expressions.BIGINT: pa.int64(), expressions.DECIMAL: pa.decimal128(10, 2), expressions.REAL: pa.float32(),
               expressions.DOUBLE: pa.float64(), expressions.TEXT: pa.string()}
POSTGRES_COLUMNS = {expressions.DECIMAL: "numeric(10,2)", expressions.DOUBLE: "double precision"}

class Refused(Exception):
    """Sluice does not take the pipeline; the message says why."""


def arrow_table(rows, types):
    columns = {}
    for name, values in rows.items():
        of = types[name]
        if of == expressions.DECIMAL:
            values = [None if value is None else decimal.Decimal(value) for value in values]
        columns[name] = pa.array(values, ARROW_TYPES[of])
    return pa.table(columns)


def postgres_literal(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, decimal.Decimal)):
        return str(value)
    if isinstance(value, float):
        return f"'{value!r}'"
    return "'" + str(value).replace("'", "''") + "'"


def create_table(connection, name, rows, types):
    columns = ", ".join(f"{column} {POSTGRES_COLUMNS.get(types[column], types[column])}" for column in rows)
    connection.run(f"drop table if exists {name}; create table {name} ({columns})")
    lines = zip(*rows.values())
    values = ", ".join("(" + ", ".join(postgres_literal(value) for value in line) + ")" for line in lines)
    if values:
        connection.run(f"insert into {name} values {values}")


class Sluice:
    """Runs pipelines in a folder of their own."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-differential-"))
        self.tables = {}

    def table(self, name, rows, types):
        path = self.folder / f"{name}.parquet"
        pyarrow.parquet.write_table(arrow_table(rows, types), path)
        self.tables[name] = {"parquet": {"path": str(path)}}

    def run(self, transforms, outputs):
        """Runs units over the tables; the tables of `outputs`, and the rejects as (unit, record, code, message)."""
        used = {name for unit in transforms.values() for name in _inputs(unit)}
        pipeline = {"version": 1, "pipeline": "differential", "rejects": {"allow": 1_000_000},
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
        values = dict(zip(table["id"].to_pylist(), table["x"].to_pylist()))
        results.append((table.schema.field("x").type, [values.get(row, FAILED) for row in range(rows)]))
    return results, messages


def refused_unit(message):
    """The expressions that a refusal names."""
    return sorted({int(found) for found in re.findall(r"\be(\d+)\b", message)})
