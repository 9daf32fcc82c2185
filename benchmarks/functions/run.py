"""Measures the rate of every function: rows a second of one thread, and bytes a second where its argument is a text.

    python3 benchmarks/functions/run.py [--rows 500000] [--only NAME,...] [--markdown FILE]

The expression is the function's example from `sluice functions`, with its first literal replaced by a column that holds
the literal's value in every row. A pipeline without the function is measured as well; the difference of the CPU times
is what the function takes. Functions whose example has no literal (now(), pi()) are left out.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("SLUICE_BINARY", str(ROOT / "build/sluice"))
TARGET_ROWS = 20e6
TARGET_BYTES = 300e6
TYPED = r"(?:(?:date|timestamp|timestamptz|time|interval|json|jsonb|uuid)\s+)?"
LITERAL = re.compile(rf"array\[[^\]]*\](?:::\w+\[\])?|{TYPED}'(?:[^']|'')*'(?:::\w+)?|(?<![\w.])\d+(?:\.\d+)?(?:::\w+)?")


def pipeline(folder, name, text):
    path = folder / f"{name}.yaml"
    path.write_text(f"version: 1\npipeline: {name}\n" + text)
    return path


def run(folder, path):
    process = subprocess.Popen([BINARY, "run", str(path), "-q", "--fresh", "--state", str(folder / "state")], cwd=folder,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, used = os.wait4(process.pid, 0)
    error = process.stderr.read().decode()
    process.stderr.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, used.ru_utime + used.ru_stime, error


def seconds(folder, path, times=3):
    """The least CPU time of several runs; None where the pipeline is refused."""
    best = None
    for _ in range(times):
        code, cpu, error = run(folder, path)
        if code != 0:
            return None, error
        best = cpu if best is None else min(best, cpu)
    return best, ""


def measure(folder, name, example, rows):
    """The rates with the first literal that can be a column; where none can, the refusal."""
    why = None
    for found in LITERAL.finditer(example):
        rate = measure_with(folder, example, found, rows)
        if not isinstance(rate, str):
            return rate
        why = why or rate
    return why


def measure_with(folder, example, found, rows):
    literal = found.group(0)
    made = pipeline(folder, "made", f"""extract:
  n: {{ generate: {{ rows: {rows}, columns: {{ id: sequence }} }} }}
transform:
  t: {{ from: n, select: [{{ x: {json.dumps(literal)} }}] }}
load:
  out: {{ from: t, ipc: {{ path: x.arrow, compression: none }} }}
""")
    code, _, error = run(folder, made)
    if code != 0:
        return error.splitlines()[0] if error else "failed"
    # json and uuid are plain text in files.
    kind = re.match(r"(json|jsonb|uuid)\b", literal) or re.match(r"'[\[{]()", literal)
    column = "x" if not kind else f"x::{kind.group(1) or 'json'}"
    expression = example[: found.start()] + column + example[found.end():]

    def reading(unit, text):
        return pipeline(folder, unit, "extract:\n  n: { ipc: { path: x.arrow } }\n"
                        f"transform:\n  t: {{ from: n, derive: {{ y: {json.dumps(text)} }} }}\nload:\n  out: {{ from: t, blackhole: {{}} }}\n")

    without, error = seconds(folder, reading("base", f"({column}) is null"))
    if without is None:
        return error.splitlines()[0]
    with_function, error = seconds(folder, reading("full", expression))
    if with_function is None:
        return error.splitlines()[0]
    # What is lost in the noise counts as a millisecond.
    taken = max(with_function - without, 0.001)
    text = re.match(rf"{TYPED}'((?:[^']|'')*)'", literal)
    return rows / taken, (rows * len(text.group(1)) / taken if text else None)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rows", type=int, default=2_000_000)
    arguments.add_argument("--only", default="")
    arguments.add_argument("--markdown", type=pathlib.Path)
    given = arguments.parse_args()
    specs = json.loads(subprocess.run([BINARY, "functions", "--json"], capture_output=True, text=True, check=True).stdout)
    wanted = set(given.only.split(",")) if given.only else None
    slow = []
    print(f"{'function':28} {'M rows/s':>10} {'MB/s':>10}")
    for one in specs:
        if one["kind"] in ("aggregate", "window") or (wanted and one["name"] not in wanted):
            continue
        with tempfile.TemporaryDirectory() as folder:
            rate = measure(pathlib.Path(folder), one["name"], one["example"], given.rows)
        if rate is None:
            continue
        if isinstance(rate, str):
            print(f"{one['name']:28} {rate}")
            continue
        rows, size = rate
        # A text is measured by its bytes, everything else by rows; short texts count as rows, too.
        below = rows < TARGET_ROWS and (size is None or size < TARGET_BYTES)
        print(f"{one['name']:28} {rows / 1e6:10.1f} {'' if size is None else f'{size / 1e6:10.0f}'} {'below' if below else ''}", flush=True)
        if below:
            slow.append((one["name"], rows, size))
    if given.markdown:
        lines = ["| function | M rows/s | MB/s |", "|---|---|---|"]
        lines += [f"| `{name}` | {rows / 1e6:.1f} | {'' if size is None else f'{size / 1e6:.0f}'} |" for name, rows, size in sorted(slow)]
        given.markdown.write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
