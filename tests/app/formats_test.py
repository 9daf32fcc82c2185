"""Files that other programs wrote come in unchanged, and what Sluice writes they read: pyarrow, json and sqlite3 judge."""

import datetime
import decimal
import json
import math
import random
import sqlite3
import struct
import unittest

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from command_line import CommandLine, events

Decimal = decimal.Decimal
UTC = datetime.timezone.utc


def every_type():
    """Each type of the language with a null and the values that are easily lost."""
    moment = datetime.datetime(2024, 5, 1, 12, 0, 0, 250000)
    early = datetime.datetime(1901, 2, 3, 4, 5, 6, 789)
    columns = {
        "boolean": (pa.bool_(), [True, None, False]),
        "smallint": (pa.int16(), [-32768, None, 32767]),
        "integer": (pa.int32(), [-2147483648, None, 2147483647]),
        "bigint": (pa.int64(), [-(2**63), None, 2**63 - 1]),
        "ubigint": (pa.uint64(), [0, None, 2**63 - 1]),
        "real": (pa.float32(), [0.5, None, -(2.0**100)]),
        "double": (pa.float64(), [0.1, None, 5e-324]),
        "decimal": (pa.decimal128(12, 2), [Decimal("-1234567890.12"), None, Decimal("0.05")]),
        "wide": (pa.decimal128(38, 3), [Decimal("12345678901234567890123456789012345.678"), None, Decimal("-0.001")]),
        "text": (pa.string(), ['grüß "q" \\ \n\x01 😀', None, ""]),
        "bytea": (pa.binary(), [b"\x00\xff", None, b""]),
        "date": (pa.date32(), [datetime.date(1, 1, 1), None, datetime.date(2024, 5, 1)]),
        "time": (pa.time64("us"), [datetime.time(0, 0), None, datetime.time(23, 59, 59, 999999)]),
        "timestamp": (pa.timestamp("us"), [early, None, moment]),
        "timestamptz": (pa.timestamp("us", "UTC"), [early.replace(tzinfo=UTC), None, moment.replace(tzinfo=UTC)]),
        "list": (pa.list_(pa.int64()), [[1, None, 3], None, []]),
        "struct": (pa.struct([("a", pa.int64()), ("b", pa.string())]), [{"a": 1, "b": "x"}, None, {"a": None, "b": None}]),
        "deep": (pa.list_(pa.struct([("l", pa.list_(pa.string()))])), [[{"l": ["p", None]}, None], None, []]),
    }
    return pa.table({name: pa.array(values, type) for name, (type, values) in columns.items()})


class Formats(CommandLine):
    def run_pipeline(self, text, expect=0):
        self.write("p.yaml", "version: 1\npipeline: formats\n" + text)
        done = self.sluice("run", "p.yaml", "--json")
        self.assertEqual(done.returncode, expect, done.stdout[-2000:] + done.stderr)
        return events(done.stdout)[-1]

    def write_arrow(self, table, name="in.arrow"):
        with pa.ipc.new_file(self.folder / name, table.schema) as out:
            out.write_table(table)

    def load_everywhere(self, table):
        self.write_arrow(table)
        self.run_pipeline("""
extract:
  rows: { ipc: { path: in.arrow } }
load:
  a: { from: rows, parquet: { path: out/t.parquet, compression: zstd } }
  b: { from: rows, ipc: { path: out/t.arrow, compression: lz4 } }
  c: { from: rows, ndjson: { path: out/t.ndjson } }
  d: { from: rows, sqlite: { path: out/t.db, table: t }, mode: error }
  e: { from: rows, ipc: { path: out/t.arrows } }
""")

    def test_flat_columns_come_back_from_parquet_page_by_page(self):
        flat = every_type().drop_columns(["list", "struct", "deep"])
        rows = 70_000  # more than two pages, and of each column as many values
        table = pa.concat_tables([flat] * (rows // 3)).combine_chunks()
        table = table.append_column("sequence", pa.array(range(table.num_rows)))
        table = table.append_column("words", pa.array([f"word {i * 7919 % 50021}" for i in range(table.num_rows)]))
        self.write_arrow(table)
        self.run_pipeline("""
extract:
  rows: { ipc: { path: in.arrow } }
load:
  a: { from: rows, parquet: { path: out/flat.parquet } }
""")
        back = pa.parquet.read_table(self.folder / "out/flat.parquet")
        self.assertEqual(back.schema, table.schema)
        self.assertTrue(back.equals(table))
        facts = pa.parquet.ParquetFile(self.folder / "out/flat.parquet").metadata.row_group(0)
        for number in range(facts.num_columns):
            column = facts.column(number)
            self.assertTrue(column.statistics.has_min_max, column.path_in_schema)
            values = [one for one in table[number].to_pylist() if one is not None]
            if column.path_in_schema in ("decimal", "date", "integer", "ubigint", "timestamp", "text", "words"):
                self.assertEqual((column.statistics.min, column.statistics.max), (min(values), max(values)))

    def test_every_type_arrives_in_every_format(self):
        table = every_type()
        self.load_everywhere(table)
        wanted = table.to_pylist()
        self.assertEqual(pa.parquet.read_table(self.folder / "out/t.parquet").to_pylist(), wanted)
        self.assertEqual(pa.ipc.open_file(self.folder / "out/t.arrow").read_all().to_pylist(), wanted)
        self.assertEqual(pa.ipc.open_stream((self.folder / "out/t.arrows").read_bytes()).read_all().to_pylist(), wanted)
        self.check_json(wanted)
        self.check_sqlite(wanted)
        for name in ("t.parquet", "t.arrow"):
            schema = (pa.parquet.read_schema(self.folder / "out" / name) if name.endswith("parquet")
                      else pa.ipc.open_file(self.folder / "out" / name).schema)
            self.assertEqual(schema.field("timestamptz").type, pa.timestamp("us", "UTC"))
            self.assertEqual(schema.field("ubigint").type, pa.uint64())
            self.assertEqual(schema.field("wide").type, pa.decimal128(38, 3))

    def check_json(self, wanted):
        def as_json(value):
            if isinstance(value, dict):
                return {key: as_json(inner) for key, inner in value.items()}
            if isinstance(value, list):
                return [as_json(inner) for inner in value]
            if isinstance(value, bytes):
                return "\\x" + value.hex()
            if isinstance(value, datetime.datetime):
                text = value.replace(tzinfo=None).isoformat()
                return (text.rstrip("0") if "." in text else text) + ("Z" if value.tzinfo else "")
            if isinstance(value, (datetime.date, datetime.time)):
                return value.isoformat()
            return value

        lines = (self.folder / "out/t.ndjson").read_text().splitlines()
        got = [json.loads(line, parse_float=Decimal) for line in lines]
        for row in got:
            row["double"] = None if row["double"] is None else float(row["double"])
            # The shortest text of a real is no exact double.
            row["real"] = None if row["real"] is None else struct.unpack("f", struct.pack("f", row["real"]))[0]
        self.assertEqual(got, [as_json(row) for row in wanted])

    def check_sqlite(self, wanted):
        database = sqlite3.connect(self.folder / "out/t.db")
        database.row_factory = sqlite3.Row
        got = [dict(row) for row in database.execute("select * from t")]
        for row, right in zip(got, wanted, strict=True):
            for name in ("boolean", "smallint", "integer", "bigint", "ubigint", "real", "double", "text", "bytea"):
                self.assertEqual(row[name], right[name], name)
            for name in ("decimal", "wide"):
                self.assertEqual(None if row[name] is None else Decimal(str(row[name])), right[name])
            for name in ("timestamp", "timestamptz"):
                self.assertEqual(None if row[name] is None else datetime.datetime.fromisoformat(row[name]), right[name])
            self.assertEqual(row["date"], None if right["date"] is None else right["date"].isoformat())
            for name in ("list", "struct", "deep"):
                self.assertEqual(None if row[name] is None else json.loads(row[name]), right[name])

    def test_files_of_foreign_types_come_in_as_the_languages(self):
        table = pa.table({
            "tiny": pa.array([1, None], pa.int8()),
            "unsigned": pa.array([4294967295, None], pa.uint32()),
            "half": pa.array([1.5, None], pa.float16()),
            "large": pa.array(["x", None], pa.large_string()),
            "words": pa.array(["a", None]).dictionary_encode(),
            "seconds": pa.array([5, None], pa.timestamp("s", "Europe/Berlin")),
            "millis": pa.array([1500, None], pa.time32("ms")),
            "fixed": pa.array([b"ab", None], pa.binary(2)),
            "view": pa.array(["v", None], pa.string_view()),
        })
        self.write_arrow(table)
        pa.parquet.write_table(table.drop(["view"]), self.folder / "in.parquet")
        self.run_pipeline("""
extract:
  a: { ipc: { path: in.arrow } }
  b: { parquet: { path: in.parquet } }
load:
  x: { from: a, parquet: { path: out/a.parquet } }
  y: { from: b, parquet: { path: out/b.parquet } }
""")
        a = pa.parquet.read_table(self.folder / "out/a.parquet")
        b = pa.parquet.read_table(self.folder / "out/b.parquet")
        self.assertEqual(a.drop(["view"]).to_pylist(), b.to_pylist())
        row = a.to_pylist()[0]
        self.assertEqual(row["seconds"], datetime.datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC))
        self.assertEqual((row["tiny"], row["unsigned"], row["half"], row["large"], row["words"], row["fixed"], row["view"]),
                         (1, 4294967295, 1.5, "x", "a", b"ab", "v"))
        self.assertEqual(a.schema.field("tiny").type, pa.int16())
        self.assertEqual(a.schema.field("unsigned").type, pa.int64())

    def test_texts_of_dictionaries_in_parquet_come_in_unchanged(self):
        """Pages by dictionary, with and without nulls, one that fell back to plain pages, and large and foreign texts."""
        draw = random.Random(7)
        few = ["", "a", "bcde", "fünf und", "0123456789abcdef", "x" * 17, "y" * 300]
        rows = 9_000
        columns = {
            "few": [draw.choice(few) for _ in range(rows)],
            "gaps": [draw.choice(few + [None]) for _ in range(rows)],
            "nothing": [None] * rows,
            "many": [f"value {draw.random()}" * 4 for _ in range(rows)],
            "mixed": [draw.choice(few) if row < 3_000 else f"{row} {draw.random()}" for row in range(rows)],
        }
        for number, (kind, options) in enumerate([(pa.string(), {}), (pa.large_string(), {}), (pa.string_view(), {}),
                                                  (pa.string(), {"data_page_version": "2.0"}),
                                                  (pa.dictionary(pa.int32(), pa.string()), {})]):
            with self.subTest(str(kind), **options):
                table = pa.table({name: pa.array(values, pa.string()).cast(kind) for name, values in columns.items()})
                pa.parquet.write_table(table, self.folder / f"{number}.parquet", row_group_size=2_500,
                                       dictionary_pagesize_limit=20_000, data_page_size=4_000, **options)
                self.write("p.yaml", f"""version: 1
pipeline: texts-{number}
extract:
  texts: {{ parquet: {{ path: {number}.parquet }} }}
load:
  out: {{ from: texts, ipc: {{ path: {number}.arrow }} }}
""")
                self.assertEqual(self.sluice("run", "p.yaml").returncode, 0)
                with pa.ipc.open_file(self.folder / f"{number}.arrow") as came:
                    self.assertEqual(came.read_all().to_pydict(), columns)

    def test_nan_survives_columnar_files_and_is_refused_by_json_and_sqlite(self):
        self.write_arrow(pa.table({"d": [math.nan, math.inf, 1.0]}))
        end = self.run_pipeline("""
rejects: { allow: 10 }
extract:
  rows: { ipc: { path: in.arrow } }
load:
  a: { from: rows, parquet: { path: out/t.parquet } }
  c: { from: rows, ndjson: { path: out/t.ndjson }, on_error: reject }
  d: { from: rows, sqlite: { path: out/t.db, table: t }, mode: error, on_error: reject }
""")
        self.assertEqual(end["type"], "run.succeeded")
        d = pa.parquet.read_table(self.folder / "out/t.parquet")["d"].to_pylist()
        self.assertTrue(math.isnan(d[0]) and math.isinf(d[1]) and d[2] == 1.0)
        self.assertEqual((self.folder / "out/t.ndjson").read_text(), '{"d":1}\n')
        self.assertEqual(sqlite3.connect(self.folder / "out/t.db").execute("select d from t").fetchall(), [(math.inf,), (1.0,)])

    def test_values_set_to_null_are_counted_where_it_happens_and_told(self):
        self.write("in.csv", "id,x,n\n1,NaN,2\n2,Infinity,x\n3,1.5,y\n4,-inf,\n5,2,five\n")
        self.write("p.yaml", """
version: 1
pipeline: nulls
extract:
  rows:
    csv: { path: in.csv }
    types: { id: bigint, x: double, n: bigint }
    on_error: set_null
transform:
  derived: { from: rows, derive: { y: "10 / (id - 3)" }, on_error: set_null }
load:
  json: { from: derived, ndjson: { path: out/t.ndjson }, on_error: set_null }
  database: { from: derived, sqlite: { path: out/t.db, table: t }, mode: replace, on_error: set_null }
  table: { from: derived, csv: { path: out/t.csv } }
""")
        wanted = {"rows": 3, "derived": 1, "json": 3, "database": 1, "table": 0}
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        # One null of the database's rows comes in its place: SQLite has no NaN, but knows infinity.
        self.assertEqual(sqlite3.connect(self.folder / "out/t.db").execute("select count(*) from t where x is null").fetchall(), [(1,)])
        for unit, values in wanted.items():
            told = f"warning  {values} value{'s' if values > 1 else ''} of unit {unit} replaced with null (on_error: set_null)"
            self.assertEqual(told in done.stdout + done.stderr, values > 0, unit)
        # What `status` and the events tell later is the same.
        self.assertEqual({unit["unit"]: unit["set_null"] for unit in self.run_record()["summary"]["units"]}, wanted)
        shown = self.sluice("logs", "last").stdout
        self.assertIn("unit rows finished: in 5, out 5, set_null 3", shown)
        self.assertIn("unit json finished: in 5, out 5, set_null 3", shown)
        finished = [e for e in events(self.sluice("run", "p.yaml", "--json").stdout) if e["type"] == "unit.finished"]
        self.assertEqual({e["subject"]: e["data"]["set_null"] for e in finished}, wanted)


if __name__ == "__main__":
    unittest.main()
