"""Every type that Arrow and Parquet files may hold comes in with its values as they are, or is refused by name where it is used."""

import datetime
import json
import random
import struct
import unittest

import pyarrow as pa
import pyarrow.compute
import pyarrow.ipc
import pyarrow.parquet

from command_line import CommandLine

DAY = 86_400_000_000


def views(kind, values, rows, valid=None):
    """A list_view or large_list_view of (offset, size) in `values`."""
    width = pa.int32() if kind is pa.ListViewArray else pa.int64()
    offsets, sizes = (pa.array([row[i] for row in rows], width) for i in (0, 1))
    mask = None if valid is None else pa.array([not one for one in valid])
    return kind.from_arrays(offsets, sizes, values, mask=mask)


def plain(value, objects=False):
    """A value of pyarrow as Sluice writes it in NDJSON."""
    if isinstance(value, list) and value and isinstance(value[0], tuple) and objects:
        return {key: plain(each) for key, each in value}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, tuple):  # an entry of a map
        return {"key": plain(value[0]), "value": plain(value[1])}
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value


class ColumnarTypes(CommandLine):
    def write_ipc(self, table, name="in.arrow"):
        with pa.ipc.new_file(self.folder / name, table.schema) as out:
            out.write_table(table)

    def rows_of(self, component, name, sink="ndjson", extra=""):
        self.write("p.yaml", f"version: 1\npipeline: p\nextract:\n  in: {{ {component}: {{ path: {name} }}{extra} }}\n"
                             f"load:\n  out: {{ from: in, {sink}: {{ path: out.{sink} }} }}\n")
        done = self.sluice("run", "p.yaml", "-q")
        self.assertEqual(done.returncode, 0, done.stderr)
        if sink == "parquet":
            return pa.parquet.read_table(self.folder / "out.parquet").to_pylist()
        return [json.loads(line) for line in (self.folder / "out.ndjson").read_text().splitlines()]

    def assert_comes_in(self, column):
        """As NDJSON and as Parquet, with what pyarrow says about it; also from the middle of a longer column."""
        for array in (column, pa.concat_arrays([column] * 3).slice(1, max(len(column) * 2, 1))):
            with self.subTest(type=str(array.type), rows=len(array)):
                table = pa.table({"a": array})
                self.write_ipc(table)
                wanted = [{"a": plain(value)} for value in array.to_pylist()]
                # A map is an object in JSON.
                map_type = pa.types.is_map(array.type)
                objects = [{"a": {} if map_type and value == [] else plain(value, True)} for value in array.to_pylist()]
                self.assertEqual(self.rows_of("ipc", "in.arrow"), objects)
                if map_type:  # pyarrow gives the entries of a map as pairs
                    wanted = [{"a": value} for value in array.to_pylist()]
                self.assertEqual(self.rows_of("ipc", "in.arrow", "parquet"), wanted)

    def test_views_of_lists_in_any_order(self):
        values = pa.array([1, 2, 3, 4], pa.int32())
        for kind in (pa.ListViewArray, pa.LargeListViewArray):
            self.assert_comes_in(views(kind, values, [(0, 2), (2, 1)]))
            self.assert_comes_in(views(kind, values, [(2, 1), (0, 2), (0, 0)]))
            self.assert_comes_in(views(kind, values, [(1, 3), (0, 4), (3, 1), (1, 3)]))  # they overlap
            self.assert_comes_in(views(kind, values, [(0, 1), (0, 4), (2, 2)], [True, False, True]))
            self.assert_comes_in(views(kind, pa.array(["x", None, "é", ""]), [(3, 1), (0, 3)]))
            self.assert_comes_in(views(kind, pa.array([1.5, 2.5, None, 4.0], pa.float32()), [(3, 1), (0, 3)]))

    def test_views_in_structs_and_lists(self):
        inner = views(pa.ListViewArray, pa.array([1, 2, 3], pa.int8()), [(2, 1), (0, 2), (0, 0)])
        self.assert_comes_in(pa.StructArray.from_arrays([inner, pa.array(["a", "b", "c"])], ["l", "t"]))
        self.assert_comes_in(pa.ListArray.from_arrays(pa.array([0, 1, 3], pa.int32()), inner))

    def test_views_at_random(self):
        chance = random.Random(7)
        for _ in range(5):
            values = pa.array([chance.choice([None, i]) for i in range(200)], pa.int64())
            rows = [(at, chance.randrange(0, 200 - at)) for at in (chance.randrange(0, 200) for _ in range(300))]
            self.assert_comes_in(views(pa.ListViewArray, values, rows, [chance.random() < 0.8 for _ in rows]))

    def test_maps_are_maps(self):
        maps = pa.array([[("a", 1), ("b", None)], None, [], [("a", 3)]], pa.map_(pa.string(), pa.int32()))
        self.assert_comes_in(maps)
        pa.parquet.write_table(pa.table({"m": maps}), self.folder / "m.parquet")
        self.assertEqual(self.rows_of("parquet", "m.parquet"), [{"m": {"a": 1, "b": None}}, {"m": None}, {"m": {}}, {"m": {"a": 3}}])

    def test_run_ends_and_dictionaries_are_decoded(self):
        self.assert_comes_in(pa.RunEndEncodedArray.from_arrays(pa.array([2, 5, 6], pa.int32()), pa.array([7, None, 8])))
        self.assert_comes_in(pa.RunEndEncodedArray.from_arrays(pa.array([1, 3], pa.int16()), pa.array(["x", "y"])))
        lists = pa.array([[1, 2], None], pa.list_(pa.int32()))
        self.assert_comes_in(pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int64()), lists))
        texts = pa.array(["x", "y", None, "x"]).dictionary_encode()
        self.assert_comes_in(pa.ListArray.from_arrays(pa.array([0, 2, 4], pa.int32()), texts))
        self.assert_comes_in(pa.StructArray.from_arrays([texts], ["d"]))
        self.assert_comes_in(pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.int8()), pa.array([10, 20])))

    def test_fixed_and_large_lists(self):
        self.assert_comes_in(pa.array([[1, 2], None, [3, None]], pa.list_(pa.int32(), 2)))
        self.assert_comes_in(pa.array([["a"], [], None, ["b", "c"]], pa.large_list(pa.large_string())))

    def test_durations_are_intervals(self):
        column = pa.array([1_500_000, None, -90_000_000_000], pa.duration("us"))
        self.write_ipc(pa.table({"a": column, "s": pa.array([61, 0, -1], pa.duration("s"))}))
        self.assertEqual(self.rows_of("ipc", "in.arrow"), [{"a": "00:00:01.5", "s": "00:01:01"}, {"a": None, "s": "00:00:00"},
                                                            {"a": "-25:00:00", "s": "-00:00:01"}])
        for value, unit in ((2**62, "s"), (1, "ns")):
            self.write_ipc(pa.table({"a": pa.array([value], pa.duration(unit))}))
            self.write("p.yaml", "version: 1\npipeline: p\nextract:\n  in: { ipc: { path: in.arrow } }\n"
                                 "load:\n  out: { from: in, ndjson: { path: out.ndjson } }\n")
            self.assertIn(str(value), self.assert_error(self.sluice("run", "p.yaml", "-q"), "value_out_of_range", 1))

    def test_a_value_that_does_not_fit_is_named_as_it_is(self):
        table = pa.table({"t": pa.array([1_700_000_000_000_000_000, 1_700_000_000_000_000_001], pa.timestamp("ns"))})
        pa.parquet.write_table(table, self.folder / "in.parquet")
        self.write("p.yaml", "version: 1\npipeline: p\nextract:\n  in: { parquet: { path: in.parquet } }\n"
                             "load:\n  out: { from: in, ndjson: { path: out.ndjson } }\n")
        message = self.assert_error(self.sluice("run", "p.yaml", "-q"), "value_out_of_range", 1)
        self.assertIn("2023-11-14 22:13:20.000000001", message)

    def test_int96_reaches_over_all_years_and_loses_nothing(self):
        times = [datetime.datetime(9999, 12, 31, 23, 59, 59, 999999), datetime.datetime(1, 1, 1), None,
                 datetime.datetime(2020, 2, 29, 12, 0, 0, 1)]
        column = pa.array(times, pa.timestamp("us"))
        table = pa.table({"t": column, "l": pa.array([[one] for one in times], pa.list_(pa.timestamp("us")))})
        pa.parquet.write_table(table, self.folder / "in.parquet", use_deprecated_int96_timestamps=True)
        rows = self.rows_of("parquet", "in.parquet", "parquet")
        self.assertEqual([row["t"] for row in rows], times)
        self.assertEqual([row["l"] for row in rows], [[one] for one in times])
        part = pa.table({"t": pa.array([1_700_000_000_000_000_001], pa.timestamp("ns"))})
        pa.parquet.write_table(part, self.folder / "in.parquet", use_deprecated_int96_timestamps=True)
        self.assertIn("20.000000001", self.assert_error(self.sluice("run", "p.yaml", "-q"), "value_out_of_range", 1))

    def test_times_outside_the_day_are_refused(self):
        for value in (-1000, DAY // 1000):
            table = pa.table({"t": pa.Array.from_buffers(pa.time32("ms"), 1, [None, pa.py_buffer(struct.pack("<i", value))])})
            pa.parquet.write_table(table, self.folder / "in.parquet")
            self.write_ipc(table)
            for component, name in (("parquet", "in.parquet"), ("ipc", "in.arrow")):
                self.write("p.yaml", f"version: 1\npipeline: p\nextract:\n  in: {{ {component}: {{ path: {name} }} }}\n"
                                     "load:\n  out: { from: in, ndjson: { path: out.ndjson } }\n")
                done = self.sluice("run", "p.yaml", "-q")
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertFalse((self.folder / "out.ndjson").exists())

    def test_what_cannot_be_read_is_refused_only_where_it_is_used(self):
        union = pa.UnionArray.from_dense(pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32()),
                                         [pa.array([1]), pa.array(["x"])])
        self.write_ipc(pa.table([pa.array([1, 2]), union, pa.array([3, 4]), pa.array([5, 6])], names=["id", "u", "d", "d"]))
        pipeline = ("version: 1\npipeline: p\nextract:\n  in: {{ ipc: {{ path: in.arrow }} }}\n"
                    "transform:\n  some: {{ from: in, select: [{}] }}\n"
                    "load:\n  out: {{ from: some, ndjson: {{ path: out.ndjson }} }}\n")
        self.write("p.yaml", pipeline.format("id"))
        done = self.sluice("run", "p.yaml", "-q")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / "out.ndjson").read_text(), '{"id":1}\n{"id":2}\n')
        for column, words in (("u", "dense_union"), ("d", "2 columns with the name d")):
            self.write("p.yaml", pipeline.format(f"id, {column}"))
            for verb in ("run", "validate"):
                self.assertIn(words, self.assert_error(self.sluice(verb, "p.yaml"), "unsupported_type", 2))
        self.write("p.yaml", "version: 1\npipeline: p\nextract:\n  in: { ipc: { path: in.arrow }, columns: [id] }\n"
                             "load:\n  out: { from: in, ndjson: { path: out.ndjson } }\n")
        self.assertEqual(self.sluice("run", "p.yaml", "-q").returncode, 0)

    def test_numbers_of_ndjson_round_once_and_never_to_nothing(self):
        def read(text, of):
            self.write("n.ndjson", f'{{"i":1,"v":{text}}}\n')
            self.write("p.yaml", f"version: 1\npipeline: p\nextract:\n  in: {{ ndjson: {{ path: n.ndjson }}, types: {{ v: {of} }} }}\n"
                                 "load:\n  out: { from: in, parquet: { path: out.parquet } }\nrejects: { allow: 1 }\n")
            done = self.sluice("run", "p.yaml", "-q")
            self.assertEqual(done.returncode, 0, done.stderr)
            rows = pa.parquet.read_table(self.folder / "out.parquet").column("v").to_pylist()
            return rows[0] if rows else "rejected"

        self.assertEqual(read("1" + "0" * 309, "double"), "rejected")
        self.assertEqual(read("-1" + "0" * 400, "double"), "rejected")
        self.assertEqual(read("1" + "0" * 308, "double"), 1e308)
        self.assertEqual(read("0." + "0" * 330 + "1", "double"), 0.0)
        self.assertEqual(read("1e400", "double"), "rejected")
        self.assertEqual(read("1" + "0" * 39, "real"), "rejected")
        self.assertEqual(struct.pack(">f", read("0.00036393293703440577", "real")).hex(), "39bece41")
        chance = random.Random(3)
        for _ in range(10):
            text = f"{chance.randrange(1, 10**17)}e{chance.randrange(-50, 20)}"
            wanted = pa.compute.cast(pa.array([text]), pa.float32()).to_pylist()[0]
            self.assertEqual(read(text, "real"), wanted if wanted != float("inf") else "rejected", text)


if __name__ == "__main__":
    unittest.main()
