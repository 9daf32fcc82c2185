"""Compares two outputs of a workload value by value: rows as multisets, sums over floats to 1e-9 of their size.

Of a Parquet file also what a fair one has: dictionaries, statistics, row groups, a size no larger than the largest peer's,
and that the peers' own readers find in it what DuckDB finds.
"""
import math
import os

import duckdb

FILES = {"b1": ["out.parquet"], "b2": ["out.csv"], "b3": ["out.csv"], "b4": ["prio.csv", "top10.csv"], "b5": ["out.ndjson"]}
READERS = {"parquet": "read_parquet('{}')", "csv": "read_csv('{}', header=true)", "ndjson": "read_json('{}')"}
# Sums over floats differ in the last digits by the order of addition, which no peer promises.
SUMMED = {"b3", "b4"}


def reader(path):
    return READERS[path.rsplit(".", 1)[1]].format(path)


def fingerprint(connection, path, columns):
    """Number of rows and the sum of a 64-bit hash of every row: equal for equal multisets of rows."""
    typed = ", ".join(f'"{name}"::{kind}' for name, kind in columns)
    return connection.execute(f"select count(*), sum(hash(({typed}))::hugeint) from {reader(path)}").fetchone()


def rows(connection, path, names):
    selected = ", ".join(f'"{name}"' for name in names)
    return connection.execute(f"select {selected} from {reader(path)} order by 1, 2").fetchall()


def same(one, other):
    if isinstance(one, float) or isinstance(other, float):
        return math.isclose(float(one), float(other), rel_tol=1e-9)
    return str(one) == str(other)


def difference(workload, reference, candidate):
    """Says in words how the folder `candidate` differs from `reference`, or None."""
    connection = duckdb.connect()
    connection.execute("set threads=2; set enable_progress_bar=false")
    for name in FILES[workload]:
        ours, theirs = f"{candidate}/{name}", f"{reference}/{name}"
        columns = [(row[0], row[1]) for row in connection.execute(f"describe from {reader(theirs)}").fetchall()]
        found = {row[0] for row in connection.execute(f"describe from {reader(ours)}").fetchall()}
        if found != {column for column, _ in columns}:
            return f"{name}: columns {sorted(found)} instead of {sorted(column for column, _ in columns)}"
        if workload in SUMMED:
            names = [column for column, _ in columns]
            mine, peers = rows(connection, ours, names), rows(connection, theirs, names)
            if len(mine) != len(peers) or not all(same(a, b) for x, y in zip(mine, peers) for a, b in zip(x, y)):
                return f"{name}: {mine[:2]} instead of {peers[:2]}"
        else:
            mine, peers = fingerprint(connection, ours, columns), fingerprint(connection, theirs, columns)
            if mine != peers:
                return f"{name}: rows and hash {mine} instead of {peers}"
    return None


FEWEST_ROWS_OF_A_GROUP = 100_000


def parquet_faults(candidate, peers):
    """What is wrong with the Parquet file in the folder `candidate`, compared with those in the folders `peers`."""
    import polars
    import pyarrow.parquet

    faults, path = [], f"{candidate}/out.parquet"
    sizes = [os.path.getsize(f"{peer}/out.parquet") for peer in peers if os.path.exists(f"{peer}/out.parquet")]
    if sizes and os.path.getsize(path) > max(sizes):
        faults.append(f"{os.path.getsize(path):,} bytes, the largest peer's has {max(sizes):,}")
    facts = pyarrow.parquet.ParquetFile(path).metadata
    groups = [facts.row_group(number) for number in range(facts.num_row_groups)]
    if any(group.num_rows < FEWEST_ROWS_OF_A_GROUP for group in groups[:-1]):
        faults.append(f"row groups of {sorted({group.num_rows for group in groups[:-1]})} rows")
    chunks = [group.column(number) for group in groups for number in range(facts.num_columns)]
    if not all(chunk.is_stats_set and chunk.statistics.has_min_max for chunk in chunks):
        faults.append("column chunks without statistics")
    if not {"l_returnflag", "l_shipmode", "l_shipdate"} <= {c.path_in_schema for c in chunks if c.has_dictionary_page}:
        faults.append("columns of few values without a dictionary")
    counted = {
        "pyarrow": lambda: pyarrow.parquet.read_table(path, columns=["l_orderkey", "l_comment"]),
        "polars": lambda: polars.read_parquet(path, columns=["l_orderkey", "l_comment"]).to_arrow(),
    }
    connection = duckdb.connect()
    asked = "select count(*), sum(hash((l_orderkey, l_comment::varchar))::hugeint) from "
    want = connection.execute(f"{asked} read_parquet('{path}')").fetchone()
    for name, read in counted.items():
        read_back = read()  # DuckDB finds it by this name
        if connection.execute(f"{asked} read_back").fetchone() != want:
            faults.append(f"{name} reads other values than DuckDB")
        del read_back
    return faults
