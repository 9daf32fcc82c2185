"""Compares two outputs of a workload value by value: rows as multisets, sums over floats to 1e-9 of their size."""
import math

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
