"""No secret gets out: not into the Store, events, logs, rejects, answers, hidden names, or what /proc shows of a process."""

import json
import os
import pathlib
import shutil
import subprocess
import threading
import unittest

from command_line import BINARY, ROOT, CommandLine, eventually
from processes import descendants, kill, open_files

VALUE = "S3cr3t V4lue&77"
CORE = "V4lue"  # the same in every encoding that leaves letters alone, and in no other text
REFERENCE = "${secret:X}"
ROWS = "id,name,amount\n" + "".join(f"{i},name{i % 97},{i * 7919 % 1000}.25\n" for i in range(100))
VERBS = (["run", "p.yaml", "--json"], ["run", "p.yaml", "-v"], ["validate", "p.yaml"], ["validate", "p.yaml", "--json"],
         ["explain", "p.yaml"], ["explain", "p.yaml", "--json"], ["preview", "p.yaml", "--unit", "a"], ["runs", "--json"],
         ["status", "last"], ["status", "last", "--json"], ["logs", "last"], ["events", "last"], ["rejects", "last"],
         ["rejects", "export", "last"], ["state", "show", "--files"], ["state", "show", "--files", "--json"])


def pipeline(source="path: in.csv", transform="", load="csv: { path: out.csv }", more="", head=""):
    """A pipeline of a source a, perhaps a transform b, and a sink o."""
    transform = f"transform:\n  b: {{ from: a, {transform} }}\n" if transform else ""
    return (f"version: 1\npipeline: sec\n{head}extract:\n  a:\n    csv: {{ {source} }}\n"
            f"    types: {{ id: bigint, name: text, amount: \"decimal(12,2)\" }}\n{more}{transform}"
            f"load:\n  o: {{ from: {'b' if transform else 'a'}, {load} }}\nrejects: {{ allow: 1000000 }}\n")


def source_folder(folder):
    (folder / VALUE).mkdir()
    (folder / VALUE / "in.csv").write_text(ROWS + "x,y,z\n1\n")


def file_of_text(folder):
    (folder / VALUE).write_text("no database " * 100)


def encoded_folder(folder, name):
    source_folder(folder)
    (folder / VALUE / name).write_text(ROWS + "x,y,z\n1\n")


IN_SECRET = 'path: "${secret:X}/in.csv"'
# name: pipeline, what is made before, the exit code of run
CASES = {
    "source path": (pipeline(IN_SECRET), source_folder, 0),
    "source path, nothing there": (pipeline('path: "${secret:X}/nothere.csv"'), None, 2),
    "sink path": (pipeline(load='csv: { path: "${secret:X}/o.csv" }'), None, 0),
    "sink file": (pipeline(load='csv: { path: "${secret:X}" }'), None, 0),
    "sink path is a folder": (pipeline(load='csv: { path: "${secret:X}" }'), source_folder, None),
    "sink path denied": (pipeline(load='csv: { path: "/proc/${secret:X}/o.csv" }'), None, 1),
    "two sinks": (pipeline(load='csv: { path: "${secret:X}" }').replace(
        "rejects:", '  q: { from: a, csv: { path: "./${secret:X}" } }\nrejects:'), None, 2),
    "sink in the source's glob": (pipeline('path: "${secret:X}/*.csv"', load='csv: { path: "${secret:X}/o.csv" }'), source_folder, 2),
    "sqlite, no database": (pipeline(load='sqlite: { path: "${secret:X}", table: o }, mode: append'), file_of_text, 1),
    "sqlite file": (pipeline(load='sqlite: { path: "${secret:X}", table: o }, mode: replace'), None, 0),
    "sqlite table": (pipeline(load='sqlite: { path: x.db, table: "${secret:X}" }, mode: error'), None, 0),
    "sqlite table, key": (pipeline(load='sqlite: { path: x.db, table: "${secret:X}" }, mode: upsert, key: [no]'), None, None),
    "null_value": (pipeline(load='csv: { path: out.csv, null_value: "${secret:X}" }'), None, 0),
    "null_values": (pipeline('path: in.csv, null_values: ["${secret:X}"]'), None, 0),
    "separator": (pipeline('path: in.csv, separator: "${secret:X}"'), None, 2),
    "compression": (pipeline(load='csv: { path: out.csv, compression: "${secret:X}" }'), None, 2),
    "encoding": (pipeline('path: in.csv, encoding: "${secret:X}"'), None, 2),
    "filter, quoted": (pipeline(transform="filter: \"name = '${secret:X}'\""), None, 2),
    "filter": (pipeline(transform='filter: "name = ${secret:X}"'), None, 2),
    "derive, rejected": (pipeline(transform="derive: { k: \"('${secret:X}' || name)::bigint\" }, on_error: reject"), None, 2),
    "derive, failing": (pipeline(transform="derive: { k: \"('${secret:X}' || name)::bigint\" }"), None, 2),
    "param in an expression": (pipeline(transform='filter: "name = $p"',
                                        head='params: { p: { type: text, default: "${secret:X}" } }\n'), None, 2),
    "param in a path": (pipeline('path: "${p}/in.csv"', head='params: { p: { type: text, default: "${secret:X}" } }\n'),
                        source_folder, 0),
    "incremental": (pipeline('path: "${secret:X}/*.csv"', load="csv: { path: out.csv }, mode: append",
                             more="    incremental: { by: file }\n"), source_folder, 0),
    "contract": (pipeline('path: "${secret:X}/*.csv"', more="    contract: quarantine\n"), source_folder, None),
    "metadata": (pipeline(IN_SECRET, more="    metadata: { _file: path }\n"), source_folder, 0),
    "metadata in a row error": (pipeline(IN_SECRET, transform='derive: { k: "_file::bigint" }, on_error: reject',
                                         more="    metadata: { _file: path }\n"), source_folder, 0),
    "texts": (pipeline(head='description: "${secret:X}"\nowner: "${secret:X}"\ntags: ["${secret:X}"]\n'), None, 2),
    "types": (pipeline().replace("bigint", "${secret:X}"), None, 2),
    # Somebody else has encoded it, and messages name the files.
    "percent-encoded": (pipeline('path: "${secret:X}/"'), lambda folder: encoded_folder(folder, "S3cr3t%20V4lue%2677.csv"), 0),
    "partly encoded": (pipeline('path: "${secret:X}/"'), lambda folder: encoded_folder(folder, "S3cr3t+V4lue%26%37%37.csv"), 0),
    "escaped": (pipeline('path: "${secret:X}/"'), lambda folder: encoded_folder(folder, "S3cr3t\\u0020V4lue\\x2677.csv"), 0),
}


def look_at_process(pid):
    """What everybody on the machine can read of a process, but for the environment, where the user has put the secret."""
    seen = {}
    try:
        tasks = [pathlib.Path(f"/proc/{pid}/task/{task}") for task in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return {}  # it has ended
    for task in [pathlib.Path(f"/proc/{pid}"), *tasks]:
        for name in ("cmdline", "comm", "maps"):
            try:
                seen[f"{name} of {task}"] = (task / name).read_text(errors="replace")
            except OSError:
                pass
    seen |= {f"link {link}": target for link, target in open_files(pid).items()}
    for link in [pathlib.Path(f"/proc/{pid}/cwd"), pathlib.Path(f"/proc/{pid}/exe")]:
        try:
            seen[f"link {link}"] = os.readlink(link)
        except OSError:
            pass
    return seen


class Secrets(CommandLine):
    def setUp(self):
        super().setUp()
        self.write("in.csv", ROWS)

    def environment(self, **more):
        return super().environment(**{"SLUICE_SECRET_X": VALUE, **more})

    def without(self, *words):
        environment = self.environment()
        del environment["SLUICE_SECRET_X"]
        return subprocess.run([BINARY, *words], cwd=self.folder, env=environment, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, check=False)

    def clean(self, text, where):
        at = text.find(CORE)
        self.assertEqual(at, -1, f"{where}: ...{text[max(0, at - 200):at + 60]}")

    def state_is_clean(self):
        """No file of the state folder holds the secret, nor does its name."""
        found = 0
        for path in self.state.rglob("*"):
            self.clean(str(path.relative_to(self.state)), "a name in the state folder")
            if path.is_file():
                found += 1
                self.clean(path.read_bytes().decode("latin-1"), path)
        return found

    def hidden_names_are_clean(self):
        for path in self.folder.rglob(".*"):
            self.clean(path.name, "a hidden name")

    def run_watched(self, *words):
        """Runs to the end, and looks at the processes meanwhile."""
        process = self.start(*words)
        watched = {}
        done = threading.Event()

        def watch():
            while not done.wait(0.002):  # as often as it can, until the end
                for pid in descendants(process.pid):
                    watched.update({k: v for k, v in look_at_process(pid).items() if not k.startswith("link")})

        watcher = threading.Thread(target=watch)
        watcher.start()
        code, out, err = self.end_of(process)
        done.set()
        watcher.join()
        for where, text in watched.items():
            self.clean(text, where)
        return subprocess.CompletedProcess(words, code, out, err)

    def start(self, *words):
        process = subprocess.Popen([BINARY, *words], cwd=self.folder, env=self.environment(), text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.started.append(process)
        return process

    def test_nothing_shows_a_secret(self):
        self.assertGreaterEqual(len(CASES), 20)
        for name, (text, make, code) in CASES.items():
            with self.subTest(name):
                shutil.rmtree(self.folder)
                self.folder.mkdir()
                self.write("in.csv", ROWS)
                self.write("p.yaml", text)
                if make:
                    make(self.folder)
                for number, words in enumerate(VERBS):
                    done = self.run_watched(*words) if number == 0 else self.sluice(*words)
                    self.clean(done.stdout, " ".join(words) + ", stdout")
                    self.clean(done.stderr, " ".join(words) + ", stderr")
                    self.hidden_names_are_clean()
                    if number == 0 and code is not None:
                        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
                self.state_is_clean()

    def test_messages_say_which_secret_it_is(self):
        self.write("p.yaml", pipeline('path: "${secret:X}/nothere.csv"'))
        self.assertIn(f"{REFERENCE}/nothere.csv", self.sluice("run", "p.yaml").stderr)
        source_folder(self.folder)
        self.write("p.yaml", pipeline(IN_SECRET))
        self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
        exported = [json.loads(line) for line in self.sluice("rejects", "export", "last").stdout.splitlines()]
        self.assertEqual([(e["file"].endswith(f"{REFERENCE}/in.csv"), e["record"]) for e in exported],
                         [(True, "x,y,z"), (True, "1")])

    def test_what_a_run_has_open_shows_no_secret_but_paths_of_the_users_own(self):
        shim = self.folder / "hold.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, ROOT / "tests/support/hold.c", "-ldl"], check=True)
        hold = self.folder / "hold"
        for component in ("csv: { path: \"${secret:X}\" }", 'sqlite: { path: "${secret:X}", table: t }, mode: replace'):
            with self.subTest(component):
                (self.folder / VALUE).unlink(missing_ok=True)
                self.write("p.yaml", pipeline(load=component))
                hold.touch()
                process = subprocess.Popen(
                    [BINARY, "run", "p.yaml"], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE, text=True,
                    env=self.environment(LD_PRELOAD=str(shim), SLUICE_HOLD=str(hold), SLUICE_HOLD_AT="fsync"))
                self.started.append(process)
                eventually(lambda: pathlib.Path(f"{hold}.here").exists() or process.poll() is not None, "the run at fsync")
                self.assertIsNone(process.poll())
                hidden = list(self.folder.glob(".*.part"))
                self.assertEqual(len(hidden), 1, self.names())
                self.hidden_names_are_clean()
                if "sqlite" in component:  # the rows of a database that others may not read
                    self.assertEqual(hidden[0].stat().st_mode & 0o777, 0o600)
                for pid in descendants(process.pid):
                    for where, text in look_at_process(pid).items():
                        self.clean(text, where)
                hold.unlink()
                pathlib.Path(f"{hold}.here").unlink()
                code, _, err = self.end_of(process)
                self.assertEqual(code, 0, err)
                self.assertEqual(list(self.folder.glob(".*.part")), [])
                self.assertTrue((self.folder / VALUE).exists())

    def test_rows_are_data_and_stay_what_they_are(self):
        self.write("in.csv", f"id,name,amount\n1,{VALUE},1.00\nx,{VALUE},2.00\n")
        source_folder(self.folder)
        self.write(f"{VALUE}/in.csv", f"id,name,amount\n1,{VALUE},1.00\nx,{VALUE},2.00\n")
        self.write("p.yaml", pipeline(IN_SECRET, load="stdout: { format: ndjson }"))
        done = self.sluice("run", "p.yaml")
        self.assertEqual((done.returncode, json.loads(done.stdout)["name"]), (0, VALUE), done.stderr)
        exported = json.loads(self.sluice("rejects", "export", "last").stdout)
        self.assertEqual(exported["record"], f"x,{VALUE},2.00")
        self.clean(self.sluice("preview", "p.yaml", "--unit", "a").stdout, "what is only looked at")

    def test_the_column_of_the_file_has_the_reference(self):
        source_folder(self.folder)
        self.write("p.yaml", pipeline(IN_SECRET, load="ndjson: { path: out.ndjson }", more="    metadata: { _file: path }\n"))
        self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
        rows = [json.loads(line) for line in (self.folder / "out.ndjson").read_text().splitlines()]
        self.assertEqual({row["_file"] for row in rows}, {f"{REFERENCE}/in.csv"})

    def test_validate_and_explain_need_no_secrets_and_run_names_what_it_misses(self):
        for text, checked in ((pipeline(load='csv: { path: "${secret:X}/o.csv" }'), True), (pipeline(IN_SECRET), False)):
            self.write("p.yaml", text)
            valid = self.without("validate", "p.yaml")
            self.assertEqual(valid.returncode, 0, valid.stderr)
            self.assertIn("warning[unset_secret]", valid.stderr)
            self.assertIn("SLUICE_SECRET_X", valid.stderr)
            self.assertEqual(json.loads(self.without("validate", "p.yaml", "--json").stdout)["warnings"][0]["code"], "unset_secret")
            explained = self.without("explain", "p.yaml")
            self.assertEqual(explained.returncode, 0, explained.stderr)
            self.assertEqual("unknown columns" in explained.stdout, not checked, explained.stdout)
            self.assertIn("load o: csv", explained.stdout)
            units = json.loads(self.without("explain", "p.yaml", "--json").stdout)["units"]
            self.assertEqual([unit["unit"] for unit in units], ["a", "o"])
            self.assertEqual(self.without("validate", "p.yaml", "--strict").returncode, 2)
            missed = self.without("run", "p.yaml")
            self.assertIn("SLUICE_SECRET_X", self.assert_error(missed, "missing_secret"))
            self.assertEqual([name for name in self.names() if name.endswith("o.csv")], [])

    def test_all_secrets_that_are_missing_are_named(self):
        self.write("p.yaml", pipeline(IN_SECRET, load='csv: { path: "${secret:Y}/o.csv" }'))
        for words, mark in ((["validate"], "warning[unset_secret]"), (["run"], "error[missing_secret]")):
            done = self.without(*words, "p.yaml")
            self.assertEqual(done.stderr.count(mark), 2, done.stderr)
            self.assertIn("SLUICE_SECRET_X", done.stderr)
            self.assertIn("SLUICE_SECRET_Y", done.stderr)

    def test_other_faults_are_found_without_secrets(self):
        self.write("p.yaml", pipeline(load='csv: { path: "${secret:X}/o.csv" }', transform='filter: "nmae = 1"'))
        self.assert_error(self.without("validate", "p.yaml"), "unknown_column")
        self.write("p.yaml", pipeline(IN_SECRET, transform='filter: "nmae = 1"'))
        self.assertEqual(self.without("validate", "p.yaml").returncode, 0)

    def test_a_short_secret_is_warned_of(self):
        (self.folder / "short").mkdir()
        shutil.copy(self.folder / "in.csv", self.folder / "short/in.csv")
        self.write("p.yaml", pipeline(IN_SECRET))
        done = self.sluice("run", "p.yaml", env={"SLUICE_SECRET_X": "short"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("warning[short_secret]", done.stderr)
        self.assertNotIn("short_secret", self.sluice("validate", "p.yaml").stderr)

    def test_an_incremental_source_follows_its_secret(self):
        source_folder(self.folder)
        self.write("p.yaml", CASES["incremental"][0])
        self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
        loaded = (self.folder / "out.csv").read_text().count("\n")
        self.write(f"{VALUE}/more.csv", "id,name,amount\n1000,new,1.00\n")
        again = self.sluice("run", "p.yaml")
        self.assertIn("1 new file, 1 already loaded", again.stderr)
        self.assertEqual((self.folder / "out.csv").read_text().count("\n"), loaded + 1)
        self.state_is_clean()
        # The folder gets another name, and the secret another value.
        moved = "An0ther V4lue!"
        (self.folder / VALUE).rename(self.folder / moved)
        third = self.sluice("run", "p.yaml", env={"SLUICE_SECRET_X": moved})
        self.assertEqual(third.returncode, 0, third.stderr)
        self.assertIn("nothing new, 2 already loaded", third.stderr)
        self.state_is_clean()
        shown = json.loads(self.without("state", "show", "--files", "--json").stdout)
        self.assertIn(REFERENCE, json.dumps(shown))

    def test_what_a_killed_run_has_left_is_published_by_who_has_the_secret(self):
        shim = self.folder / "hold.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, ROOT / "tests/support/hold.c", "-ldl"], check=True)
        hold = self.folder / "hold"
        self.write("p.yaml", pipeline(load='csv: { path: "${secret:X}/o.csv" }'))
        self.write("other.yaml", pipeline().replace("pipeline: sec", "pipeline: other"))
        hold.touch()
        process = subprocess.Popen([BINARY, "run", "p.yaml"], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True,
                                   env=self.environment(LD_PRELOAD=str(shim), SLUICE_HOLD=str(hold), SLUICE_HOLD_AT="rename"))
        self.started.append(process)
        eventually(lambda: pathlib.Path(f"{hold}.here").exists() or process.poll() is not None, "the run at rename")
        for pid in reversed(descendants(process.pid)):
            kill(pid)
        process.communicate()
        self.state_is_clean()
        # Who has not the secret can't publish it, and spoils nothing.
        self.assertEqual(self.without("run", "other.yaml").returncode, 0)
        self.assertEqual(json.loads(self.without("status", "sec", "--json").stdout)["state"], "committing")
        self.assertFalse((self.folder / VALUE / "o.csv").exists())
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("was interrupted after its outputs were complete; they are published now", done.stderr)
        self.assertEqual((self.folder / VALUE / "o.csv").read_text().count("\n"), 101)
        self.state_is_clean()


if __name__ == "__main__":
    unittest.main()
