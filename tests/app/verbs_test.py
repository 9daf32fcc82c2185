"""What holds for every verb: streams, exit codes, help, errors, closed pipes."""

import json
import os
import re
import subprocess
import unittest

from command_line import BINARY, ROOT, SIGINT, CommandLine


class Verbs(CommandLine):
    def test_version_and_help_are_answers(self):
        for words in (["--version"], ["--help"], ["help"], ["run", "--help"], ["help", "run"]):
            done = self.sluice(*words)
            self.assertEqual((done.returncode, done.stderr), (0, ""), words)
            self.assertTrue(done.stdout)
        for words in (["--version"], ["version"]):
            self.assertRegex(self.sluice(*words).stdout, r"^sluice \d+\.\d+\.\d+\n$")
        self.assertRegex(json.loads(self.sluice("version", "--json").stdout)["version"], r"^\d+\.\d+\.\d+$")
        self.assertIn("sluice --version", self.sluice("--help").stdout)

    def test_logs_f_names_watch(self):
        self.assertIn("sluice watch", self.assert_error(self.sluice("logs", "-f"), "bad_arguments"))

    def test_events_are_followed_to_the_end_of_a_run_and_until_ctrl_c(self):
        self.write("p.yaml", "version: 1\npipeline: slow\nextract:\n  n: { generate: { rows: 1000000, rate: 100, columns: { n: sequence } } }\n"
                             "load:\n  out: { from: n, blackhole: {} }\n")
        run = self.start("run", "p.yaml", "-q")
        self.running("slow")
        all_runs = self.start("events", "--follow", "--json")
        first = json.loads(all_runs.stdout.readline())
        self.assertEqual(first["type"], "run.queued")
        one_run = self.start("events", "slow", "-f", "--after", str(first["data"]["cursor"]))
        line = one_run.stdout.readline()  # of a run that is at work
        self.assertNotIn("queued", line)
        run.send_signal(SIGINT)
        self.end_of(run)
        code, out, _ = self.end_of(one_run)
        self.assertEqual(code, 0)
        self.assertIn("cancelled", out.splitlines()[-1])
        told = [first["type"]]
        while told[-1] != "run.cancelled":
            told.append(json.loads(all_runs.stdout.readline())["type"])
        all_runs.send_signal(SIGINT)
        self.assertEqual(self.end_of(all_runs)[0], 130)
        self.assertEqual(self.sluice("events", "--follow", "--limit", "2", "--json").stdout.count("\n"), 2)

    def test_without_a_verb_the_overview_is_on_stderr(self):
        done = self.sluice()
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("sluice init", done.stderr)

    def test_an_unknown_verb_names_the_nearest(self):
        error = self.assert_error(self.sluice("validat"), "bad_arguments")
        self.assertIn("did you mean sluice validate?", error)

    def test_an_unknown_option_names_the_nearest(self):
        error = self.assert_error(self.sluice("validate", "x.yaml", "--strickt"), "bad_arguments")
        self.assertIn("did you mean --strict?", error)

    def test_a_file_in_the_place_of_a_verb_is_explained(self):
        self.write("p.yaml", "version: 1\n")
        self.assertIn("sluice run p.yaml", self.assert_error(self.sluice("p.yaml"), "bad_arguments"))

    def test_what_is_not_built_yet_says_so(self):
        for words in (["validate", "x.yaml", "--probe"],):
            told = self.assert_error(self.sluice(*words), "not_supported_yet")
            self.assertRegex(told, r"hint: not available in \d+\.\d+\.\d+; until then: .*\(docs/not-yet.md#[a-z-]+\)")

    def test_errors_are_json_on_stderr_under_json(self):
        done = self.sluice("status", "nothing", "--json")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(json.loads(done.stderr)["error"]["code"], "run_not_found")

    def test_every_verb_has_help(self):
        overview = self.sluice("--help").stdout
        verbs = re.findall(r"^  ([a-z]+) {2,}", overview, re.M)
        self.assertIn("rejects", verbs)
        for verb in verbs:
            done = self.sluice(verb, "--help")
            self.assertEqual(done.returncode, 0, verb)
            self.assertIn(f"sluice {verb}", done.stdout)

    def test_a_closed_pipe_is_quiet(self):
        for words in (["components", "--json"], ["functions"], ["help", "--json"], ["completion", "bash"]):
            reading, writing = os.pipe()
            os.close(reading)
            done = self.sluice(*words, stdout=writing)
            os.close(writing)
            self.assertEqual((done.returncode, done.stderr), (0, ""), words)

    def test_an_answer_that_can_not_be_written_is_an_error(self):
        with open("/dev/full", "w") as full:
            done = self.sluice("components", stdout=full)
        self.assert_error(done, "disk_full", 1)

    def test_reference_verbs_answer_as_text_and_as_json(self):
        for kind, words in (("components", ["components"]), ("functions", ["functions"])):
            self.assertTrue(self.sluice(*words).stdout, kind)
            entries = json.loads(self.sluice(*words, "--json").stdout)
            self.assertGreater(len(entries), 5)
            one = entries[0]["name"]
            self.assertIn(one, self.sluice(*words, one).stdout)
            self.assertEqual(json.loads(self.sluice(*words, one, "--json").stdout)[0]["name"], one)
        self.assert_error(self.sluice("components", "parqet"), "unknown_component")
        self.assert_error(self.sluice("components", "mqtt"), "not_supported_yet")
        self.assert_error(self.sluice("functions", "rond"), "unknown_function")
        self.assertIn("$schema", json.loads(self.sluice("components", "--schema").stdout))

    def test_help_explains_every_code(self):
        codes = json.loads(self.sluice("help", "--json").stdout)
        names = [each["code"] for each in codes]
        self.assertEqual(names, sorted(set(names)))
        for each in codes:
            self.assertRegex(each["meaning"] + each["remedy"], r"^.*[.?].*[.?]$", each)
        self.assertIn("What to do", self.sluice("help", "unknown_column").stdout)
        self.assert_error(self.sluice("help", "unknown_colum"), "unknown_topic")

    def test_looking_writes_nothing(self):
        for words in (["--version"], ["components"], ["help"], ["__complete", "status", ""], ["validate", "nothing.yaml"]):
            self.sluice(*words)
            self.assertFalse(self.state.exists(), words)


class Completion(CommandLine):
    def candidates(self, *words):
        return [line.split("\t")[0] for line in self.sluice("__complete", *words).stdout.splitlines()]

    def test_verbs_options_and_values_are_offered(self):
        self.assertEqual(self.candidates("vali"), ["validate"])
        self.assertIn("--strict", self.candidates("validate", "--s"))
        self.assertEqual(self.candidates("run", "--progress", "p"), ["plain"])
        self.assertEqual(self.candidates("run", ""), [":files"])
        self.assertEqual(self.candidates("completion", "z"), ["zsh"])
        self.assertIn("last", self.candidates("status", ""))
        self.assertIn("parquet", self.candidates("components", "par"))

    def test_bash_completes(self):
        script = f"""
          source <({BINARY} completion bash)
          COMP_WORDS=({BINARY} comp); COMP_CWORD=1; _sluice; printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=self.environment())
        self.assertEqual(done.stdout.split(), ["components", "completion"], done.stderr)


class Settings(CommandLine):
    def test_flag_before_environment_before_file(self):
        self.write("config/sluice/config.yaml", f"state: {self.folder}/from-file\n")
        config = {"XDG_CONFIG_HOME": str(self.folder / "config")}
        self.assertIn("from-file", self.sluice("runs", env={**config, "SLUICE_STATE": ""}).stderr)
        self.assertIn("from-env", self.sluice("runs", env={**config, "SLUICE_STATE": "from-env"}).stderr)
        done = self.sluice("runs", "--state", "from-flag", env={**config, "SLUICE_STATE": "from-env"})
        self.assertIn("from-flag", done.stderr)
        self.write("config/sluice/config.yaml", "stat: x\n")
        self.assertIn("did you mean state?", self.assert_error(self.sluice("runs", env=config), "unknown_key"))

    def test_a_wrong_log_level_is_refused(self):
        self.assert_error(self.sluice("runs", env={"SLUICE_LOG": "loud"}), "bad_arguments")

    def test_without_a_state_folder_the_users_own_is_used(self):
        done = self.sluice("runs", env={"SLUICE_STATE": "", "XDG_STATE_HOME": str(self.folder / "xdg")})
        self.assertIn("xdg/sluice", done.stderr)


class Documentation(unittest.TestCase):
    def test_the_page_of_the_command_line_has_every_option_and_no_other(self):
        def told(*words):
            return subprocess.run([BINARY, *words, "--help"], capture_output=True, text=True, check=True).stdout

        verbs = re.findall(r"^  ([a-z]+)  ", told(), re.M)
        self.assertGreater(len(verbs), 15)
        options = {o for verb in verbs for o in re.findall(r"^ +(?:-[a-z], )?(--[a-z-]+)", told(verb), re.M)}
        page = (ROOT / "docs/cli.md").read_text()
        self.assertEqual(options, set(re.findall(r"--[a-z][a-z-]*", page)))
        self.assertEqual([verb for verb in verbs if not re.search(rf"`[^`]*\b{verb}\b", page)], [])


class Codes(unittest.TestCase):
    def test_every_code_in_the_tree_is_explained(self):
        made = re.compile(r"(?:user_error|external_error|internal_error)\(\s*\"([a-z0-9_]+)\"|\.code = \"([a-z0-9_]+)\"|"
                          r"\{\"code\", \"([a-z0-9_]+)\"\}|\bfault\([a-z_]+, \"([a-z0-9_]+)\"")
        used = {}
        sources = ""
        for layer in ("engine", "config", "actors", "cluster", "app"):
            for path in (ROOT / layer).rglob("*.?pp"):
                text = path.read_text()
                if path.name != "error_codes.cpp":
                    sources += text
                for groups in made.findall(text):
                    used.setdefault(next(filter(None, groups)), str(path.relative_to(ROOT)))
        listed = set(re.findall(r"^\s*\{\"([a-z0-9_]+)\",", (ROOT / "engine/error/error_codes.cpp").read_text(), re.M))
        self.assertGreater(len(used), 20)
        missing = {code: path for code, path in used.items() if code not in listed}
        self.assertEqual(missing, {}, "explain these in engine/error/error_codes.cpp")
        self.assertEqual([code for code in sorted(listed) if f'"{code}"' not in sources], [], "nothing gives these")


class EventTypes(CommandLine):
    def test_every_type_of_event_in_the_tree_is_listed(self):
        made = re.compile(r"event_of\((?:[^\",()]+, )?\"([a-z]+\.[a-z_]+)\"|\.type = \"([a-z]+\.[a-z_]+)\"|\btell\((?:reading, )?\"([a-z]+\.[a-z_]+)\"|"
                          r"\{\"type\", \"([a-z]+\.[a-z_]+)\"\}")
        used = set()
        for layer in ("engine", "actors", "cluster"):
            for path in (ROOT / layer).rglob("*.cpp"):
                used.update(next(filter(None, groups)) for groups in made.findall(path.read_text()))
        self.assertGreater(len(used), 12)
        listed = [one["type"] for one in json.loads(self.sluice("help", "events", "--json").stdout)["types"]]
        self.assertEqual(listed, sorted(set(listed)))
        self.assertEqual(sorted(used - set(listed)), [], "list these in engine/notify/event_catalogue.cpp")


if __name__ == "__main__":
    unittest.main()
