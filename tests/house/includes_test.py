"""The house's rule: includes point one way, engine <- config <- actors <- cluster <- app; engine and config know no CAF."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYERS = ["engine", "config", "actors", "cluster", "app"]
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.MULTILINE)
HEAVY = ("caf/all.hpp", "arrow/api.h", "arrow/compute/api.h", "msgpack.hpp", "boost/beast.hpp", "boost/asio.hpp")


def wrong_includes(layer: str, text: str) -> list[str]:
    """The includes in a file of a layer that point the wrong way."""
    above = LAYERS[LAYERS.index(layer) + 1:]
    wrong = [name for name in INCLUDE.findall(text) if name.split("/")[0] in above]
    if layer in ("engine", "config"):
        wrong += [name for name in INCLUDE.findall(text) if name.startswith("caf/")]
    return wrong


class Includes(unittest.TestCase):
    def files(self, *endings):
        for layer in LAYERS:
            for path in sorted((ROOT / layer).rglob("*")):
                if path.suffix in endings:
                    yield layer, path

    def test_they_point_one_way(self):
        seen = 0
        for layer, path in self.files(".hpp", ".cpp", ".inc"):
            seen += 1
            self.assertEqual(wrong_includes(layer, path.read_text()), [], str(path.relative_to(ROOT)))
        self.assertGreater(seen, 20)

    def test_the_check_sees_a_wrong_one(self):
        self.assertEqual(wrong_includes("engine", '#include "actors/run/run.hpp"\n'), ["actors/run/run.hpp"])
        self.assertEqual(wrong_includes("config", "#include <caf/fwd.hpp>\n"), ["caf/fwd.hpp"])
        self.assertEqual(wrong_includes("app", '#include "engine/values/batch.hpp"\n'), [])

    def test_a_plan_does_not_include_what_is_made_from_it(self):
        for _, path in self.files(".hpp", ".cpp"):
            if path.is_relative_to(ROOT / "engine/plan"):
                above = [name for name in INCLUDE.findall(path.read_text()) if name.startswith("engine/flow/")]
                self.assertEqual(above, [], str(path.relative_to(ROOT)))

    def test_the_root_of_the_engine_holds_the_list_alone(self):
        loose = sorted(path.name for path in (ROOT / "engine").iterdir() if path.is_file())
        self.assertEqual(loose, ["components.cpp", "components.inc", "version.cpp", "version.hpp"])

    def test_heavy_headers_stay_in_sources(self):
        for _, path in self.files(".hpp"):
            found = [name for name in INCLUDE.findall(path.read_text()) if name in HEAVY]
            self.assertEqual(found, [], str(path.relative_to(ROOT)))


if __name__ == "__main__":
    unittest.main()
