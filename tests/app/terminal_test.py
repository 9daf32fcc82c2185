"""What stands on a terminal: lines that fit, words that stay whole, no escape sequences where they are not wanted."""

import re
import unittest

from command_line import CommandLine
from terminal import CONTROL, in_terminal, plain, words_of

LONG = "a-pipeline-with-a-name-that-takes-a-good-part-of-the-line"
PIPELINE = f"""\
version: 1
pipeline: {LONG}
owner: somebody@example.com
rejects: {{ allow: 10 }}
extract:
  orders:
    csv: {{ path: a-folder-of-some-length/another-folder-below-it/and-one-more/orders-of-the-day.csv }}
    types: {{ id: bigint, amount: bigint }}
transform:
  large_orders:
    from: orders
    filter: "amount > 10 and id is not null and id > 0 and amount < 1000000"
load:
  the_unit_that_writes:
    from: large_orders
    csv: {{ path: out/a-folder-of-some-length/another-folder-below-it/and-one-more/large-orders.csv }}
"""
ORDERS = "id,amount\n1,100\n2,twenty four thousand and seven hundred and eleven, or so they said at the counter\n3,30\n"
ORDERS = ORDERS.replace("eleven, or", "eleven or")
WRONG = PIPELINE.replace('"amount > 10 and', '"amoutn > 10 and')
VERBS = ["init", "run", "validate", "explain", "preview", "runs", "status", "watch", "logs", "events", "cancel", "rejects",
         "state", "node", "nodes", "submit", "components", "functions", "help", "completion", "version"]


class Terminal(CommandLine):
    def environment(self, **more):
        return super().environment(**{"TERM": "xterm-256color", **more})

    def show(self, *words, columns=80, **env):
        _, text = in_terminal(words, self.folder, self.environment(**env), columns)
        return text

    def prepare(self):
        self.write("a-folder-of-some-length/another-folder-below-it/and-one-more/orders-of-the-day.csv", ORDERS)
        self.write("p.yaml", PIPELINE)
        self.write("wrong.yaml", WRONG)
        self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)

    def assert_fits(self, text, columns, what):
        for line in plain(text).split("\n"):
            self.assertLessEqual(len(line), columns, f"{what}: {line!r}")

    def test_help_fits_and_breaks_no_word(self):
        for columns in (80, 120):
            for words in [["--help"], ["help"], ["help", "no_columns"], *[[verb, "--help"] for verb in VERBS]]:
                text = self.show(*words, columns=columns)
                self.assert_fits(text, columns, words)
                self.assertEqual(words_of(text), words_of(self.sluice(*words).stdout), words)

    def test_the_reference_fits_and_breaks_no_word(self):
        names = re.findall(r"^  (\w+) {2,}", self.sluice("components").stdout, re.M)
        self.assertIn("sqlite", names)
        for words in [["components"], ["functions"], ["functions", "round"], *[["components", name] for name in names]]:
            text = self.show(*words)
            self.assert_fits(text, 80, words)
            if words[0] == "functions":
                self.assertEqual(words_of(text), words_of(self.sluice(*words).stdout), words)

    def test_what_runs_print_fits_and_breaks_no_word(self):
        self.prepare()
        for words in [["status"], ["logs"], ["explain", "p.yaml"], ["validate", "p.yaml"], ["validate", "wrong.yaml"],
                      ["rejects"]]:
            text = self.show(*words)
            self.assert_fits(text, 80, words)
            done = self.sluice(*words)
            if words[0] in ("status", "logs", "explain"):
                self.assertEqual(self.comparable(text), self.comparable(done.stdout + done.stderr), words)

    @staticmethod
    def comparable(text):
        """Without what differs from moment to moment, and the id of the run, which is shortened."""
        return re.sub(r"\d+ s ago|run [0-9a-f-]+", "", words_of(text)).replace("/ ", "/")

    def test_a_long_path_is_broken_behind_a_slash(self):
        self.prepare()
        text = plain(self.show("run", "p.yaml"))
        drawn = text[text.rindex("succeeded" if "succeeded" in text else "partial"):]
        self.assert_fits(CONTROL.sub("", drawn), 80, "run")
        lines = drawn.split("\n")
        start = next(i for i, line in enumerate(lines) if line.startswith("loaded"))
        self.assertTrue(lines[start].endswith("/"), lines)
        whole = lines[start] + "".join(line.strip() for line in lines[start + 1:start + 3])
        self.assertIn("out/a-folder-of-some-length/another-folder-below-it/and-one-more/large-orders.csv", whole)

    def test_runs_shows_state_and_cause_in_80_columns(self):
        self.prepare()
        self.write("p.yaml", PIPELINE.replace("{ allow: 10 }", '{ fail_above: "1%" }'))
        self.assertEqual(self.sluice("run", "p.yaml").returncode, 1)
        text = plain(self.show("runs"))
        self.assert_fits(text, 80, "runs")
        header, _, failed, good, *rest = text.split("\n")
        for column in ("run", "pipeline", "state", "cause"):
            self.assertIn(column, header)
        self.assertIn("failed", failed)
        self.assertGreater(len(failed.split("failed", 1)[1].split("  ", 2)[-1].strip()), 11, failed)
        self.assertIn("succeeded", good)
        self.assertIn("not shown, for lack of room: ", text)

    def test_events_are_whole_in_80_columns(self):
        self.prepare()
        for words in (["events"], ["events", "last"]):
            text = plain(self.show(*words))
            self.assert_fits(text, 80, words)
            header = text.split("\n")[0]
            self.assertIn("what", header)
            # All words of what happened are there, over as many lines as they take.
            place = header.index("what")
            told = words_of("\n".join(line[place:] for line in text.split("\n")[2:]))
            self.assertIn("started: parallelism", told)
            for happened in ("run succeeded", "rejected 1", "large_orders"):
                self.assertIn(happened, told)
            self.assertNotIn("…", told)

    def test_a_dumb_terminal_gets_no_escape_sequences(self):
        self.prepare()
        for term in ("dumb", ""):
            for words in (["run", "p.yaml"], ["status"], ["runs"], ["--help"], ["validate", "wrong.yaml"], ["rejects"]):
                text = self.show(*words, TERM=term)
                self.assertNotIn("\x1b", text, (term, words))
                self.assertTrue(text)

    def test_no_color_leaves_out_colours_only(self):
        self.prepare()
        self.assertIn("\x1b[", self.show("status"))
        for words in (["run", "p.yaml"], ["status"], ["runs"], ["validate", "wrong.yaml"]):
            text = self.show(*words, NO_COLOR="1")
            self.assertEqual(text, plain(text), words)


if __name__ == "__main__":
    unittest.main()
