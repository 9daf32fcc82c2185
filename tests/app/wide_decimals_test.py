"""Decimals of more than 38 digits go through the whole program with every digit; Python's decimal is the judge."""

import decimal
import json
import random
import sqlite3
import unittest

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from command_line import CommandLine, events

D = decimal.Decimal
EXACT = decimal.Context(prec=400, rounding=decimal.ROUND_HALF_UP, Emin=-999999, Emax=999999)
ROWS = 400
HEAD = "version: 1\npipeline: wide\n"
TYPES = {"a": (50, 10), "b": (76, 30), "c": (20, 4)}  # digits, places


def fixed(value, places):
    """The number with so many places, as the program writes it."""
    return None if value is None else format(value.quantize(D(1).scaleb(-places), context=EXACT), "f")


def random_value(dice, digits, places):
    unscaled = dice.randrange(10 ** dice.randrange(1, digits + 1))
    return D((int(unscaled > 0 and dice.random() < 0.5), tuple(map(int, str(unscaled))), -places))


def fits(value, digits, places):
    return abs(value.quantize(D(1).scaleb(-places), context=EXACT)) < D(10) ** (digits - places)


class WideDecimals(CommandLine):
    def run_pipeline(self, text, expect=0):
        self.write("p.yaml", HEAD + text)
        done = self.sluice("run", "p.yaml", "--json")
        self.assertEqual(done.returncode, expect, done.stdout[-2000:] + done.stderr)
        return events(done.stdout)[-1]

    def write_rows(self, seed=1):
        dice = random.Random(seed)
        rows = [{"id": i, **{name: None if dice.random() < 0.05 else random_value(dice, *form)
                             for name, form in TYPES.items()}} for i in range(ROWS)]
        # The edges, zero, and numbers that differ in their last place only.
        rows[0].update(a=D("9" * 40 + "." + "9" * 10), b=D("-" + "9" * 46 + "." + "9" * 30), c=D("0.0000"))
        rows[1].update(a=D("0"), b=D("0"), c=D("-9999999999999999.9999"))
        rows[2].update(a=EXACT.subtract(rows[0]["a"], D("1e-10")), b=D("1e-30"), c=D("1"))
        for row in rows[10:ROWS:7]:
            row["a"] = rows[9]["a"]
        lines = [",".join("" if v is None else format(v, "f") if isinstance(v, D) else str(v) for v in row.values())
                 for row in rows]
        self.write("rows.csv", "id,a,b,c\n" + "\n".join(lines) + "\n")
        return rows

    SOURCE = """
extract:
  rows:
    csv: { path: rows.csv }
    types: { id: bigint, a: "decimal(50,10)", b: "decimal(76,30)", c: "decimal(20,4)" }
"""

    def table(self, steps):
        """The rows of a csv file that these steps make, as texts."""
        self.run_pipeline(self.SOURCE + "transform:\n  x:\n    from: rows\n" + steps +
                          "load:\n  out: { from: x, csv: { path: out/x.csv } }\n")
        lines = (self.folder / "out/x.csv").read_text().splitlines()
        return [dict(zip(lines[0].split(","), [v or None for v in line.split(",")], strict=True)) for line in lines[1:]]

    def test_every_sink_writes_and_every_source_reads_all_digits(self):
        rows = self.write_rows()
        self.run_pipeline(self.SOURCE + """
load:
  a: { from: rows, parquet: { path: out/t.parquet } }
  b: { from: rows, ipc: { path: out/t.arrow } }
  c: { from: rows, ndjson: { path: out/t.ndjson } }
  d: { from: rows, sqlite: { path: out/t.db, table: t }, mode: error }
  e: { from: rows, csv: { path: out/t.csv } }
""")
        for table in (pa.parquet.read_table(self.folder / "out/t.parquet"),
                      pa.ipc.open_file(self.folder / "out/t.arrow").read_all()):
            self.assertEqual(table.schema.field("a").type, pa.decimal256(50, 10))
            self.assertEqual(table.schema.field("b").type, pa.decimal256(76, 30))
            self.assertEqual(table.to_pylist(), rows)
        got = [json.loads(line, parse_float=D, parse_int=D) for line in (self.folder / "out/t.ndjson").read_text().splitlines()]
        self.assertEqual(got, rows)
        database = sqlite3.connect(self.folder / "out/t.db")
        self.assertEqual(database.execute("select a, b from t order by id").fetchall(),
                         [(fixed(row["a"], 10), fixed(row["b"], 30)) for row in rows])
        self.assertEqual(database.execute("select distinct typeof(a) from t where a is not null").fetchall(), [("text",)])
        csv = (self.folder / "out/t.csv").read_text()
        for name, types in (("t.parquet", ""), ("t.arrow", ""),
                            ("t.ndjson", 'types: { a: "decimal(50,10)", b: "decimal(76,30)", c: "decimal(20,4)" }'),
                            ("t.csv", 'types: { a: "decimal(50,10)", b: "decimal(76,30)", c: "decimal(20,4)" }')):
            kind = {"parquet": "parquet", "arrow": "ipc", "ndjson": "ndjson", "csv": "csv"}[name.split(".")[1]]
            self.run_pipeline(f"extract:\n  rows:\n    {kind}: {{ path: out/{name} }}\n    {types}\n"
                              "load:\n  out: { from: rows, csv: { path: out/back.csv } }\n")
            self.assertEqual((self.folder / "out/back.csv").read_text(), csv, name)

    def test_what_a_column_has_no_room_for_is_rejected_never_rounded(self):
        zeros = "0" * 90
        texts = {"1.5": "1.5000000000", "1." + zeros: "1.0000000000", "-" + zeros + "8.5": "-8.5000000000",
                 "0e90": "0.0000000000", "15E-1": "1.5000000000", "1.2345678901000": "1.2345678901",
                 "9" * 40 + "." + "9" * 10: "9" * 40 + "." + "9" * 10, "1.23456789012": None, "1e40": None, "1e-90": None,
                 "0." + zeros + "1": None, "1" + "0" * 40: None, "12e": None, "--1": None, "1_0": None}
        self.write("t.csv", "d\n" + "\n".join(texts) + "\n")
        self.write("t.ndjson", "".join(json.dumps({"d": text}) + "\n" for text in texts))
        for source in ("csv: { path: t.csv }", "ndjson: { path: t.ndjson }"):
            self.run_pipeline("rejects: { allow: 20 }\nextract:\n  rows:\n    " + source + "\n"
                              '    types: { d: "decimal(50,10)" }\nload:\n  out: { from: rows, csv: { path: out/t.csv } }\n')
            self.assertEqual((self.folder / "out/t.csv").read_text().split()[1:], [v for v in texts.values() if v])

    def test_calculations_are_exact_or_null(self):
        rows = self.write_rows(2)
        with decimal.localcontext(EXACT):
            half_up = decimal.ROUND_HALF_UP
            down = decimal.ROUND_DOWN
            # The result's digits and places are written down: they are part of the language.
            wanted = {
                "a + b": (76, 30, lambda r: r["a"] + r["b"]),
                "a - c": (51, 10, lambda r: r["a"] - r["c"]),
                "b - a": (76, 30, lambda r: r["b"] - r["a"]),
                "a * c": (70, 14, lambda r: r["a"] * r["c"]),
                "a * b": (76, 40, lambda r: r["a"] * r["b"]),
                "a * 2": (51, 10, lambda r: r["a"] * 2),
                "a % c": (26, 10, lambda r: r["a"] % r["c"] if r["c"] else None),
                "a / c": (76, 32, lambda r: r["a"] / r["c"] if r["c"] else None),
                "-b": (76, 30, lambda r: -r["b"]),
                "abs(a)": (50, 10, lambda r: abs(r["a"])),
                "round(a, 3)": (44, 3, lambda r: r["a"].quantize(D("1e-3"), half_up)),
                "round(b, -2)": (47, 0, lambda r: r["b"].quantize(D("1e2"), half_up)),
                "floor(a)": (41, 0, lambda r: r["a"].to_integral_value(decimal.ROUND_FLOOR)),
                "ceil(a)": (41, 0, lambda r: r["a"].to_integral_value(decimal.ROUND_CEILING)),
                "trunc(b, 7)": (54, 7, lambda r: r["b"].quantize(D("1e-7"), down)),
                "a::decimal(38,2)": (38, 2, lambda r: r["a"]),
                "b::decimal(60,40)": (60, 40, lambda r: r["b"]),
                "c::decimal(76,20)": (76, 20, lambda r: r["c"]),
                "a::bigint": (19, 0, lambda r: r["a"]),
                "id::decimal(60,5)": (60, 5, lambda r: D(r["id"])),
                "a::text::decimal(45,5)": (45, 5, lambda r: r["a"]),
                "coalesce(a, 0)": (50, 10, lambda r: r["a"] if r["a"] is not None else D(0)),
                "case when a > c then a when b > c then b else c end": (
                    70, 30, lambda r: r["a"] if r["a"] is not None and r["c"] is not None and r["a"] > r["c"] else
                    r["b"] if r["b"] is not None and r["c"] is not None and r["b"] > r["c"] else r["c"]),
                "greatest(a, b)": (70, 30, lambda r: max((v for v in (r["a"], r["b"]) if v is not None), default=None)),
                "nullif(a, a)": (50, 10, lambda r: None),
            }
            steps = "".join(f'      - derive: {{ x{i}: "{text}" }}\n' for i, text in enumerate(wanted))
            got = self.table("    on_error: set_null\n    steps:\n" + steps)
            for i, (text, (digits, places, right)) in enumerate(wanted.items()):
                for row, made in zip(rows, got, strict=True):
                    with self.subTest(text, row=row):
                        try:
                            value = right(row)
                        except (AttributeError, TypeError):
                            value = None  # of a null
                        if text.startswith("case") or text.startswith("greatest"):
                            digits = 76
                        if value is not None and not fits(value, digits, places):
                            value = None
                        if text == "a::bigint" and value is not None and not -(2**63) <= value.quantize(D(1)) < 2**63:
                            value = None
                        self.assertEqual(None if made[f"x{i}"] is None else D(made[f"x{i}"]),
                                         None if value is None else D(fixed(value, places)))
                        if made[f"x{i}"] is not None:
                            self.assertEqual(len(made[f"x{i}"].partition(".")[2]), places)

    def test_comparisons_and_floating_point_are_those_of_the_exact_numbers(self):
        rows = self.write_rows(3)
        got = self.table('    derive: { l: "a < b", e: "a = c", g: "a >= 12345.5", d: "a is distinct from b", f: "b::double",\n'
                         '              i: "a in (0, 9999999999999999999999999999999999999999.9999999999)" }\n')
        truth = {True: "true", False: "false"}
        for row, made in zip(rows, got, strict=True):
            a, b, c = row["a"], row["b"], row["c"]
            self.assertEqual(made["l"], None if None in (a, b) else truth[a < b])
            self.assertEqual(made["e"], None if None in (a, c) else truth[a == c])
            self.assertEqual(made["g"], None if a is None else truth[a >= D("12345.5")])
            self.assertEqual(made["d"], truth[a != b])
            self.assertEqual(made["i"], None if a is None else truth[a in (0, D("9" * 40 + "." + "9" * 10))])
            self.assertEqual(made["f"] and float(made["f"]), b if b is None else float(b))

    def test_too_large_results_and_impossible_types_are_told(self):
        self.write_rows()
        for text, code, told in (("b * b * b", 2, "the result of * would have more than 76 decimal places"),
                                 ("a * a", 1, "is out of the range of decimal(76,20)"),
                                 ("a / 0", 1, "division by zero")):
            self.write("p.yaml", HEAD + self.SOURCE + f'transform:\n  x: {{ from: rows, derive: {{ y: "{text}" }} }}\n'
                       "load:\n  out: { from: x, csv: { path: out/x.csv } }\n")
            done = self.sluice("run", "p.yaml")
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(told, done.stderr)
            self.assertNotIn("out/x.csv", self.names())

    def test_rows_are_sorted_deduplicated_grouped_and_joined_by_them(self):
        rows = self.write_rows(4)
        order = sorted(rows, key=lambda r: (r["a"] is None, r["a"] or 0, r["id"]))
        self.assertEqual([made["id"] for made in self.table("    sort: [a, id]\n")], [str(r["id"]) for r in order])
        down = sorted(rows, key=lambda r: (r["b"] is not None, -(r["b"] or 0), r["id"]))
        self.assertEqual([made["id"] for made in self.table('    sort: ["b desc", id]\n')], [str(r["id"]) for r in down])
        firsts = list({r["a"]: r["id"] for r in reversed(rows)}.values())
        self.assertEqual(sorted(int(made["id"]) for made in self.table("    deduplicate: { by: [a] }\n")), sorted(firsts))
        groups = self.table('    aggregate: { by: [a], compute: { n: "count(*)" } }\n')
        wanted = {}
        for row in rows:
            wanted[fixed(row["a"], 10)] = wanted.get(fixed(row["a"], 10), 0) + 1
        self.assertEqual({made["a"]: int(made["n"]) for made in groups}, wanted)
        # The same numbers in other types meet: decimal(60,20), and a narrow one.
        self.run_pipeline(self.SOURCE + """
  others:
    csv: { path: rows.csv }
    types: { id: bigint, a: "decimal(60,20)", b: text, c: "decimal(38,10)" }
transform:
  renamed: { from: others, rename: { id: other, a: a2, b: b2, c: c2 } }
  by_a: { from: [rows, renamed], join: { how: inner, on: "a = a2" } }
  by_c: { from: [rows, renamed], join: { how: inner, on: "a = c2" } }
load:
  a: { from: by_a, csv: { path: out/a.csv } }
  c: { from: by_c, csv: { path: out/c.csv } }
""")
        pairs = lambda name: sorted((int(line.split(",")[0]), int(line.split(",")[4])) for line in
                                    (self.folder / f"out/{name}.csv").read_text().splitlines()[1:])
        self.assertEqual(pairs("a"), sorted((x["id"], y["id"]) for x in rows for y in rows
                                            if x["a"] is not None and x["a"] == y["a"]))
        self.assertEqual(pairs("c"), sorted((x["id"], y["id"]) for x in rows for y in rows
                                            if x["a"] is not None and x["a"] == y["c"]))

    def test_aggregates_are_exact(self):
        rows = self.write_rows(5)
        got = self.table('    steps:\n      - derive: { k: "id % 7" }\n      - aggregate:\n          by: [k]\n'
                         '          compute: { s: "sum(a)", lo: "min(a)", hi: "max(b)", n: "count(b)", d: "count(distinct a)",\n'
                         '                     sd: "sum(distinct a)", m: "avg(a)", f: "first(a)", any: "any_value(b)" }\n')
        with decimal.localcontext(EXACT):
            for made in got:
                mine = [r for r in rows if r["id"] % 7 == int(made["k"])]
                a = [r["a"] for r in mine if r["a"] is not None]
                b = [r["b"] for r in mine if r["b"] is not None]
                self.assertEqual(made["s"], fixed(sum(a), 10))
                self.assertEqual(made["sd"], fixed(sum(set(a)), 10))
                self.assertEqual((made["lo"], made["hi"]), (fixed(min(a), 10), fixed(max(b), 30)))
                self.assertEqual((int(made["n"]), int(made["d"])), (len(b), len(set(a))))
                self.assertEqual(made["m"], fixed(sum(a) / len(a), 36))
                self.assertEqual(made["f"], fixed(a[0], 10))
                self.assertEqual(made["any"], fixed(b[0], 30))

    def test_decimals_that_others_store_in_other_ways_are_the_same_numbers(self):
        def column(type, *unscaled):
            width = type.byte_width
            data = b"".join(value.to_bytes(width, "little", signed=True) for value in unscaled)
            return pa.Array.from_buffers(type, len(unscaled), [None, pa.py_buffer(data)])

        table = pa.table({"thousands": column(pa.decimal128(10, -3), 12, -7, 0),
                          "wide_thousands": column(pa.decimal256(50, -3), 12, -7, 10**50 - 1),
                          "tiny": column(pa.decimal128(2, 5), 12, -7, 99),
                          "narrow": column(pa.decimal256(12, 2), 150, -1, 0),
                          "small": column(pa.decimal64(12, 2), 150, -1, 0)})
        with pa.ipc.new_file(self.folder / "in.arrow", table.schema) as out:
            out.write_table(table)
        self.run_pipeline("""
extract:
  rows: { ipc: { path: in.arrow } }
transform:
  more: { from: rows, derive: { next: thousands + 1, turned: -wide_thousands, part: thousands / 7, r: "round(tiny, 4)" } }
load:
  a: { from: more, csv: { path: out/t.csv } }
  b: { from: rows, parquet: { path: out/t.parquet } }
""")
        nines = "9" * 50 + "000"
        self.assertEqual((self.folder / "out/t.csv").read_text().split(),
                         ["thousands,wide_thousands,tiny,narrow,small,next,turned,part,r",
                          "12000,12000,0.00012,1.50,1.50,12001,-12000,1714.28571428571428571429,0.0001",
                          "-7000,-7000,-0.00007,-0.01,-0.01,-6999,7000,-1000.00000000000000000000,-0.0001",
                          f"0,{nines},0.00099,0.00,0.00,1,-{nines},0.00000000000000000000,0.0010"])
        back = pa.parquet.read_table(self.folder / "out/t.parquet")
        self.assertEqual([str(back.schema.field(name).type) for name in ("thousands", "wide_thousands", "tiny", "narrow", "small")],
                         ["decimal128(13, 0)", "decimal256(53, 0)", "decimal128(5, 5)", "decimal128(12, 2)", "decimal128(12, 2)"])

    def test_union_widens_to_what_holds_all_values(self):
        self.write_rows(6)
        self.run_pipeline("""
extract:
  one: { csv: { path: rows.csv }, columns: [id, c], types: { id: bigint, c: "decimal(38,4)" } }
  two: { csv: { path: rows.csv }, columns: [id, c], types: { id: bigint, c: "decimal(38,20)" } }
transform:
  all: { from: [one, two], union: {} }
load:
  out: { from: all, parquet: { path: out/t.parquet } }
""")
        back = pa.parquet.read_table(self.folder / "out/t.parquet")
        self.assertEqual(back.schema.field("c").type, pa.decimal256(54, 20))
        self.assertEqual(back.num_rows, 2 * ROWS)


if __name__ == "__main__":
    unittest.main()
