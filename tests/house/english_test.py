"""Messages, help and documentation are plain English: phrases that had crept in do not come back.

The list is short and exact. A match is looked for in the string literals of the program and in the documentation; each
entry says what to write instead. A phrase that is right somewhere belongs into ALLOWED with its whole line."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

BANNED = {
    r"\bout of nothing\b": "generates",
    r"\bnobody\b": "no unit, no process, no user",
    r"(?<!there )\b(is|are|was|were) no (?!longer\b|more\b|later\b)\w": "is not a",
    r"\b(what|that|which|values|it) (is|are) none\b": "does not fit",
    r"\bmend(s|ed|ing)?\b": "correct, repair",
    r"\bstands?\b": "is, appears",
    r"\bpass(es|ed|ing)? over\b": "skip, ignore",
    r"\b(its|the|at|from|their) begin\b": "beginning, start",
    r"\bborne\b": "allowed",
    r"\b(storey|the house|the desk|of the house)\b": "the usual word of the field",
    r"\blives\b": "is running, exists",
    r"\b(is|was|were|been|has|have|not|already|be|before) taken\b(?! over| from| by surprise)": "loaded, read, accepted",
    r"\bways? out\b": "option, solution",
    r"\bunless given\b": "default: VALUE",
    r"\b(object|record|row|token|event|batch)s? a (line|second|batch|message|run|day|split|row)\b": "per",
    r"(?<!left )\bbehind\b": "after",
    r"\blet (\w+ )?(mode|contract|its writer|us)\b": "set, use",
    r"\bwhoever\b": "the user who",
    r"\bbecomes? of\b": "happens to",
    r"\bin silence\b": "silently",
    r"\b(un)?packed\b": "compressed",
    r"\bline ends?\b": "line break",
    r"\bgo(es)? on\b": "continue",
    r"\bunfinished was\b": "incomplete",
    r"\binto line\b": "match",
    r"\bgives no answer\b|\bgave no answer\b": "did not answer",
    r"\b(is|was|were|are) gone\b": "is missing, has ended",
    r"\bof (its|their|our|your) own\b": "its own, separate",
    r"\bwhat is to be\b|\bis to be had\b": "plain words",
    r"\bholds no\b": "contains no",
    r"(?-i:(?<![-/.\w])(?!zone |double )([a-z]{2,}) \1(?![-:./\w]))": "the word once",
}
ALLOWED = {
    "set a folder of your own with --state or SLUICE_STATE",
    "remove it, or use a state folder of your own",
}
CODE = ("engine", "config", "actors", "cluster", "app")
TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|#include[^\n]*|R"(\w*)\((?P<raw>.*?)\)\1"|"(?P<text>(?:[^"\\\n]|\\.)*)"|\'(?:[^\'\\\n]|\\.)+\'', re.DOTALL)
PATTERN = [(re.compile(banned, re.IGNORECASE), better) for banned, better in BANNED.items()]


def literals(source: str):
    """Gives (line, text) of the string literals; adjacent ones are one text, as for the compiler."""
    texts, begin, end = [], 0, 0
    for match in TOKEN.finditer(source):
        text = match["raw"] if match["raw"] is not None else match["text"]
        if text is None or (texts and source[end : match.start()].strip()):
            if texts:
                yield source.count("\n", 0, begin) + 1, "".join(texts)
            texts = []
        if text is not None:
            begin = begin if texts else match.start()
            texts.append(text)
            end = match.end()
    if texts:
        yield source.count("\n", 0, begin) + 1, "".join(texts)


def phrases():
    """Gives (place, text) of everything that users read."""
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.[ch]pp")):
            for line, text in literals(path.read_text()):
                yield f"{path.relative_to(ROOT)}:{line}", text
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "dev", *sorted((ROOT / "docs").rglob("*.md"))]
    pages = [page for page in pages if page.parent.name != "adr"]
    for path in pages:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            yield f"{path.relative_to(ROOT)}:{number}", line


def problems(text: str):
    if text.strip() in ALLOWED:
        return []
    return [f"'{found[0]}' -> {better}" for pattern, better in PATTERN if (found := pattern.search(text))]


class English(unittest.TestCase):
    def test_messages_and_documentation_are_plain(self):
        wrong = [f"{place}: {'; '.join(found)}: {text.strip()[:120]}" for place, text in phrases() if (found := problems(text))]
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_each_banned_phrase_is_found(self):
        for bad in ("Makes rows out of nothing", "nobody reads this unit", "this is no valid YAML", "values that are none go away",
                    "the line that mends it", "it stands beside csv", "files are passed over", "from its begin to its end",
                    "while a run of it lives", "files that were taken before", "1s unless given", "one object a line", "behind the point",
                    "let the contract be freeze", "the file is gone", "a test of its own", "print print only errors"):
            self.assertTrue(problems(bad), bad)

    def test_ordinary_sentences_are_not_found(self):
        for good in ("there is no column qty", "the file is no longer there", "0 if there is none", "run 7 was taken over by another process",
                     "column year is taken from the folder's name", "use a state folder"):
            self.assertEqual(problems(good), [], good)

    def test_adjacent_literals_are_one_text(self):
        source = 'f("values that "\n  "are none", x); // "no"\nconst char c = \'"\';\ng(R"(is no raw)");'
        self.assertEqual([text for _, text in literals(source)], ["values that are none", "is no raw"])


if __name__ == "__main__":
    unittest.main()
