"""The jobs that run while things go wrong, one a file: a module here with a class `Job` is a job.

A job makes its input, says its pipeline, and compares what it finds in the target with what it finds in the source. It
asks the program for nothing but its rejects. Each round of a job has a folder and a state folder of its own.
"""

import collections
import importlib
import json
import pkgutil


class JobBase:
    name = ""          # set from the module's
    servers = ()       # of "kafka", "postgres", "rabbitmq"; tests/chaos/world.py starts them
    endless = False    # the pipeline ends only when it is drained
    fails_at = ("",)   # parts of paths whose calls may be made to fail: targets and the state

    def __init__(self, world, place, random):
        self.world, self.place, self.random = world, place, random
        self.tag = f"{self.name}_{place.name}".replace("-", "_")

    def prepare(self):
        """Makes the input and the pipeline's file p.yaml."""
        raise NotImplementedError

    def feed(self):
        """Adds to the input of an endless pipeline; called several times a second while it runs."""

    def close_input(self):
        """The last input of an endless pipeline: what `complete` needs."""

    def visible(self):
        """How many rows a reader of the targets sees, or another number that grows."""
        raise NotImplementedError

    def check(self):
        """What is wrong with what is visible now, no process being at work: a list of texts."""
        raise NotImplementedError

    def complete(self):
        """Whether all that is to come is visible."""
        raise NotImplementedError

    def check_end(self, rejects):
        """What is wrong after the run has ended in order; `rejects` are its rejected records."""
        raise NotImplementedError

    def close(self):
        """Lets go of connections."""

    def write(self, name, text):
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def compare(what, found, wanted):
    """Differences between two collections of rows, as multisets: lost, repeated, and never there."""
    found, wanted = collections.Counter(found), collections.Counter(wanted)
    lost, more = wanted - found, found - wanted
    faults = []
    if lost:
        faults.append(f"{what}: {sum(lost.values())} rows are lost, among them {sorted(lost, key=str)[:3]}")
    if more:
        twice = sorted((row for row in more if row in wanted), key=str)
        strange = sorted((row for row in more if row not in wanted), key=str)
        if twice:
            faults.append(f"{what}: {sum(more[row] for row in twice)} rows are there more than once, among them {twice[:3]}")
        if strange:
            faults.append(f"{what}: {sum(more[row] for row in strange)} rows should not be there, among them {strange[:3]}")
    return faults


def prefix(what, found, wanted):
    """Whether `found` is how `wanted` begins: nothing lost before its end, nothing twice, all in order."""
    if found == wanted[:len(found)]:
        return []
    at = next((i for i, (a, b) in enumerate(zip(found, wanted)) if a != b), min(len(found), len(wanted)))
    here = found[at] if at < len(found) else None
    there = wanted[at] if at < len(wanted) else None
    return [f"{what}: row {at} is {here}, expected {there} ({len(found)} rows found, {len(wanted)} in the source)"]


def read_lines(text):
    return [json.loads(line) for line in text.splitlines() if line]


def all_jobs():
    found = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda each: each.name):
        job = importlib.import_module(f"{__name__}.{module.name}").Job
        job.name = module.name.replace("_", "-")
        found[job.name] = job
    return found
