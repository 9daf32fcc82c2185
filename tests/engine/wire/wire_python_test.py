"""Frames captured from the engine decode with msgpack and pyarrow alone, every value and type equal."""

import datetime
import decimal
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import pyarrow as pa

sys.path.insert(0, os.path.dirname(__file__))
import sluice_frames

DUMPER = pathlib.Path(os.environ["SLUICE_BINARY"]).parent / "tests" / "test_engine"


def plain(column):
    """Values with NaN and signed zero made comparable, dictionaries decoded; temporal values as their integers."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_floating(column.type):
        return [None if v is None else repr(v) for v in column.to_pylist()]
    if pa.types.is_timestamp(column.type) or pa.types.is_duration(column.type):
        return column.cast(pa.int64()).to_pylist()
    return column.to_pylist()


class CapturedFrames(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        subprocess.run([DUMPER, "[dump_frames]"], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "SLUICE_DUMP_FOLDER": cls.folder.name})

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def frames(self, base):
        count = len(list(self.path.glob(base + ".*.frame")))
        return [(self.path / f"{base}.{i}.frame").read_bytes() for i in range(count)]

    def test_every_sample_equals_the_same_batch_in_an_arrow_file(self):
        files = sorted(self.path.glob("*.arrow"))
        self.assertGreaterEqual(len(files), 30)
        for file in files:
            with self.subTest(file.stem):
                with pa.OSFile(str(file)) as source:
                    truth = pa.ipc.open_file(source).get_batch(0)
                frames = self.frames(file.stem)
                self.assertTrue(all(len(frame) <= 4 * 1024 * 1024 for frame in frames))
                parts = [frames] if file.stem.startswith("fragments") else [[frame] for frame in frames]
                decoded = [sluice_frames.batch(part) for part in parts]
                for number, (head, rows, positions) in enumerate(decoded):
                    self.assertEqual(head["part"], [number, len(parts)])
                    self.assertEqual(head["sequence"], 10 + number)
                    self.assertTrue(rows.schema.equals(truth.schema, check_metadata=True))
                    if positions is not None:
                        self.assertEqual(len(positions), rows.num_rows)
                for index, field in enumerate(truth.schema):
                    values = [v for _, rows, _ in decoded for v in plain(rows.column(index))]
                    self.assertTrue(values == plain(truth.column(index)), field.name)  # a diff of long lists takes hours

    def test_head_says_where_a_batch_belongs(self):
        head, rows, positions = sluice_frames.batch(self.frames("all_types.none"))
        self.assertEqual(
            {key: head[key] for key in ("sluice", "kind", "run", "edge", "from", "to", "attempt", "sequence", "epoch", "rows", "order", "codec")},
            {"sluice": 2, "kind": "batch", "run": "0192f0c1-7f3e-7000-8000-000000000001", "edge": 1, "from": 2, "to": 3,
             "attempt": 4, "sequence": 10, "epoch": 7, "rows": 6, "order": [3, 2**33 + 4, 5, 0, 1], "codec": "none"})
        self.assertEqual(positions, [(300, 2**31 + 2, 2**40 + i * 100) for i in range(6)])

    def test_awkward_values_are_what_the_engine_had(self):
        _, rows, _ = sluice_frames.batch(self.frames("all_types.zstd"))
        value = rows.drop_columns(["nanos"]).to_pydict()
        self.assertTrue(math.isnan(value["double"][2]))
        self.assertEqual(math.copysign(1, value["double"][1]), -1)
        self.assertEqual(value["double"][3], math.inf)
        self.assertEqual(value["boolean"], [True, False, None, True, True, False])
        self.assertEqual(value["ubigint"][0], 2**64 - 1)
        self.assertEqual(value["decimal128"][1], decimal.Decimal("-99999999.99"))
        self.assertEqual(value["decimal256"][2], decimal.Decimal("-12345678901234567890123456789012345.678"))
        self.assertEqual(value["text"][3:5], ["grüße", "日本語"])
        self.assertEqual(rows.schema.field("timestamptz").type, pa.timestamp("us", "Europe/Berlin"))
        self.assertEqual(value["timestamptz"][3], datetime.datetime(2023, 11, 14, 22, 13, 20, tzinfo=datetime.timezone.utc))
        self.assertEqual(value["list"], [[1, 2], [], None, [None, 3], [4], [5, 6, 7]])
        self.assertEqual(value["struct"][4], {"x": 5, "tags": ["b", None]})
        self.assertEqual(value["map"][0], [("a", 1), ("b", None)])
        self.assertEqual(value["dictionary"], ["red", "green", None, "blue", "red", None])
        self.assertTrue(rows.schema.field("ordered_dictionary").type.ordered)

    def test_unused_dictionary_values_do_not_travel(self):
        _, rows, _ = sluice_frames.batch(self.frames("all_types.none"))
        self.assertEqual(rows.column("dictionary").dictionary.to_pylist(), ["red", "green", None, "blue"])
        self.assertNotIn(b"unused", self.frames("one_row.none")[0])


if __name__ == "__main__":
    unittest.main()
