#!/usr/bin/env python3
"""Random expressions and relational cases through Sluice and through a real PostgreSQL 15: the same values, the same
errors, but for the differences that differences.py lists.

    differential_test.py                                the seeds below, so that each run compares the same
    differential_test.py --seconds 60                   as long as that, from a random seed (./dev fuzz)
    differential_test.py --seed N [--seconds 60]        from this seed
    differential_test.py --about to_char                only expressions whose outermost rule holds that text, and no relational cases
    differential_test.py --expression "a + 1"           one expression, spelled the same in both, over the rows of a seed
"""

import argparse
import random
import shutil
import sys
import time

import both
import comparing
import differences
import expressions
import relational
import times
import typed
from command_line import ROOT
from differences import FAILED
from postgres_server import Server

ROWS = 40
# What `./dev test` compares: nobody's change fails by what another seed happens to find. `./dev fuzz` looks for more; what
# it finds becomes a case of its own in tests/engine/expression.
SEEDS = tuple(range(1, 13))
EXPRESSIONS_A_RUN = 40
TYPES = {"id": typed.INTEGER, **{name: of for name, (of, _) in expressions.COLUMNS.items()}}


class Comparison:
    """The tables on both sides, and what was found."""

    def __init__(self, connection, about):
        self.about = about
        self.connection = connection
        connection.run(both.FUNCTIONS + both.EVALUATE)
        self.sluice = both.Sluice()
        self.evaluations = self.failures = self.expressions = self.cases = self.explained = 0
        self.faults = []
        self.seed = 0

    def close(self):
        shutil.rmtree(self.sluice.folder, ignore_errors=True)

    def fault(self, text):
        self.faults.append(f"seed {self.seed}: {text[:3000]}")

    def rows_of(self, seed):
        self.seed = seed
        self.sluice.zone = times.ZONES[seed % len(times.ZONES)]
        self.connection.run(f"set timezone = '{self.sluice.zone}'")
        rows = expressions.random_rows(random.Random(seed), ROWS)
        self.sluice.table("t", rows, TYPES)
        self.sluice.rows = ROWS
        both.create_table(self.connection, "t", rows, TYPES)
        return rows

    def compare_expressions(self, seed):
        rows = self.rows_of(seed)
        generator = expressions.Generator(seed)
        made = [generator.about(self.about, 1 + number % 2) if self.about
                else generator.of(generator.chance.choice(list(expressions.RULES)), 1 + number % 4)
                for number in range(EXPRESSIONS_A_RUN)]
        self.compare(made, rows)

    def compare(self, made, rows):
        try:
            results, messages = both.evaluate_in_sluice(self.sluice, made)
        except both.Refused as refused:
            named = [made[number].sluice for number in both.refused_unit(str(refused)) if number < len(made)]
            self.fault(f"Sluice refuses {named}: {refused}")
            return
        for number, (each, (of, values)) in enumerate(zip(made, results)):
            self.expressions += 1
            postgres = f"compared({each.postgres})" if each.type in typed.TEMPORAL else each.postgres
            wanted = both.evaluate_in_postgres(self.connection, postgres)
            for row, (value, (kind, text)) in enumerate(zip(values, wanted)):
                self.evaluations += 1
                self.failures += value is FAILED
                given = FAILED if kind == "e" else None if kind == "n" else text
                if (value is FAILED) == (given is FAILED) and (
                        value is FAILED or comparing.same(of, value, given, each.traits)):
                    continue
                case = differences.Case(each.sluice, given, value, messages.get((number, row), ""),
                                        text if kind == "e" else "")
                if differences.explained(case):
                    self.explained += 1
                    continue
                inputs = {name: column[row] for name, column in rows.items()}
                self.fault(f"{each.sluice}\n    PostgreSQL {given!r} {case.postgres_message}\n    Sluice     {value!r} "
                           f"({of}) {case.message}\n    over {inputs}")
                break  # one row of an expression is enough


def undocumented():
    """The lines of the docs' table that differ from the list."""
    text = (ROOT / "docs/expressions.md").read_text()
    here = text.partition("## Differences from PostgreSQL")[2].partition("\n## ")[0].splitlines()
    return sorted(set(differences.table()) ^ {line for line in here if line.startswith("|")})


def endless(seed, seconds):
    """Seeds for that long."""
    chance = random.Random(seed)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield chance.randrange(1 << 32)


def run(options):
    if options.table:
        print("\n".join(differences.table()))
        return 0
    if wrong := undocumented():
        print("docs/expressions.md and tests/postgres/differences.py differ (--table prints the table):", *wrong, sep="\n")
        return 1
    seed, seeds = options.seed, SEEDS
    if seed is not None or options.seconds or options.about or options.expression:
        seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
        seeds = endless(seed, options.seconds or 60)
    print(f"seed {seed}" if seed is not None else f"seeds {seeds}", flush=True)
    with Server() as server:
        comparison = Comparison(server.connect(), options.about)
        try:
            if options.expression:
                rows = comparison.rows_of(seed)
                comparison.compare([typed.Expression("", options.expression, options.expression)], rows)
                seeds = ()
            for each in seeds:
                comparison.compare_expressions(each)
                if not options.about:
                    relational.compare(comparison, each)
                if len(comparison.faults) >= options.most_faults:
                    break
        finally:
            comparison.close()
    for fault in comparison.faults:
        print(f"\n{fault}")
    print(f"\n{comparison.expressions} expressions, {comparison.evaluations} evaluations of which {comparison.failures} "
          f"failed on both sides or one, {comparison.explained} explained; {comparison.cases} relational cases; "
          f"{len(comparison.faults)} differ; seed {seed}")
    if not comparison.faults and not options.expression and (comparison.expressions == 0 or not options.about and comparison.cases == 0):
        print("nothing was compared")
        return 1
    return 1 if comparison.faults else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--expression")
    parser.add_argument("--about")
    parser.add_argument("--most-faults", type=int, default=20)
    parser.add_argument("--table", action="store_true", help="print the table of differences as the docs have it")
    sys.exit(run(parser.parse_args()))
