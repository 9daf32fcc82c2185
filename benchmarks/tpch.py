#!/usr/bin/env python3
"""./dev bench tpch: all 22 TPC-H queries as pipelines (benchmarks/tpch/qNN.yaml), compared with DuckDB's answers to the
same questions in SQL (qNN.sql) over the same Parquet files, and timed beside it. Whole processes, alternating, two threads.
"""
import argparse
import csv
import decimal
import math
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import run

ROOT = pathlib.Path(__file__).resolve().parents[1]
QUERIES = ROOT / "benchmarks/tpch"
TABLES = ["customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier"]
JOB = """
import csv, duckdb, sys
data, query, out = sys.argv[1:4]
connection = duckdb.connect()
connection.execute("set threads=2")
for table in %r:
    connection.execute(f"create view {table} as from '{data}/{table}.parquet'")
result = connection.execute(open(query).read())
with open(out, "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow([column[0] for column in result.description])
    writer.writerows(result.fetchall())
""" % TABLES


def make_tables(folder, scale):
    """Makes the tables as Parquet once."""
    if not all((folder / f"{table}.parquet").exists() for table in TABLES):
        folder.mkdir(parents=True, exist_ok=True)
        generator = pathlib.Path(sys.executable).parent / "tpchgen-cli"
        subprocess.run([generator, "parquet", "-s", f"{scale:g}", "-o", folder], check=True)


def rows(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


def same(one, other, tolerance=1e-9):
    if one == other:
        return True
    try:
        if "." in one and "." in other and "e" not in one + other and decimal.Decimal(one) == decimal.Decimal(other):
            return True
        return math.isclose(float(one), float(other), rel_tol=tolerance)
    except ValueError:
        return False


def difference(ours, theirs, tolerance=1e-9):
    mine, peers = rows(ours), rows(theirs)
    if mine[0] != peers[0]:
        return f"columns {mine[0]} instead of {peers[0]}"
    if len(mine) != len(peers):
        return f"{len(mine) - 1} rows instead of {len(peers) - 1}"
    for number, (row, want) in enumerate(zip(mine[1:], peers[1:]), start=1):
        if not all(same(one, other, tolerance) for one, other in zip(row, want)):
            return f"row {number}: {row} instead of {want}"
    return None


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("-n", type=int, default=3)
    arguments.add_argument("-q", default=",".join(str(n) for n in range(1, 23)))
    arguments.add_argument("--scale", type=float, default=1)
    arguments.add_argument("--data", type=pathlib.Path)
    chosen = arguments.parse_args()
    data = (chosen.data or ROOT / f"data/tpch-parquet-sf{chosen.scale:g}").absolute()
    make_tables(data, chosen.scale)
    out, faults, lines = ROOT / "build/bench-tpch", [], []
    out.mkdir(parents=True, exist_ok=True)
    for number in map(int, chosen.q.split(",")):
        query, walls = QUERIES / f"q{number:02d}", {"sluice": [], "duckdb": []}
        commands = {
            "sluice": [str(ROOT / "build/sluice"), "--state", f"{out}/state", "run", f"{query}.yaml", "--set",
                       f"data={data}", "--set", f"out={out}", "--progress", "none"],
            "duckdb": [sys.executable, "-c", JOB, str(data), f"{query}.sql", f"{out}/q{number:02d}.duckdb.csv"],
        }
        for _ in range(chosen.n):
            for name, command in commands.items():
                done = run.once(command, f"{out}/{name}.log")
                walls[name].append(done["wall"])
                if done["exit"] != 0:
                    faults.append(f"q{number:02d}: {name}: {open(f'{out}/{name}.log').read()[-500:]}")
        if not faults or not faults[-1].startswith(f"q{number:02d}: sluice"):
            differs = difference(f"{out}/q{number:02d}.csv", f"{out}/q{number:02d}.duckdb.csv")
            if differs:
                faults.append(f"q{number:02d}: {differs}")
        ours, theirs = statistics.median(walls["sluice"]), statistics.median(walls["duckdb"])
        verdict = "differs" if any(fault.startswith(f"q{number:02d}") for fault in faults) else "equal"
        lines.append(f"| Q{number} | {ours:.2f} | {theirs:.2f} | {ours / theirs:.2f} | {verdict} |")
        print(lines[-1], file=sys.stderr, flush=True)
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    text = (f"TPC-H, 22 queries, scale factor {chosen.scale:g}, Parquet in, CSV out, {chosen.n} alternating runs, medians "
            f"of whole processes; {run.machine()}; commit {commit.stdout.strip()}; {time.strftime('%Y-%m-%d')}.\n\n"
            "| query | sluice s | duckdb s | ratio | answer |\n|---|---:|---:|---:|---|\n" + "\n".join(lines) + "\n"
            + "".join(f"\n- {fault}" for fault in faults))
    print(text)
    (ROOT / "benchmarks/results" / f"{time.strftime('%Y-%m-%d')}-tpch-{commit.stdout.strip()}.md").write_text(text + "\n")
    shutil.rmtree(out, ignore_errors=True)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
