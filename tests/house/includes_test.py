"""The house's rule: includes point one way, engine <- config <- actors <- cluster <- app; engine and config know no CAF."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYERS = ["engine", "config", "actors", "cluster", "app"]
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.MULTILINE)
HEAVY = ("caf/all.hpp", "arrow/api.h", "arrow/compute/api.h", "msgpack.hpp", "boost/beast.hpp", "boost/asio.hpp")
# Who may include a format of text, and what for; typed values come from engine/columns/typed alone.
TEXT_FORMATS = {
    "engine/formats/csv/": {
        "engine/sources/csv.cpp": ("csv_files", "infer", "remarks", "source_options"),
        "engine/sinks/csv.cpp": ("writer",),
        "engine/sinks/stdout.cpp": ("writer",),
        "engine/formats/messages/message_encoder.hpp": ("writer",),
        "engine/files/appended_text.hpp": ("writer",),
        "engine/files/appended_text.cpp": ("chunk_reader", "layout"),
        "app/data_file.cpp": ("sniff",),
        "app/preview_verb.cpp": ("sniff",),
        "app/tests/compared_rows.cpp": ("writer",),
    },
    "engine/formats/ndjson/": {
        "engine/sources/ndjson.cpp": ("files_source",),
        "engine/sources/json.cpp": ("files_source",),
        "engine/sinks/ndjson.cpp": ("writer",),
        "engine/sinks/stdout.cpp": ("writer",),
        "engine/formats/messages/message_encoder.hpp": ("writer",),
        "engine/formats/messages/message_table.hpp": ("record_shape",),
        "engine/formats/messages/message_decoder.hpp": ("record_parser",),
        "engine/sources/kafka/metadata.cpp": ("text_writer",),
        "engine/formats/messages/message_sample.hpp": ("inference",),
        "engine/formats/messages/message_sample.cpp": ("cursor",),
    },
}


def foreign_formats(path: str, text: str) -> list[str]:
    """The headers of text formats that a file includes and may not."""
    wrong = []
    for folder, may in TEXT_FORMATS.items():
        known = [folder + header + ".hpp" for header in may.get(path, ())]
        if not path.startswith(folder):
            wrong += [name for name in INCLUDE.findall(text) if name.startswith(folder) and name not in known]
    return wrong


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

    def test_typed_values_come_from_no_format(self):
        for _, path in self.files(".hpp", ".cpp"):
            name = str(path.relative_to(ROOT))
            self.assertEqual(foreign_formats(name, path.read_text()), [], name)
            if name.startswith("engine/columns/typed/"):
                self.assertNotIn('"engine/formats/', path.read_text(), name)

    def test_the_check_sees_a_format_that_is_included_for_its_values(self):
        csv = '#include "engine/formats/csv/columns.hpp"\n'
        self.assertEqual(foreign_formats("engine/formats/ndjson/sampling.cpp", csv), ["engine/formats/csv/columns.hpp"])
        self.assertEqual(foreign_formats("engine/sources/csv.cpp", csv), ["engine/formats/csv/columns.hpp"])
        self.assertEqual(foreign_formats("engine/formats/csv/reader.cpp", csv), [])
        self.assertEqual(foreign_formats("engine/sources/csv.cpp", csv.replace("columns", "infer")), [])

    def test_the_root_of_the_engine_holds_the_list_alone(self):
        loose = sorted(path.name for path in (ROOT / "engine").iterdir() if path.is_file())
        self.assertEqual(loose, ["components.cpp", "components.inc", "version.cpp", "version.hpp"])

    def test_heavy_headers_stay_in_sources(self):
        for _, path in self.files(".hpp"):
            found = [name for name in INCLUDE.findall(path.read_text()) if name in HEAVY]
            self.assertEqual(found, [], str(path.relative_to(ROOT)))


if __name__ == "__main__":
    unittest.main()
