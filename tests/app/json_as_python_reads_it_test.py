"""Random and damaged JSON records: what Python's json module makes of them is what is loaded or rejected."""

import decimal
import json
import math
import random
import unittest

import pyarrow.parquet

from command_line import CommandLine

Decimal = decimal.Decimal


class JsonAsPythonReadsIt(CommandLine):
    def test_each_record_is_loaded_or_rejected(self):
        random.seed(11)
        lines = [self.random_record(i) for i in range(6000)]
        lines = [self.damaged(line) if i % 3 == 0 else line for i, line in enumerate(lines)]
        lines = [line for line in lines if "\n" not in line and line.strip(" \t\r") and self.is_clear(line)]
        self.write("in.ndjson", ("\n".join(lines) + "\n").encode())
        self.write("p.yaml", """\
version: 1
pipeline: json
rejects: { allow: 100000 }
extract:
  rows:
    ndjson: { path: in.ndjson }
    types: { id: bigint, d: double, t: text, b: boolean, n: "decimal(20,3)", l: "bigint[]", o: "struct(x bigint, y text)" }
    columns: [id, d, t, b, n, l, o]
load:
  out: { from: rows, parquet: { path: out/t.parquet } }
""")
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        wanted = [row for line in lines if (row := self.model(line)) is not None]
        got = pyarrow.parquet.read_table(self.folder / "out/t.parquet").to_pylist()
        self.assertGreater(len(lines) - len(wanted), 500)
        self.assertGreater(len(wanted), 4000)
        for mine, right in zip(got, wanted):
            self.assertEqual(mine, right)
        self.assertEqual(len(got), len(wanted))

    def random_record(self, i):
        texts = ["", "plain", 'q"\\/\b\f\n\r\t', "\u00fc\U0001f600", "x" * 40, "\x01"]
        row = {
            "id": random.choice([i, -i, 2**63 - 1, -(2**63), None]),
            "d": random.choice([random.random() * 10 ** random.randint(-30, 30), 0.1, 1e308, -0.0, 7]),
            "t": random.choice(texts),
            "b": random.choice([True, False, None]),
            "n": random.choice([i, -i]),
            "l": random.choice([[], [1, None, 3], None]),
            "o": random.choice([{"x": i, "y": random.choice(texts)}, {}, {"y": None}, None]),
            "extra": random.choice([{"deep": [[{}], "x"]}, 1.5e-7, "\\"]),
        }
        keys = list(row)
        if random.random() < 0.3:
            random.shuffle(keys)
        keys = [key for key in keys if random.random() < 0.9] or ["id"]
        text = json.dumps({key: row[key] for key in keys}, ensure_ascii=random.random() < 0.5,
                          separators=random.choice([(",", ":"), (", ", ": "), (" ,\t", " :  ")]))
        return text.replace('"n":' + str(i), '"n":' + str(i) + ".125")

    def damaged(self, line):
        at = random.randrange(len(line))
        kind = random.randrange(4)
        if kind == 0:
            return line[:at] + line[at + 1:]
        if kind == 1:
            return line[:at] + random.choice('{}[]",:0e.-\\ntu') + line[at:]
        if kind == 2:
            return line[:at]
        return line[:at] + random.choice('{}[]",:0e.-\\ntu') + line[at + 1:]

    def is_clear(self, line):
        try:
            self.model(line)
        except OtherValue:
            return False
        return True

    def model(self, line):
        """What the record is as a row; None where it must be rejected."""

        def unique(pairs):
            if len({key for key, _ in pairs}) < len(pairs):
                known = [key for key, _ in pairs if key in NAMES]
                if len(set(known)) < len(known):
                    raise ValueError("twice")
            return dict(pairs)

        def refuse(text):
            raise ValueError(text)

        try:
            record = json.loads(line, object_pairs_hook=unique, parse_constant=refuse, parse_float=Number, parse_int=Number)
            if not isinstance(record, dict):
                return None
            json.dumps(record, ensure_ascii=False, default=str).encode()  # lone surrogates
            return {name: fit(record.get(name), line) for name, fit in FITS.items()}
        except (ValueError, TypeError, OverflowError):
            return None


class OtherValue(Exception):
    """A damaged record put a value that is no text into a text column, which takes it as it stands."""


class Number(str):
    """A number as it stands in the text."""


def whole(value, _):
    if value is None:
        return None
    if not isinstance(value, Number):
        raise ValueError
    number = Decimal(value)
    if number != number.to_integral_value() or not -(2**63) <= number < 2**63:
        raise ValueError
    return int(number)


def double(value, _):
    if value is None:
        return None
    if not isinstance(value, Number) or math.isinf(float(value)):
        raise ValueError
    return float(value)


def text(value, _):
    if value is None:
        return None
    if isinstance(value, Number) or not isinstance(value, str):
        raise OtherValue
    return value


def boolean(value, _):
    if value is not None and not isinstance(value, bool):
        raise ValueError
    return value


def exact(value, _):
    if value is None:
        return None
    if not isinstance(value, Number):
        raise ValueError
    with decimal.localcontext(prec=400):
        number = Decimal(value).quantize(Decimal("0.001"))
        if number != Decimal(value) or abs(number) >= 10**17:
            raise ValueError
    return number


def numbers(value, line):
    if value is None:
        return None
    if not isinstance(value, list):
        raise ValueError
    return [whole(each, line) for each in value]


def pair(value, line):
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValueError
    return {"x": whole(value.get("x"), line), "y": text(value.get("y"), line)}


FITS = {"id": whole, "d": double, "t": text, "b": boolean, "n": exact, "l": numbers, "o": pair}
NAMES = {*FITS, "x", "y"}

if __name__ == "__main__":
    unittest.main()
