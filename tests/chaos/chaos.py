#!/usr/bin/env python3
"""Real programs and real servers while things go wrong: tests/chaos/README.md. Prints one JSON object at the end.

    chaos.py [--seed N] [--kills N] [--minutes N] [--jobs A,B] [--together N] [--bug NAME]
"""

import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests/support")]

from jobs import all_jobs  # noqa: E402  (needs the path above)
from page import PHASES  # noqa: E402
from trial import Trial, Violation  # noqa: E402
from world import World  # noqa: E402


class Tally:
    """Counts what was done, over all jobs, and says what is still to be done."""

    def __init__(self, kills, minutes):
        self.kills, self.end = kills, time.monotonic() + 60 * minutes
        self.phases = collections.Counter({phase: 0 for phase in PHASES})
        self.by_job = collections.Counter()
        self.faults = collections.Counter()
        self.runs = self.rounds = self.failed = 0
        self.violations = []
        self.errors = []  # of the suite itself

    def more(self):
        enough = sum(self.phases.values()) >= self.kills
        return not enough and time.monotonic() < self.end and not self.violations and not self.errors

    def wanted(self, chosen, job):
        """The phase with the fewest kills, usually."""
        if chosen.random() < 0.25:
            return chosen.choice(PHASES)
        fewest = min(self.phases.values())
        return chosen.choice([phase for phase in PHASES if self.phases[phase] == fewest])

    def started(self):
        self.runs += 1

    def killed(self, phase, job):
        if phase in self.phases:
            self.phases[phase] += 1
            self.by_job[job] += 1
        else:
            self.faults[f"killed {phase}"] += 1

    def fault(self, what):
        self.faults[what] += 1

    def failed_by_fault(self):
        self.failed += 1


def mount(place, random_):
    """A small file system of its own for jobs on files, where this user may make one."""
    if random_.random() < 0.5:
        return False
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "sluice-chaos", place], capture_output=True)
    return done.returncode == 0


def round_of(world, kind, number, options, tally):
    chosen = random.Random(f"{options.seed} {kind.name} {number}")
    place = world.folder / f"{kind.name}-{number}"
    place.mkdir()
    mounted = not kind.servers and mount(place, chosen)
    trial = None
    try:
        trial = Trial(world, kind(world, place, chosen), chosen, tally, options.bug)
        world.stack.callback(trial.kill_all)  # where all of this is ended before its time
        trial.go(tally.more)
        tally.rounds += 1
    except Exception as why:  # all that goes wrong is to be told with its story
        story = "\n".join(trial.story[-40:]) if trial else ""
        told = f"{kind.name}, round {number}, seed {options.seed}, in {place}:\n{why}\n{story}"
        if isinstance(why, Violation):
            if "kafka" in kind.servers:
                told += "\n" + world.kafka.transactions()
            tally.violations.append(told)
        else:
            tally.errors.append(told + "\n" + traceback.format_exc())
    finally:
        if trial:
            trial.close()
        if mounted:
            if tally.violations and options.keep:
                shutil.copytree(place, f"{place}-kept", symlinks=True)
            subprocess.run(["umount", "-l", place], check=True)
        if not tally.violations:
            shutil.rmtree(place, ignore_errors=True)


def work(world, waiting, options, tally):
    """Takes the jobs in turn."""
    while tally.more():
        kind, number = waiting.popleft()
        round_of(world, kind, number, options, tally)
        waiting.append((kind, number + 1))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--minutes", type=float, default=60)
    options.add_argument("--jobs", default="")
    options.add_argument("--together", type=int, default=2)
    options.add_argument("--bug", help="a planted bug by name")
    options.add_argument("--keep", action="store_true", help="keeps the folder where something was found")
    options.add_argument("--binary", default=os.environ.get("SLUICE_PROOF", str(ROOT / "build/sluice_proof")))
    chosen = options.parse_args()
    kinds = all_jobs()
    names = [name for name in chosen.jobs.split(",") if name] or list(kinds)
    if unknown := [name for name in names if name not in kinds]:
        options.error(f"no job {unknown[0]}; there are {', '.join(kinds)}")
    tally = Tally(chosen.kills, chosen.minutes)
    begun = time.monotonic()
    folder = tempfile.mkdtemp(prefix="sluice-chaos-")
    shim = pathlib.Path(folder) / "fail_calls.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, ROOT / "tests/support/fail_calls.c", "-ldl"], check=True)
    with World(folder, chosen.binary, shim) as world:
        world.start({server for name in names for server in kinds[name].servers})
        waiting = collections.deque((kinds[name], 1) for name in names)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        workers = [threading.Thread(target=work, args=(world, waiting, chosen, tally), daemon=True)
                   for _ in range(min(chosen.together, len(names)))]
        for each in workers:
            each.start()
        for each in workers:
            each.join()
    if not (tally.violations and chosen.keep):
        shutil.rmtree(folder, ignore_errors=True)
    for each in tally.violations:
        print(f"VIOLATION {each}\n", file=sys.stderr)
    for each in tally.errors:
        print(f"ERROR OF THE SUITE {each}\n", file=sys.stderr)
    print(json.dumps({"seed": chosen.seed, "kills": sum(tally.phases.values()), "phases": tally.phases,
                      "kills_by_job": tally.by_job, "faults": tally.faults, "starts": tally.runs,
                      "rounds": tally.rounds, "runs_failed_by_faults": tally.failed,
                      "seconds": round(time.monotonic() - begun), "violations": len(tally.violations)}))
    sys.exit(1 if tally.violations else 2 if tally.errors else 0)


if __name__ == "__main__":
    main()
