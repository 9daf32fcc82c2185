"""Random CSV and NDJSON files, read by Sluice's readers and by Python's csv and json modules: every cell is the same, and
what they refuse is rejected. `SLUICE_DIFFERENTIAL_FILES` says how many files of both kinds together; ./dev fuzz reads 100,000."""

import csv
import io
import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import unittest
from concurrent.futures import ProcessPoolExecutor

TESTS = pathlib.Path(os.environ["SLUICE_BINARY"]).parent / "tests/test_engine"
FILES = int(os.environ.get("SLUICE_DIFFERENTIAL_FILES", "3000"))
SEED = os.environ.get("SLUICE_DIFFERENTIAL_SEED", "4")
PER_PROCESS = 1000
BLANKS = " \t\r"


# CSV -----------------------------------------------------------------------------------------------------------------


def csv_field(rng, separator, quote, escape, longest):
    kind = rng.randrange(8)
    size = rng.randrange(longest)
    if kind < 2:
        pieces = ["a", "b", separator, "\n", "\r\n", quote * 2, "ä", " ", "\r", "€", "😀", "\0"]
        if escape:
            pieces += [escape + quote, escape + escape, escape + "x"]
        return quote + "".join(rng.choices(pieces, k=size)) + quote
    if kind == 2:
        odd = [f"5{quote} pipe", f"a{quote}b{quote}", quote * 2, quote * 4, f" {quote}x{quote}", "ü", "  ", "", "\u2028"]
        if escape:
            odd += [escape + separator, "x" + escape + quote, escape + escape]
        return rng.choice(odd)
    return "".join(rng.choices("abcdefgh 0123456789.-#", k=size))


def make_csv(rng):
    separator, quote = rng.choice(",,,;\t|"), rng.choice('"""\'')
    escape = rng.choice([None, None, None, "\\"])
    longest = rng.choice([4, 4, 20, 100])
    columns = rng.choice([1, 2, 3, 3, 5])
    text = [separator.join("abcde"[:columns]), rng.choice(["\n", "\r\n", "\r"])]
    for _ in range(rng.choice([0, 1, 3, 10, 30])):
        fields = columns if rng.random() < 0.95 else rng.randrange(1, 7)
        text.append(separator.join(csv_field(rng, separator, quote, escape, longest) for _ in range(fields)))
        text.append(rng.choice(["\n"] * 5 + ["\r\n", "\r"]))
    if rng.random() < 0.2:
        text.pop()
    text = "".join(text)
    own = {"separator": separator, "quote": quote}
    if escape:
        own["escape"] = escape
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quotechar=quote, escapechar=escape)
    rows = list(reader)[1:]
    if columns == 1:
        rows = [row or [""] for row in rows]
    else:
        rows = [row for row in rows if row]
    right = [row for row in rows if len(row) == columns]
    names = list("abcde"[:columns])
    ask = {"source": "csv", "own": own, "types": {name: "text" for name in names}, "columns": []}
    return ask, text.encode(), right, len(rows) - len(right)


def same_csv(got, wanted):
    return [[cell or "" for cell in row] for row in got] == wanted


# NDJSON --------------------------------------------------------------------------------------------------------------


def json_text(rng, broken=0.02):
    pieces = ["a", "bc", " ", "ä", "😀", '\\"', "\\\\", "\\n", "\\u00e4", "\\ud83d\\ude00", "\\/", "x" * 20, "\\u0000", "}", "]", ",", ":"]
    if rng.random() < broken:
        pieces += ["\\ud800", "\\udc00", "\\x", "\t", "\\u12"]
    return '"' + "".join(rng.choices(pieces, k=rng.randrange(6))) + '"'


def json_number(rng):
    kind = rng.randrange(6)
    if kind == 0:
        return str(rng.randrange(-100, 100))
    if kind == 1:
        return str(rng.randrange(-(2**63), 2**64))
    if kind == 2:
        return repr(rng.uniform(-1e6, 1e6))
    if kind == 3:
        return f"{rng.randrange(10**18)}.{rng.randrange(10**20)}e{rng.randrange(-340, 320)}"
    if kind == 4:
        return rng.choice(["-0", "0", "1E5", "1e+5", "0.0", "-1.5e-300", "9007199254740993", "123456789012345678901234567890"])
    return rng.choice(["01", "+1", ".5", "1.", "-", "NaN", "1e", "0x1", "--1"]) if rng.random() < 0.05 else "7"


def json_value(rng, depth=0):
    kind = rng.randrange(9 if depth < 3 else 6)
    blank = rng.choice(["", "", "", " ", "\t"])
    if kind < 2:
        return json_text(rng)
    if kind < 4:
        return json_number(rng)
    if kind < 6:
        return rng.choice(["true", "false", "null"]) if rng.random() < 0.98 else rng.choice(["True", "nul", "nulll", ""])
    if kind == 6:
        return "[" + blank + ("," + blank).join(json_value(rng, depth + 1) for _ in range(rng.randrange(4))) + blank + "]"
    return json_object(rng, depth + 1)


def json_object(rng, depth=0):
    blank = rng.choice(["", "", " "])
    keys = rng.sample(['"a"', '"b"', '"c"', '"d"', '"\\u0061"', '"x.y"', '""'] if rng.random() < 0.1 else ['"a"', '"b"', '"c"'], rng.randrange(4) if depth == 0 else rng.randrange(3))
    return "{" + blank + ("," + blank).join(f"{key}{blank}:{blank}{json_value(rng, depth)}" for key in keys) + blank + "}"


def spoil(rng, line):
    """Takes a character away, doubles one or puts another one in."""
    at = rng.randrange(len(line) + 1)
    return rng.choice([line[:at] + line[at + 1:], line[:at] + line[at:at + 1] + line[at:], line[:at] + rng.choice('{}[]",:\\ x0-e.') + line[at:],
                       line[:at]])


def refuse(name):
    raise ValueError(name)


DECODER = json.JSONDecoder(parse_constant=refuse, parse_float=str, parse_int=str)


def skip(line, at):
    while at < len(line) and line[at] in BLANKS:
        at += 1
    return at


def members(line):
    """The values of an object as they stand in its text, texts unescaped; ValueError where it is none."""
    at = skip(line, 0)
    if line[at:at + 1] != "{":
        raise ValueError("no object")
    found = {}
    at = skip(line, at + 1)
    if line[at:at + 1] == "}":
        at += 1
    else:
        while True:
            if line[at:at + 1] != '"':
                raise ValueError("no key")
            key, at = json.decoder.scanstring(line, at + 1, True)
            at = skip(line, at)
            if line[at:at + 1] != ":":
                raise ValueError("no colon")
            at = skip(line, at + 1)
            value, end = DECODER.raw_decode(line, at)
            text = value if line[at] == '"' else None if line[at] == "n" else line[at:end]
            json.dumps(value, ensure_ascii=False).encode()  # no half of a pair anywhere in it
            key.encode()
            if key in found:
                raise ValueError("twice")
            found[key] = text
            at = skip(line, end)
            if line[at:at + 1] == "}":
                at += 1
                break
            if line[at:at + 1] != ",":
                raise ValueError("no comma")
            at = skip(line, at + 1)
    if skip(line, at) != len(line):
        raise ValueError("more behind it")
    return found


def make_json(rng):
    lines, rows, bad = [], [], 0
    for _ in range(rng.choice([1, 2, 5, 20])):
        line = json_object(rng)
        if rng.random() < 0.15:
            line = spoil(rng, line)
        lines.append(line)
        if skip(line, 0) == len(line):
            continue
        try:
            found = members(line)
            rows.append([found.get(name) for name in "abc"])
        except (ValueError, UnicodeEncodeError):
            bad += 1
    end = rng.choice(["\n", "\n", "\r\n"])
    text = end.join(lines) + rng.choice(["", end])
    # The types of the others too: one that were inferred to be a struct would reject keys that come twice inside of it.
    names = ["a", "b", "c", "d", "x.y", ""]
    ask = {"source": "ndjson", "own": {}, "types": {name: "text" for name in names}, "columns": list("abc")}
    return ask, text.encode(), rows, bad


def make_typed_json(rng):
    def value(kind):
        if rng.random() < 0.15:
            return None
        if kind == "bigint":
            return rng.randrange(-(2**63), 2**63)
        if kind == "ubigint":
            return rng.randrange(2**64)
        if kind == "double":
            return rng.choice([rng.uniform(-1e300, 1e300), rng.uniform(-1, 1), rng.random() * 10 ** rng.randrange(-320, 300)])
        if kind == "boolean":
            return rng.random() < 0.5
        if kind == "text":
            return json.loads(json_text(rng, 0))
        if kind.endswith("[]"):
            return [value(kind[:-2]) for _ in range(rng.randrange(4))]
        return {"x": value("bigint"), "y": value("text[]")}

    types = {name: rng.choice(["bigint", "ubigint", "double", "boolean", "text", "bigint[]", "double[]", "struct(x bigint, y text[])"]) for name in "abc"}
    rows, lines = [], []
    for _ in range(rng.choice([1, 5, 30])):
        row = {name: value(kind) for name, kind in types.items()}
        rows.append([row[name] for name in "abc"])
        items = list(row.items())
        rng.shuffle(items)
        items = [(name, each) for name, each in items if each is not None or rng.random() < 0.5]
        lines.append(json.dumps(dict(items), ensure_ascii=rng.random() < 0.5))
    ask = {"source": "ndjson", "own": {}, "types": types, "columns": list("abc")}
    return ask, ("\n".join(lines) + "\n").encode(), rows, 0


# ---------------------------------------------------------------------------------------------------------------------


def read_some(number):
    """Makes files, has one process read them all, and gives the first difference as text, or none."""
    rng = random.Random(f"{SEED}-{number}")
    makers = [make_csv, make_csv, make_json, make_typed_json]
    cases = [makers[i % 4](rng) for i in range(PER_PROCESS)]
    # All levels of the readers' vector code find the same.
    level = rng.choice(["scalar", "sse2", "avx2", "avx512"])
    process = subprocess.Popen([TESTS, "[read_many]"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "SLUICE_SIMD": level})

    def feed():
        try:
            for ask, content, _, _ in cases:
                whole = {**ask, "split": rng.choice([5, 64, 1 << 30]), "size": len(content)}
                process.stdin.write(json.dumps(whole).encode() + b"\n" + content)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it ended early, which is told

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        return compare(cases, f"{number} (SLUICE_SIMD={level})", (line for line in process.stdout if line.startswith(b"{")))  # Catch2 has its say, too
    finally:
        process.kill()
        feeder.join()
        process.stdout.close()
        process.wait()


def compare(cases, number, lines):
    for i, (ask, content, rows, rejects) in enumerate(cases):
        where = f"file {i} of {SEED}-{number}\n{ask}\n{content!r}\n"
        line = next(lines, None)
        if line is None:
            return "the reader ended at " + where
        got = json.loads(line)
        if got["problem"] == "runaway_quote" and ask["source"] == "csv":
            # A record to reject that holds more than ten whole ones ends the file there.
            if len(got["rejects"]) < rejects and same_csv(got["rows"], rows[:len(got["rows"])]):
                continue
        same = same_csv(got["rows"], rows) if ask["source"] == "csv" else got["rows"] == rows
        if not same or len(got["rejects"]) != rejects or got["problem"]:
            return f"{where}wanted {rows}, {rejects} rejects\ngot {got}"
    return None


class Differential(unittest.TestCase):
    def test_every_cell_is_what_python_reads(self):
        with ProcessPoolExecutor(max(1, os.cpu_count() or 1)) as pool:
            for done, difference in enumerate(pool.map(read_some, range(max(1, FILES // PER_PROCESS))), 1):
                self.assertIsNone(difference, difference)
                if FILES > 10_000 and done % 10 == 0:
                    print(f"{done * PER_PROCESS:,} files", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
