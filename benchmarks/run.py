#!/usr/bin/env python3
"""./dev bench: whole-process times of Sluice and its peers, alternating, outputs compared.

Every run is a fresh process, from start to exit with the output on disk; two threads for everyone; files in the page
cache. The runs of one workload alternate (sluice, duckdb, polars, sluice, ...), so that a slow phase of a shared machine
meets all of them; ratios of medians of one invocation are what counts. Exit 1 if an output differs.
"""
import argparse
import concurrent.futures
import itertools
import json
import multiprocessing
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import verify

ROOT = pathlib.Path(__file__).resolve().parents[1]
JOBS = ROOT / "benchmarks/jobs"
PIPELINES = ROOT / "benchmarks/pipelines"
TITLES = {
    "b1": "lineitem.csv → all 16 columns typed → Parquet (snappy)",
    "b2": "lineitem.csv → filter, 3 derived columns, sha256 → CSV",
    "b3": "lineitem.csv → Q1 aggregate → CSV",
    "b4": "lineitem.csv ⋈ orders.csv → revenue by priority, top 10 → CSV",
    "b5": "lineitem.ndjson (2 M lines at scale 1) → filter, 3 fields → NDJSON",
}
# Ours / the fastest peer's, which we are out to reach, and the peak in MB.
TARGETS = {"b1": (0.75, 256), "b2": (0.6, 256), "b3": (0.5, 256), "b4": (0.7, None), "b5": (0.6, 256)}
LIMITS = {**os.environ, "POLARS_MAX_THREADS": "2", "RAYON_NUM_THREADS": "2", "TOKIO_WORKER_THREADS": "2",
          "OMP_NUM_THREADS": "2", "PYTHONDONTWRITEBYTECODE": "1"}


def sluice(workload, data, out):
    return [str(ROOT / "build/sluice"), "--state", f"{out}-state", "run", str(PIPELINES / f"{workload}.yaml"),
            "--set", f"data={data}", "--set", f"out={out}", "--progress", "none"]


def job(name):
    return lambda workload, data, out: [sys.executable, str(JOBS / f"{name}_job.py"), workload, str(data), str(out)]


PROGRAMS = {"sluice": sluice, "duckdb": job("duckdb"), "polars": job("polars"), "datafusion": job("datafusion")}


def make_data(folder, scale, ndjson_lines):
    """Makes the TPC-H tables once; DuckDB turns the first lines of lineitem into NDJSON."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "orders.csv").exists() or not (folder / "lineitem.csv").exists():
        print(f"making TPC-H data, scale factor {scale:g}, in {folder}", file=sys.stderr)
        generator = pathlib.Path(sys.executable).parent / "tpchgen-cli"
        subprocess.run([generator, "csv", "-s", f"{scale:g}", "--tables=lineitem,orders", "-o", folder], check=True)
    if not (folder / "lineitem.ndjson").exists():
        # In a process of its own: a forked program starts with the peak memory of the process that forks it.
        copy = (f"copy (from read_csv('{folder}/lineitem.csv') limit {ndjson_lines}) "
                f"to '{folder}/lineitem.ndjson' (format json)")
        subprocess.run([sys.executable, "-c", "import duckdb, sys; duckdb.sql(sys.argv[1])", copy], check=True)


def once(command, log):
    """Runs a command on two processors: wall and CPU seconds, peak MB of its largest process, exit code."""
    cpus = set(sorted(os.sched_getaffinity(0))[:2])
    start = time.monotonic()
    with open(log, "w") as file:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=LIMITS,
                                   preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        _, status, usage = os.wait4(process.pid, 0)
    return {"wall": time.monotonic() - start, "cpu": usage.ru_utime + usage.ru_stime, "mb": usage.ru_maxrss / 1024,
            "exit": os.waitstatus_to_exitcode(status)}


def apart(function, *arguments):
    """Calls a function in a process of its own: a child's peak counts what this process holds when it is forked."""
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def measure(workload, programs, data, out, repeats):
    """Alternating runs of one workload; gives {program: [run]} and complains of failures and differing outputs."""
    runs, faults = {name: [] for name in programs}, []
    for _ in range(repeats):
        for name in programs:
            folder = out / f"{name}-{workload}"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            done = once(PROGRAMS[name](workload, data, folder), f"{folder}.log")
            if done["exit"] != 0:
                faults.append(f"{workload}: {name} exited with {done['exit']}: {open(f'{folder}.log').read()[-600:]}")
                continue
            runs[name].append(done)
    for name in programs:
        if name != "duckdb" and runs[name] and runs.get("duckdb"):
            differs = apart(verify.difference, workload, out / f"duckdb-{workload}", out / f"{name}-{workload}")
            if differs:
                faults.append(f"{workload}: the output of {name} differs from DuckDB's: {differs}")
    if workload == "b1" and runs.get("sluice"):
        peers = [out / f"{name}-b1" for name in programs if name != "sluice"]
        faults += [f"b1: our Parquet file: {fault}" for fault in apart(verify.parquet_faults, out / "sluice-b1", peers)]
    return runs, faults


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{len(os.sched_getaffinity(0))} cores of {model}, {memory:.0f} GiB"


def table(results, programs):
    peers = [name for name in programs if name != "sluice"]
    lines = ["| | work | " + " | ".join(f"{name} s" for name in programs) + " | ours / fastest peer | target | our peak MB | target |",
             "|---|---|" + "---:|" * (len(programs) + 4)]
    for workload, runs in results.items():
        median = {name: statistics.median(run["wall"] for run in runs[name]) for name in programs if runs[name]}
        ours = median.get("sluice")
        fastest = min((median[name] for name in peers if name in median), default=None)
        ratio = f"{ours / fastest:.2f}" if ours and fastest else "—"
        peak = f"{max(run['mb'] for run in runs['sluice']):.0f}" if runs.get("sluice") else "—"
        cells = " | ".join(f"{median[name]:.2f}" if name in median else "failed" for name in programs)
        target, most = TARGETS[workload]
        lines.append(f"| {workload.upper()} | {TITLES[workload]} | {cells} | {ratio} | {target} | {peak} | {most or '—'} |")
    return "\n".join(lines)


def new_name(folder, stem):
    """A name that no result has yet: the second table of a commit gets "-2"."""
    numbers = itertools.count(2)
    name = stem
    while (folder / f"{name}.md").exists():
        name = f"{stem}-{next(numbers)}"
    return name


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("-n", type=int, default=5, help="runs of each")
    arguments.add_argument("-w", default="b1,b2,b3,b4,b5", help="workloads")
    arguments.add_argument("-p", default="sluice,duckdb,polars,datafusion", help="programs")
    arguments.add_argument("--scale", type=float, default=1)
    arguments.add_argument("--data", type=pathlib.Path)
    arguments.add_argument("--keep", action="store_true", help="leave the outputs in build/bench")
    chosen = arguments.parse_args()
    data = (chosen.data or ROOT / f"data/tpch-sf{chosen.scale:g}").absolute()
    out = ROOT / "build/bench"
    make_data(data, chosen.scale, int(2_000_000 * chosen.scale))
    programs, results, faults = chosen.p.split(","), {}, []
    for workload in chosen.w.split(","):
        results[workload], found = measure(workload, programs, data, out, chosen.n)
        faults += found
        print(table({workload: results[workload]}, programs).splitlines()[-1], file=sys.stderr, flush=True)
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    heading = (f"TPC-H scale factor {chosen.scale:g}, {chosen.n} alternating runs each, medians of whole processes; "
               f"{machine()}; commit {commit.stdout.strip()}; {time.strftime('%Y-%m-%d')}.")
    text = f"{heading}\n\n{table(results, programs)}\n"
    text += "".join(f"\n- {fault}" for fault in faults) + ("\n" if faults else "")
    print(text)
    folder = ROOT / "benchmarks/results"
    name = new_name(folder, f"{time.strftime('%Y-%m-%d')}-{commit.stdout.strip()}"
                            + (f"-sf{chosen.scale:g}" if chosen.scale != 1 else ""))
    folder.joinpath(f"{name}.md").write_text(text)
    folder.joinpath(f"{name}.json").write_text(json.dumps({"heading": heading, "runs": results, "faults": faults}, indent=1))
    if not chosen.keep:
        shutil.rmtree(out, ignore_errors=True)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
