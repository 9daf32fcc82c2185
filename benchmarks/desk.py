#!/usr/bin/env python3
"""Everyday jobs beside DuckDB, Polars and chDB over TPC-H's lineitem: whole processes, alternating, two threads each.

    desk.py SLUICE DATA [--runs 5] [JOB...]

DATA has lineitem.parquet (tpchgen-cli parquet -s 1 --tables=lineitem); nested.ndjson, its lines as lists of orders, is
made of it, and so are the customers of scd2: a table of ten million rows for each tool, copied before each run. Prints the
medians of CPU time, wall time and peak memory.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
MODES = ("AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK")
DUCKDB = {
    "partitions": "copy (select *, date_trunc('month', l_shipdate)::date as month from lineitem) to '{out}' "
                  "(format parquet, compression snappy, partition_by (month))",
    "string_agg": "copy (select l_orderkey, string_agg(l_shipmode, ',') ways from lineitem group by 1) to '{out}/o.parquet'",
    "percentile": "copy (select l_suppkey, quantile_cont(l_extendedprice, 0.5) half, quantile_cont(l_extendedprice, 0.9) most "
                  "from lineitem group by 1) to '{out}/o.parquet'",
    "window": "copy (select l_orderkey, l_linenumber, l_suppkey, l_shipdate, l_quantity, row_number() over w as place, avg(l_quantity) over "
              "(w rows between 9 preceding and current row) as moving from lineitem window w as (partition by l_suppkey order by "
              "l_shipdate, l_orderkey, l_linenumber)) to '{out}/o.parquet'",
    "pivot": "copy (pivot lineitem on l_shipmode in " + str(MODES) + " using sum(l_quantity) group by l_suppkey) to '{out}/o.parquet'",
    "unnest": "copy (select o_orderkey, unnest(item) from (select o_orderkey, unnest(items) item from read_json('{data}/nested.ndjson', "
              "format='newline_delimited'))) to '{out}/o.parquet'",
    "scd2": "attach '{out}/dimension.duckdb' as d; begin; create temp table changed as select c.* from '{data}/changes.parquet' c left join "
            "d.customers t on t.id = c.id and t.is_current where t.id is null or (t.name, t.city) is distinct from (c.name, c.city); "
            "update d.customers t set valid_to = date '2024-02-01', is_current = false from changed c where t.id = c.id and t.is_current; "
            "insert into d.customers select id, name, city, date '2024-02-01', null, true from changed; commit; checkpoint d",
}
POLARS = {
    "partitions": "d.with_columns(month=pl.col('l_shipdate').dt.truncate('1mo')).sink_parquet(pl.PartitionBy('{out}', key='month', "
                  "include_key=False), compression='snappy', mkdir=True)",
    "string_agg": "d.group_by('l_orderkey').agg(pl.col('l_shipmode').str.join(',')).sink_parquet('{out}/o.parquet')",
    "percentile": "d.group_by('l_suppkey').agg(half=pl.col('l_extendedprice').quantile(0.5, 'linear'), "
                  "most=pl.col('l_extendedprice').quantile(0.9, 'linear')).sink_parquet('{out}/o.parquet')",
    "pivot": "d.group_by('l_suppkey').agg(**{{m: pl.col('l_quantity').filter(pl.col('l_shipmode') == m).sum() for m in " + str(MODES) +
             "}}).sink_parquet('{out}/o.parquet')",
    "unnest": "pl.scan_ndjson('{data}/nested.ndjson').explode('items').unnest('items').sink_parquet('{out}/o.parquet')",
    "scd2": "from datetime import date\nt = pl.scan_parquet('{data}/dimension.parquet')\nc = pl.scan_parquet('{data}/changes.parquet')\n"
            "now = t.filter('is_current').join(c, on='id', suffix='_new').filter((pl.col('name') != pl.col('name_new')) | (pl.col('city') != "
            "pl.col('city_new'))).select('id', 'name_new', 'city_new').collect()\n"
            "ended = t.join(now.lazy().select('id', ended=True), on='id', how='left').with_columns(valid_to=pl.when(pl.col('ended') & "
            "pl.col('is_current')).then(date(2024, 2, 1)).otherwise('valid_to'), is_current=pl.col('is_current') & pl.col('ended').is_null())"
            ".drop('ended')\nbegun = now.lazy().select('id', name='name_new', city='city_new', valid_from=date(2024, 2, 1), valid_to=pl.lit(None, "
            "pl.Date), is_current=True)\npl.concat([ended, begun]).sink_parquet('{out}/o.parquet')",
}
CHDB = {
    "partitions": "insert into function file('{out}/{{_partition_id}}.parquet', 'Parquet') partition by toStartOfMonth(l_shipdate) "
                  "select * from lineitem",
    "string_agg": "insert into function file('{out}/o.parquet', 'Parquet') select l_orderkey, arrayStringConcat(groupArray(l_shipmode), ',') "
                  "ways from lineitem group by 1",
    "percentile": "insert into function file('{out}/o.parquet', 'Parquet') select l_suppkey, quantileExactInclusive(0.5)(toFloat64(l_extendedprice)) "
                  "half, quantileExactInclusive(0.9)(toFloat64(l_extendedprice)) most from lineitem group by 1",
    "window": "insert into function file('{out}/o.parquet', 'Parquet') select l_orderkey, l_linenumber, l_suppkey, l_shipdate, l_quantity, "
              "row_number() over w as place, avg(l_quantity) over (partition by l_suppkey order by l_shipdate, l_orderkey, l_linenumber rows "
              "between 9 preceding and current row) as moving from lineitem window w as (partition by l_suppkey order by l_shipdate, "
              "l_orderkey, l_linenumber)",
    "pivot": "insert into function file('{out}/o.parquet', 'Parquet') select l_suppkey, " +
             ", ".join(f"sumIf(l_quantity, l_shipmode = '{mode}') as `{mode}`" for mode in MODES) + " from lineitem group by 1",
    "unnest": "insert into function file('{out}/o.parquet', 'Parquet') select o_orderkey, untuple(arrayJoin(items)) from "
              "file('{data}/nested.ndjson', 'JSONEachRow')",
}


def command(tool, job, sluice, data, out):
    if tool == "sluice":
        return [sluice, "run", str(HERE / f"desk/{job}.yaml"), "-q", "--set", f"data={data}", "--set", f"out={out}"]
    if tool == "duckdb":
        return [sys.executable, "-c", f"import duckdb\nc = duckdb.connect()\nc.execute('set threads=2')\nc.execute('set enable_progress_bar=false')\n"
                + ("" if job == "scd2" else f"c.execute(\"create view lineitem as from '{data}/lineitem.parquet'\")\n") +
                f"c.execute(\"\"\"{DUCKDB[job].format(out=out, data=data)}\"\"\")"]
    if tool == "chdb":
        query = CHDB[job].replace("from lineitem", f"from file('{data}/lineitem.parquet')").format(out=out, data=data)
        return [sys.executable, "-c", f"import chdb\nchdb.query(\"\"\"{query} settings max_threads=2\"\"\")"]
    scan = "" if job == "scd2" else f"d = pl.scan_parquet('{data}/lineitem.parquet')\n"
    return [sys.executable, "-c", f"import polars as pl\n{scan}{POLARS[job].format(out=out, data=data)}"]


def measure(words, state):
    environment = {**os.environ, "SLUICE_STATE": state, "POLARS_MAX_THREADS": "2"}
    began = time.monotonic()
    process = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"failed: {words}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss / 1024


def make_nested(data):
    import duckdb
    duckdb.execute(f"""copy (select l_orderkey as o_orderkey, list({{'line': l_linenumber, 'part': l_partkey, 'supplier': l_suppkey,
        'quantity': l_quantity::double, 'price': l_extendedprice::double, 'mode': l_shipmode, 'shipped': l_shipdate, 'comment': l_comment}})
        as items from '{data}/lineitem.parquet' group by 1) to '{data}/nested.ndjson' (format json)""")


def make_dimension(sluice, data):
    import duckdb
    duckdb.execute(f"""copy (select i as id, 'customer ' || i as name, 'city ' || i % 9973 as city from range(10000000) r(i))
        to '{data}/customers.parquet'""")
    duckdb.execute(f"""copy (select id, name, 'moved to ' || city as city from '{data}/customers.parquet' where id % 100 = 7) to '{data}/changes.parquet'""")
    duckdb.execute(f"""copy (select *, date '2024-01-01' as valid_from, null::date as valid_to, true as is_current
        from '{data}/customers.parquet') to '{data}/dimension.parquet'""")
    duckdb.execute(f"attach '{data}/dimension.duckdb' as d; create table d.customers as from '{data}/dimension.parquet'; detach d")
    subprocess.run([*command("sluice", "scd2", sluice, data, data), "--set", "file=customers", "--set", "day=2024-01-01"], check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sluice")
    parser.add_argument("data")
    parser.add_argument("jobs", nargs="*", default=list(DUCKDB))
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    if "unnest" in given.jobs and not pathlib.Path(given.data, "nested.ndjson").exists():
        make_nested(given.data)
    if "scd2" in given.jobs and not pathlib.Path(given.data, "dimension.db").exists():
        make_dimension(given.sluice, given.data)
    print("| job | tool | CPU s | wall s | peak MiB |\n|---|---|---|---|---|")
    for job in given.jobs:
        found = {tool: [] for tool in ("sluice", "duckdb", "polars", "chdb") if job in {"polars": POLARS, "chdb": CHDB}.get(tool, DUCKDB)}
        for _ in range(given.runs):
            for tool, times in found.items():
                with tempfile.TemporaryDirectory() as room:
                    out = pathlib.Path(room, "out")
                    if tool == "sluice" or job != "partitions":
                        out.mkdir()
                    if job == "scd2" and tool in ("sluice", "duckdb"):
                        shutil.copy(pathlib.Path(given.data, "dimension" + {"sluice": ".db", "duckdb": ".duckdb"}[tool]), out)
                    times.append(measure(command(tool, job, given.sluice, given.data, out), room + "/state"))
                    shutil.rmtree(out, ignore_errors=True)
        for tool, times in found.items():
            cpu, wall, peak = (statistics.median(each) for each in zip(*times))
            print(f"| {job} | {tool} | {cpu:.2f} | {wall:.2f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
