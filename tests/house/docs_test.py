"""The commands and files that the documentation shows work as shown.

A page is run from top to bottom in an empty folder. Fences say what they are by their first line:

    ```yaml file=orders.yaml      the text is written to that file (any language; `file+=` appends)
    ```console run                each line behind "$ " is run by bash; the lines below it are what it prints, or a
                                  part of that: they must occur in its output in this order, blanks aside; a line
                                  "..." stands for anything. `# exit 3` at the end of a command says its exit code,
                                  0 unless given.
"""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)
EXIT = re.compile(r"\s+# exit (\d+)\s*$")


def pages():
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in found if " file=" in page.read_text() or "```console run" in page.read_text()]


def commands(text: str):
    """Gives (command, expected output lines) of a console fence."""
    found = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found and line.strip():
            found[-1][1].append(line)
    return found


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


class Docs(unittest.TestCase):
    maxDiff = None

    def run_page(self, page: pathlib.Path, folder: pathlib.Path):
        binary = pathlib.Path(os.environ["SLUICE_BINARY"])
        (folder / "bin").mkdir()
        (folder / "bin/sluice").symlink_to(binary)
        room = folder / "room"
        room.mkdir()
        (room / "examples").symlink_to(ROOT / "examples")  # the README speaks from the checkout
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
        environment.update(PATH=f"{folder / 'bin'}:{environment['PATH']}", SLUICE_STATE=str(folder / "state"), NO_COLOR="1",
                           HOME=str(folder), COLUMNS="120")
        for info, text in FENCE.findall(page.read_text()):
            words = info.split()
            for word in words[1:]:
                if word.startswith("file="):
                    path = room / word.removeprefix("file=")
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text)
                elif word.startswith("file+="):
                    with (room / word.removeprefix("file+=")).open("a") as end:
                        end.write(text)
            if words[:2] != ["console", "run"]:
                continue
            for command, expected in commands(text):
                wanted = int(match[1]) if (match := EXIT.search(command)) else 0
                done = subprocess.run(["bash", "-c", EXIT.sub("", command)], cwd=room, env=environment, capture_output=True,
                                      text=True, stdin=subprocess.DEVNULL)
                output = done.stdout + done.stderr
                with self.subTest(page=str(page.relative_to(ROOT)), command=command):
                    self.assertEqual(done.returncode, wanted, output)
                    at, whole = 0, squeezed(output)
                    for line in expected:
                        if line.strip() == "...":
                            continue
                        found = whole.find(squeezed(line), at)
                        self.assertGreaterEqual(found, 0, f"not printed: {line}\n--- printed was:\n{output}")
                        at = found + len(squeezed(line))

    def test_what_the_pages_show_works(self):
        self.assertGreater(len(pages()), 3)
        for page in pages():
            with self.subTest(page=str(page.relative_to(ROOT))), tempfile.TemporaryDirectory() as folder:
                self.run_page(page, pathlib.Path(folder))

    def test_links_between_pages_lead_somewhere(self):
        for page in [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]:
            for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page.read_text())):
                if "://" in target or target.startswith("#"):
                    continue
                self.assertTrue((page.parent / target.split("#")[0]).exists(), f"{page.relative_to(ROOT)}: {target}")


if __name__ == "__main__":
    unittest.main()
