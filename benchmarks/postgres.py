#!/usr/bin/env python3
"""./dev bench postgres: orders.csv of TPC-H into PostgreSQL, beside psql doing the same. A new table beside psql's \\copy
into a new table; append and upsert into an empty table with a primary key beside \\copy into a staging table and
`insert select` (for upsert `on conflict do update`). Alternating runs; wall seconds of the whole process, and CPU of the
client. The tables are compared after every pair. Exit 1 if they differ.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

from run import ROOT, machine, make_data, new_name

sys.path.insert(0, str(ROOT / "tests/support"))
from postgres_server import Server  # noqa: E402  (needs the path above)

COLUMNS = ("o_orderkey bigint{key}, o_custkey bigint, o_orderstatus text, o_totalprice double precision, o_orderdate date, "
           "o_orderpriority text, o_clerk text, o_shippriority bigint, o_comment text")
PIPELINE = """version: 1
pipeline: bench-postgres
extract:
  orders:
    csv: {{ path: "{data}/orders.csv" }}
    types: {{ o_orderkey: bigint, o_custkey: bigint, o_orderstatus: text, o_totalprice: double, o_orderdate: date,
             o_orderpriority: text, o_clerk: text, o_shippriority: bigint, o_comment: text }}
load:
  target:
    from: orders
    postgres: {{ url: "postgresql://postgres@127.0.0.1:{port}/postgres", table: ours }}
    mode: {mode}
"""
NAMES = [part.split()[0] for part in COLUMNS.format(key="").split(", ")]
MODES = {"new": "mode: error", "append": "mode: append", "upsert": "mode: upsert\n    key: [o_orderkey]"}
TARGETS = {"new": 1.1, "append": 1.2, "upsert": 1.2}


def psql_job(job, data):
    """What psql runs: the statements of one job."""
    copy = f"\\copy {{}} from '{data}/orders.csv' csv header"
    if job == "new":
        return [f"create table theirs ({COLUMNS.format(key='')})", copy.format("theirs")]
    updates = ", ".join(f"{name} = excluded.{name}" for name in NAMES[1:])
    clash = f" on conflict (o_orderkey) do update set {updates}" if job == "upsert" else ""
    return [f"create table stage ({COLUMNS.format(key='')})", copy.format("stage"), "begin",
            f"insert into theirs select * from stage{clash}", "drop table stage", "commit"]


def timed(command, **more):
    before, begun = os.times(), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **more)
    took, after = time.monotonic() - begun, os.times()
    return took, after.children_user - before.children_user + after.children_system - before.children_system


class Pair:
    def __init__(self, server, data, folder):
        self.server, self.data, self.folder = server, data, folder
        self.address = f"postgresql://postgres@127.0.0.1:{server.port}/postgres"

    def sql(self, text):
        """Each run begins with the same tables, after a checkpoint of the server."""
        return self.server.connect().run(text)

    def ours(self, job):
        if job != "new":
            self.sql(f"create table ours ({COLUMNS.format(key=' primary key')})")
        self.sql("checkpoint")
        path = self.folder / f"{job}.yaml"
        path.write_text(PIPELINE.format(data=self.data, port=self.server.port, mode=MODES[job].removeprefix("mode: ")))
        shutil.rmtree(self.folder / "state", ignore_errors=True)
        return timed([ROOT / "build/sluice", "--state", self.folder / "state", "run", path, "-q"])

    def theirs(self, job):
        if job != "new":
            self.sql(f"create table theirs ({COLUMNS.format(key=' primary key')})")
        self.sql("checkpoint")
        return timed(["psql", "-qXd", self.address, "-v", "ON_ERROR_STOP=1",
                      *(word for statement in psql_job(job, self.data) for word in ("-c", statement))])

    def differ(self):
        names = ", ".join(NAMES)
        return self.sql(f"select count(*) from ((table theirs except select {names} from ours) union all "
                        f"(select {names} from ours except table theirs)) differing")[0][0] != "0"

    def once(self, job):
        self.sql("drop table if exists ours, theirs, stage")
        pair = self.ours(job), self.theirs(job)
        same = self.sql("select (select count(*) from ours) = (select count(*) from theirs)")[0][0] == "t"
        return (*pair, same and not self.differ())


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("-n", type=int, default=5, help="pairs of each job")
    options.add_argument("--scale", type=float, default=1)
    options.add_argument("--data", type=pathlib.Path)
    chosen = options.parse_args()
    data = (chosen.data or ROOT / f"data/tpch-sf{chosen.scale:g}").absolute()
    make_data(data, chosen.scale, 1000)
    rows, wrong = [], []
    folder = ROOT / "build/bench-postgres"
    folder.mkdir(parents=True, exist_ok=True)
    with Server() as server:
        pair = Pair(server, data, folder)
        for job, target in TARGETS.items():
            runs = [pair.once(job) for _ in range(chosen.n)]
            if not all(same for *_, same in runs):
                wrong.append(f"{job}: the tables differ")
            ours, theirs = (statistics.median(run[side][0] for run in runs) for side in (0, 1))
            ratio = statistics.median(run[0][0] / run[1][0] for run in runs)
            cpu, other = (statistics.median(run[side][1] for run in runs) for side in (0, 1))
            rows.append(f"| {job} | {ours:.2f} | {theirs:.2f} | {ratio:.2f} | {target} | {cpu:.2f} | {other:.2f} |")
            print(rows[-1], file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    text = (f"# orders.csv into PostgreSQL, commit {commit}\n\nTPC-H scale factor {chosen.scale:g}, {chosen.n} alternating pairs; server on the same "
            f"{machine()}; {time.strftime('%Y-%m-%d')}. Load {os.getloadavg()[2]:.1f} over the last quarter of an hour.\n\n"
            "| job | sluice s | psql s | ratio, median of the pairs | target | sluice CPU s | psql CPU s |\n|---|---:|---:|---:|---:|---:|---:|\n"
            + "\n".join(rows) + "\n" + "".join(f"\n- {fault}" for fault in wrong))
    results = ROOT / "benchmarks/results"
    results.joinpath(new_name(results, f"{time.strftime('%Y-%m-%d')}-postgres-{commit}") + ".md").write_text(text)
    print(text)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
