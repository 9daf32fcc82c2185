#!/usr/bin/env python3
"""./dev bench checkpoints: what checkpoints cost in CPU. B1 to B3, and an aggregate that comes to 500 MB of state and reads long enough for checkpoints
every ten seconds, each in alternating pairs with and without `run: { checkpoint }`; the run with them must complete at least ten, or it is a fault.
CPU is that of all processes of `sluice run`, as the kernel counts it. Exit 1 on a fault.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

from run import PIPELINES, ROOT, machine, make_data, new_name

# 6.8 million keys at scale factor 10 (one in four numbers is used), of which each file has all. The files are links to one.
FILES = 16
GROUPS_EVERY = "10s"
GROUPS = """version: 1
pipeline: bench-groups
params:
  data: { type: text }
  out: { type: text }
extract:
  lineitem:
    csv: { path: "${data}/lineitem-*.csv" }
    columns: [l_orderkey, l_quantity, l_extendedprice]
    types: { l_orderkey: bigint, l_quantity: double, l_extendedprice: double }
transform:
  keyed:
    from: lineitem
    derive: { key: "l_orderkey % 27200000" }
  orders:
    from: keyed
    aggregate: { by: [key], compute: { lines: "count(*)", quantity: "sum(l_quantity)", most: "max(l_extendedprice)" } }
load:
  result: { from: orders, parquet: { path: "${out}/out.parquet" } }
"""


def pipeline(job, folder, every):
    """The job's pipeline, with checkpoints where `every` is given."""
    text = GROUPS if job == "groups" else (PIPELINES / f"{job}.yaml").read_text()
    if every:
        text = text.replace("params:\n", f"run: {{ checkpoint: {every} }}\nparams:\n", 1)
    path = folder / f"{job}-{'with' if every else 'without'}.yaml"
    path.write_text(text)
    return path


def completed(state):
    """Checkpoints of the only run of a state folder, and the bytes of state of the largest."""
    done = subprocess.run([ROOT / "build/sluice", "--state", state, "events", "last", "--json", "--limit", "10000"],
                          capture_output=True, text=True, check=True)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    checkpoints = [event["data"] for event in events if event["type"] == "checkpoint.completed"]
    return len(checkpoints), max((one["state_bytes"] for one in checkpoints), default=0)


def once(job, every, data, out):
    """One run in a fresh state folder: CPU and wall seconds, checkpoints and bytes of the largest."""
    folder = out / job
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    state = folder / "state"
    if job == "groups":
        for number in range(FILES):
            os.link(data / "lineitem.csv", folder / f"lineitem-{number}.csv")
        data = folder
    command = [ROOT / "build/sluice", "--state", state, "run", pipeline(job, folder, every), "--set", f"data={data}",
               "--set", f"out={folder}", "--progress", "none"]
    before, begun = os.times(), time.monotonic()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{job}: {done.stderr}")
    took, after = time.monotonic() - begun, os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    number, size = completed(state) if every else (0, 0)
    shutil.rmtree(folder)
    return {"cpu": cpu, "wall": took, "checkpoints": number, "bytes": size}


def measure(job, rounds, every, data, out):
    off, on = [], []
    for _ in range(rounds):
        off.append(once(job, None, data, out))
        on.append(once(job, every, data, out))
    fewest = min(run["checkpoints"] for run in on)
    ratios = [with_them["cpu"] / without["cpu"] for with_them, without in zip(on, off)]
    return {"job": job, "every": every, "cpu_off": statistics.median(run["cpu"] for run in off),
            "cpu_on": statistics.median(run["cpu"] for run in on), "ratio": statistics.median(ratios),
            "ratios": [round(one, 3) for one in ratios], "checkpoints": fewest,
            "largest_mb": round(max(run["bytes"] for run in on) / 1e6, 1)}


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("-n", type=int, default=5, help="pairs of each job")
    options.add_argument("-w", default="b1,b2,b3,groups", help="jobs")
    options.add_argument("--scale", type=float, default=10)
    options.add_argument("--every", default="500ms", help="time between checkpoints")
    options.add_argument("--data", type=pathlib.Path)
    chosen = options.parse_args()
    data = (chosen.data or ROOT / f"data/tpch-sf{chosen.scale:g}").absolute()
    out = ROOT / "build/bench-checkpoints"
    make_data(data, chosen.scale, 1000)
    rows, faults = [], []
    for job in chosen.w.split(","):
        row = measure(job, chosen.n, GROUPS_EVERY if job == "groups" else chosen.every, data, out)
        rows.append(f"| {job} | {row['every']} | {row['cpu_off']:.2f} | {row['cpu_on']:.2f} | {row['ratio']:.3f} | {row['checkpoints']} | {row['largest_mb']} |")
        print(json.dumps(row), flush=True)
        if row["checkpoints"] < 10:
            faults.append(f"{job}: only {row['checkpoints']} checkpoints; give a shorter --every")
    shutil.rmtree(out, ignore_errors=True)
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    text = (f"# Cost of checkpoints, commit {commit}\n\nTPC-H scale factor {chosen.scale:g}, medians of "
            f"{chosen.n} alternating pairs; {machine()}; {time.strftime('%Y-%m-%d')}. Load {os.getloadavg()[2]:.1f} over the last quarter of an hour.\n\n"
            "| job | a checkpoint every | CPU s without | with | ratio, median of the pairs | fewest checkpoints | largest, MB |\n|---|---:|---:|---:|---:|---:|\n"
            + "\n".join(rows) + "\n" + "".join(f"\n- {fault}" for fault in faults))
    folder = ROOT / "benchmarks/results"
    folder.joinpath(new_name(folder, f"{time.strftime('%Y-%m-%d')}-checkpoints-{commit}") + ".md").write_text(text)
    print(text)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
