"""A copy without `types:` keeps every byte of a field: what a number would be written otherwise for stays text."""

import csv
import decimal
import io
import json
import random
import unittest

from command_line import CommandLine

PIPELINE = """\
version: 1
pipeline: copy
extract:
  in: { FORMAT: { path: in.FORMAT } }
load:
  out: { from: in, FORMAT: { path: out.FORMAT } }
"""

ODD = ["nan", "NaN", "inf", "-inf", "Infinity", "1E5", "12E4", "1e5", "1e+05", "+5", ".5", "5.", "-.5", "1_000", "0x10", "0b1", "-0", "0.0", "-0.0",
       "1.0", "1.50", "007", "00.5", " 5", "5 ", "1,5", "1.000,5", "99999999999999999999", "-9223372036854775809", "9223372036854775808",
       "9007199254740993", "0.1234567890123456789", "1e400", "1e-400", "123456789012345.6", "1000000000000000", "TRUE", "True", "true", "yes", "t",
       "2024-1-1", "2024-02-30", "12:30", "NA", "null", "NULL", "None", "-", "", "x", "ä", "a b", 'say "hi"', "l1\nl2", "'q'", "\\N", "#1", "=1+1"]


def plain_number(chance):
    digits = chance.choice(["0", str(chance.randrange(1, 10)), str(chance.randrange(10**9)), str(chance.randrange(10**19))])
    return chance.choice(["", "", "-"]) + digits


def fraction(chance):
    return f"{chance.choice(['', '-'])}{chance.randrange(1000)}.{chance.randrange(10**chance.randrange(1, 9))}"


KINDS = [
    plain_number,
    fraction,
    lambda chance: f"{chance.uniform(-1000, 1000):.2f}",
    lambda chance: repr(chance.uniform(-1e6, 1e6)),
    lambda chance: repr(chance.choice([1e22, 1e-7, 1.5e300, 5e-324]) * chance.random()),
    lambda chance: f"{chance.choice(['', '-'])}{chance.randrange(100)}e{chance.randrange(-20, 20)}",
    lambda chance: chance.choice(["true", "false"]),
    lambda chance: f"20{chance.randrange(10, 30)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}",
    lambda chance: "".join(chance.choice('abc ,;"\'\n0123456789.-+eE_x') for _ in range(chance.randrange(6))),
]


def column(chance, rows):
    kind = chance.choice(KINDS)
    odd = chance.choice([0, 0, 0.02, 0.5])
    return [chance.choice(ODD) if chance.random() < odd else kind(chance) for _ in range(rows)]


class CopyKeepsFields(CommandLine):
    def copy(self, name):
        self.write("p.yaml", PIPELINE.replace("FORMAT", name))
        done = self.sluice("run", "p.yaml", "-q")
        self.assertEqual(done.returncode, 0, done.stderr)
        return (self.folder / f"out.{name}").read_bytes().decode()

    def test_random_csv_files(self):
        for seed in range(60):
            chance = random.Random(seed)
            rows = chance.choice([1, 3, 200])
            table = list(zip(*[column(chance, rows) for _ in range(12)]))
            text = io.StringIO()
            csv.writer(text, lineterminator="\n", quoting=chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])).writerows(
                [[f"c{i}" for i in range(12)], *table])
            self.write("in.csv", text.getvalue())
            copied = list(csv.reader(io.StringIO(self.copy("csv"), newline="")))[1:]
            for number, (before, after) in enumerate(zip(table, copied, strict=True)):
                self.assertEqual(list(before), after, f"seed {seed} row {number}")

    def test_every_odd_field_beside_numbers(self):
        for number in ("1234", "0.5", "12.50", "true", "2024-01-01"):
            table = [[number] * len(ODD), ODD, [number] * len(ODD)]
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows([[f"c{i}" for i in range(len(ODD))], *table])
            self.write("in.csv", text.getvalue())
            self.assertEqual(list(csv.reader(io.StringIO(self.copy("csv"), newline="")))[1:], table)

    def test_a_late_field_is_kept_or_fails_the_run(self):
        self.write("p.yaml", PIPELINE.replace("FORMAT", "csv"))
        for kind, odd in [(plain, o) for plain in ("{i}", "{i}.5", "{i}.25") for o in ("1.0", "-0", "1e3", "+4", " 7", "007", "1.50", ".5")]:
            lines = ["a,b"] + [f"{i},{kind.format(i=i + 1)}" for i in range(300_000)]
            lines[75_000] = f"0,{odd}"
            self.write("in.csv", "\n".join(lines) + "\n")
            (self.folder / "out.csv").unlink(missing_ok=True)
            done = self.sluice("run", "p.yaml", "-q")
            if done.returncode == 0:
                self.assertEqual((self.folder / "out.csv").read_text().splitlines()[75_000], f"0,{odd}")
            else:
                self.assertIn("at line 75,001 of in.csv", self.assert_error(done, "contradicts_type", 1))

    def test_json_numbers_keep_their_value(self):
        numbers = ["1.0", "1e5", "1E5", "-0.0", "0.1", "12.50", "1234567890123456789", "123456789012345678901234567890", "7"]
        chance = random.Random(7)
        for _ in range(20):
            picked = [chance.choice(numbers) for _ in range(chance.choice([1, 4]))]
            self.write("in.ndjson", "".join(f'{{"a":{number}}}\n' for number in picked))
            for number, line in zip(picked, self.copy("ndjson").splitlines(), strict=True):
                value = json.loads(line, parse_float=decimal.Decimal, parse_int=decimal.Decimal)["a"]
                self.assertEqual(decimal.Decimal(value), decimal.Decimal(number), (picked, line))


if __name__ == "__main__":
    unittest.main()
