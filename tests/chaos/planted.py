#!/usr/bin/env python3
"""Plants each of the bugs of tests/chaos/README.md in turn, and shows that the suite catches it.

    planted.py [--bugs A,B] [--seed N] [--minutes N]
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent

# Each with the job that meets what it breaks.
BUGS = {
    "commit_forgotten": "file-to-parquet",
    "position_ahead": "file-to-parquet",
    "position_behind": "file-to-parquet",
    "visible_too_early": "file-to-parquet",
    "state_forgotten": "file-to-postgres",
    "barrier_not_aligned": "file-to-postgres",
    "commit_repeated": "join-to-sqlite",
    "rejects_not_cut": "file-to-parquet",
    "acknowledged_too_early": "rabbitmq-to-postgres",
    "failed_rename_ignored": "file-to-parquet",
}


def plant(bug, seed, minutes):
    """Runs the suite with the bug; gives what it found, or nothing."""
    command = [sys.executable, HERE / "chaos.py", "--jobs", BUGS[bug], "--bug", bug, "--seed", str(seed), "--kills", "1000",
               "--minutes", str(minutes), "--together", "1"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    last = (done.stdout.strip().splitlines() or ["{}"])[-1]
    counts = json.loads(last)
    found = ""
    if done.returncode == 1 and counts.get("violations"):
        found = next(line for line in done.stderr.splitlines() if line.startswith("  ") or "balance" in line or "failed" in line)
    return found.strip(), counts, done.stderr


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bugs", default=",".join(BUGS))
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--minutes", type=float, default=4)
    chosen = options.parse_args()
    missed = []
    for bug in chosen.bugs.split(","):
        if bug not in BUGS:
            options.error(f"no bug {bug}; there are {', '.join(BUGS)}")
        begun = time.monotonic()
        found, counts, said = plant(bug, chosen.seed, chosen.minutes)
        took = f"after {counts.get('kills')} kills, {time.monotonic() - begun:.0f} s"
        print(f"{bug:24}  {'caught' if found else 'MISSED':7} {took}: {found[:150]}", flush=True)
        if not found:
            missed.append(bug)
            print(said[-3000:], file=sys.stderr)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
