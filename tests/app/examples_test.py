"""Runs every example of config/examples from the checkout's root, twice, and compares what it loads with the golden
files under tests/pipelines/examples/NAME. A golden file is the output itself or, for those that are not text, its rows
as CSV: NAME.parquet.csv, NAME.arrow.csv, NAME.db.TABLE.csv, NAME.gz.txt; `stdout` is what was printed.

With --update NAME... the golden files are written anew: read the difference before you commit it."""

import csv
import gzip
import io
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "config/examples").glob("*.yaml"))
GOLDEN = ROOT / "tests/pipelines/examples"
BINARY = os.environ.get("SLUICE_BINARY", str(ROOT / "build/sluice"))

# Adds to its table in every run, so that the second differs.
APPENDS = {"sqlite_append"}
# Their examples need a server: tests/services runs them.
OF_SERVERS = {"kafka", "postgres", "rabbitmq"}
FLAT_MEMORY_MEBIBYTES = 300


def rows_as_csv(names, rows):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([["NULL" if value is None else value for value in row] for row in rows])
    return out.getvalue()


def table_as_csv(table):
    return rows_as_csv([f"{field.name} {field.type}" for field in table.schema], zip(*[c.to_pylist() for c in table]))


def as_texts(path):
    """The texts that golden files hold for an output file, by the ending that is added to its name."""
    if path.suffix == ".parquet":
        import pyarrow.parquet

        return {".csv": table_as_csv(pyarrow.parquet.read_table(path))}
    if path.suffix == ".arrow":
        import pyarrow.ipc

        with pyarrow.ipc.open_file(path) as reader:
            return {".csv": table_as_csv(reader.read_all())}
    if path.suffix == ".gz":
        return {".txt": gzip.decompress(path.read_bytes()).decode()}
    if path.suffix == ".db":
        texts = {}
        with sqlite3.connect(path) as database:
            tables = database.execute("select name from sqlite_master where type = 'table'").fetchall()
            for table in (name for (name,) in tables if not name.startswith("_sluice")):
                rows = database.execute(f'select * from "{table}" order by 1, 2')
                texts[f".{table}.csv"] = rows_as_csv([column[0] for column in rows.description], rows.fetchall())
        return texts
    return {"": path.read_text()}


def outputs(folder):
    """All that a run loaded, as texts."""
    texts = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            for ending, text in as_texts(path).items():
                texts[str(path.relative_to(folder)) + ending] = text
    return texts


class Example:
    def __init__(self, path, folder):
        self.path = path
        self.out = folder / "out"
        self.out.mkdir(exist_ok=True)
        self.state = folder / "state"

    def run(self):
        command = [BINARY, "run", str(self.path.relative_to(ROOT)), "--state", str(self.state)]
        # The second run of the others must take everything again; these must not.
        if not self.path.stem.startswith("incremental"):
            command.append("--fresh")
        if "\n  out:" in self.path.read_text():
            command += ["--set", f"out={self.out}"]
        environment = dict(os.environ, SLUICE_SECRET_DATABASE=str(self.out / "secret.db"))
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)

    def loaded(self, done):
        texts = outputs(self.out)
        if done.stdout:
            texts["stdout"] = done.stdout
        return texts


def golden(name):
    folder = GOLDEN / name
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


class Examples(unittest.TestCase):
    maxDiff = 4000

    def check(self, path):
        with tempfile.TemporaryDirectory() as folder:
            example = Example(path, pathlib.Path(folder))
            done = example.run()
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(example.loaded(done), golden(path.stem))
            again = example.run()
            self.assertEqual(again.returncode, 0, again.stderr)
            if path.stem in APPENDS:
                self.assertNotEqual(example.loaded(again), golden(path.stem))
            else:
                self.assertEqual(example.loaded(again), golden(path.stem))

    def test_the_example_of_every_component(self):
        described = subprocess.run([BINARY, "components", "--json"], capture_output=True, text=True, check=True).stdout
        for component in json.loads(described):
            name = f"{component['name']} {component['kind']}"
            if component["name"] in OF_SERVERS:
                continue
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                os.symlink(ROOT / "examples", pathlib.Path(folder, "examples"))
                pathlib.Path(folder, "p.yaml").write_text(component["example"])
                done = subprocess.run(
                    [BINARY, "run", "p.yaml", "--state", "state"], cwd=folder, capture_output=True, text=True, timeout=100,
                    env={**os.environ, "SLUICE_SECRET_AIRPORT_KEY": "00112233445566778899aabbccddeeff" * 2},
                )
                self.assertEqual(done.returncode, 0, name + done.stderr)

    @unittest.skipIf("sanitize" in BINARY, "AddressSanitizer's shadow memory is not ours")
    def test_a_hundred_million_rows_need_no_more_memory_than_a_few(self):
        path = ROOT / "config/examples/generate_flat_memory.yaml"
        with tempfile.TemporaryDirectory() as folder:
            example = Example(path, pathlib.Path(folder))
            pid = os.posix_spawn(
                BINARY,
                [BINARY, "run", str(path), "--state", str(example.state), "--fresh"],
                os.environ,
                file_actions=[(os.POSIX_SPAWN_OPEN, 2, str(example.state) + ".log", os.O_WRONLY | os.O_CREAT, 0o600)],
            )
            _, status, usage = os.wait4(pid, 0)
            log = pathlib.Path(str(example.state) + ".log").read_text()
            self.assertEqual(os.waitstatus_to_exitcode(status), 0, log)
            self.assertLess(usage.ru_maxrss / 1024, FLAT_MEMORY_MEBIBYTES, log)


def add_tests():
    for path in EXAMPLES:
        if path.stem == "generate_flat_memory":
            continue
        setattr(Examples, f"test_{path.stem}", lambda self, path=path: self.check(path))


def update(names):
    for path in EXAMPLES:
        if path.stem not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            example = Example(path, pathlib.Path(folder))
            done = example.run()
            print(path.stem, done.returncode, done.stderr if done.returncode else "")
            if done.returncode:
                continue
            shutil.rmtree(GOLDEN / path.stem, ignore_errors=True)
            for name, text in example.loaded(done).items():
                target = GOLDEN / path.stem / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--update"]:
        update(sys.argv[2:] or [path.stem for path in EXAMPLES])
    else:
        add_tests()
        unittest.main()
