#!/usr/bin/env python3
"""./dev bench memory: the promise of run.memory on TPC-H, scale factor 5.

Each pipeline of benchmarks/memory runs with a limit and without; the outputs must hold the same rows (in the same order,
where the pipeline has one), and the peak of the process must stay within 1.3 times the limit and the base that
docs/pipeline.md states. Exit 1 where it does not.
"""
import argparse
import filecmp
import json
import pathlib
import shutil
import subprocess
import sys
import time

from run import ROOT, machine, once

PIPELINES = ROOT / "benchmarks/memory"
LIMIT_MB = 256
BASE_MB = 160  # as docs/pipeline.md says
ORDERED = {"sort", "aggregate", "deduplicate"}


def sluice(workload, data, out, memory, spill):
    return [str(ROOT / "build/sluice"), "--state", f"{out}/state", "--spill", str(spill), "run",
            str(PIPELINES / f"{workload}.yaml"), "--set", f"data={data}", "--set", f"out={out}",
            "--set", f"memory={memory}", "--progress", "none"]


def make_tables(folder, scale):
    if (folder / "orders.csv").exists() and (folder / "lineitem.csv").exists():
        return
    print(f"making TPC-H data, scale factor {scale:g}, in {folder}", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    generator = pathlib.Path(sys.executable).parent / "tpchgen-cli"
    subprocess.run([generator, "csv", "-s", f"{scale:g}", "--tables=lineitem,orders", "-o", folder], check=True)


def same_rows(workload, one, other):
    """Nothing, or how the outputs differ."""
    if filecmp.cmp(one, other, shallow=False):
        return None
    if workload in ORDERED:
        return "the files differ"
    import duckdb

    def digest(path):
        return duckdb.sql(f"select count(*), sum(hash(rows)::hugeint), bit_xor(hash(rows)) "
                          f"from read_csv('{path}', all_varchar=true) rows").fetchone()

    first, second = digest(one), digest(other)
    return None if first == second else f"rows, sum and xor of their hashes: {first} and {second}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("-w", default="sort,aggregate,deduplicate,join", help="workloads")
    arguments.add_argument("--scale", type=float, default=5)
    arguments.add_argument("--data", type=pathlib.Path)
    chosen = arguments.parse_args()
    data = (chosen.data or ROOT / f"data/tpch-sf{chosen.scale:g}").absolute()
    make_tables(data, chosen.scale)
    out, faults = ROOT / "build/bench-memory", []
    allowed = 1.3 * LIMIT_MB + BASE_MB
    lines = [f"| work | without a limit s | peak MB | {LIMIT_MB} MiB s | peak MB | at most | same rows |",
             "|---|---:|---:|---:|---:|---:|---|"]
    runs = {}
    for workload in chosen.w.split(","):
        results = {}
        for name, memory in (("unlimited", "64GiB"), ("limited", f"{LIMIT_MB}MiB")):
            folder = out / f"{workload}-{name}"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            spill = folder / "spill"
            results[name] = once(sluice(workload, data, folder, memory, spill), f"{folder}.log")
            if results[name]["exit"] != 0:
                faults.append(f"{workload} {name} exited with {results[name]['exit']}: "
                              f"{open(f'{folder}.log').read()[-600:]}")
            if spill.exists() and any(spill.iterdir()):
                faults.append(f"{workload} {name} left files in its spill folder")
        runs[workload] = results
        whole, limited = results["unlimited"], results["limited"]
        differs = None
        if whole["exit"] == 0 and limited["exit"] == 0:
            differs = same_rows(workload, out / f"{workload}-unlimited/result.csv", out / f"{workload}-limited/result.csv")
            if differs:
                faults.append(f"{workload}: {differs}")
            if limited["mb"] > allowed:
                faults.append(f"{workload}: the peak of {limited['mb']:.0f} MB is beyond {allowed:.0f}")
        lines.append(f"| {workload} | {whole['wall']:.1f} | {whole['mb']:.0f} | {limited['wall']:.1f} | {limited['mb']:.0f} "
                     f"| {allowed:.0f} | {'no' if differs else 'yes'} |")
        print(lines[-1], file=sys.stderr, flush=True)
        for name in results:
            shutil.rmtree(out / f"{workload}-{name}", ignore_errors=True)
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    heading = (f"run.memory on TPC-H scale factor {chosen.scale:g}, one run each; {machine()}; "
               f"commit {commit.stdout.strip()}; {time.strftime('%Y-%m-%d')}.")
    text = f"{heading}\n\n" + "\n".join(lines) + "\n" + "".join(f"\n- {fault}" for fault in faults) + ("\n" if faults else "")
    print(text)
    name = ROOT / "benchmarks/results" / f"{time.strftime('%Y-%m-%d')}-memory-{commit.stdout.strip()}"
    name.with_suffix(".md").write_text(text)
    name.with_suffix(".json").write_text(json.dumps({"heading": heading, "runs": runs, "faults": faults}, indent=1))
    shutil.rmtree(out, ignore_errors=True)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
