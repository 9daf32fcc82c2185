"""NDJSON files as they really are, one case per trouble: what comes in, what goes to the rejects, what fails the run."""

import datetime
import decimal
import gzip
import json
import unittest

import pyarrow.ipc

from file_cases import Case, FileCases

D = decimal.Decimal
UTC = datetime.timezone.utc


def js(name, content, rows=None, options="", beside="", **more):
    """A case of one file a.ndjson."""
    inner = "path: a.ndjson" + (", " + options if options else "")
    return Case(name, {"a.ndjson": content}, f"ndjson: {{ {inner} }}\n{beside}", rows=rows, **more)


RECORDS = [
    js("fields that come and go", '{"a":1}\n{"b":"x"}\n{"a":2,"b":"y","c":true}\n', [[1, None, None], [None, "x", None], [2, "y", True]],
       columns=["a", "b", "c"], types=["bigint", "text", "boolean"]),
    js("an unknown field with columns: is passed over", '{"a":1,"x":1}\n{"a":2}\n', [[1], [2]], beside="columns: [a]"),
    js("fields that change type become text", '{"a":1}\n{"a":"x"}\n{"a":[1, 2]}\n{"a":{"b":null}}\n{"a":null}\n',
       [["1"], ["x"], ["[1, 2]"], ['{"b":null}'], [None]], types=["text"]),
    js("integers and fractions are double", '{"a":1}\n{"a":2.5}\n', [[1.0], [2.5]], types=["double"]),
    js("nested objects and lists", '{"a":{"b":1,"c":[{"d":"x"},{"d":null,"e":2}]}}\n{"a":null}\n{"a":{"c":[]}}\n',
       [[{"b": 1, "c": [{"d": "x", "e": None}, {"d": None, "e": 2}]}], [None], [{"b": None, "c": []}]]),
    js("duplicate keys", '{"a":1,"a":2}\n{"a":3}\n', [[3]], rejects=[("a.ndjson:1", "duplicate_key", "a")]),
    js("duplicate keys deep inside", '{"o":{"k":1,"k":2}}\n{"o":{"k":3}}\n', [[{"k": 3}]], rejects=[("a.ndjson:1", "duplicate_key", "k")]),
    js("duplicate keys written in two ways", '{"a":1,"\\u0061":2}\n{"a":3}\n', [[3]], rejects=[("a.ndjson:1", "duplicate_key", "a")]),
    js("keys with dots", '{"a.b":1,"a":{"b":2}}\n', [[1, {"b": 2}]], columns=["a.b", "a"]),
    js("empty and odd keys", '{"":1,"a b":2,"ü\\n":3}\n', [[1, 2, 3]], columns=["", "a b", "ü\n"]),
    js("integers exact to 2^64-1", '{"a":18446744073709551615}\n{"a":9007199254740993}\n', [[2**64 - 1], [9007199254740993]], types=["ubigint"]),
    js("integers exact to the 64-bit limits", '{"a":-9223372036854775808}\n{"a":9223372036854775807}\n', [[-(2**63)], [2**63 - 1]], types=["bigint"]),
    js("integers beyond 64 bits", '{"a":18446744073709551616}\n{"a":-1}\n', [[D(18446744073709551616)], [D(-1)]], types=["decimal(38,0)"]),
    js("integers beyond 38 digits", '{"a":' + "9" * 50 + "}\n", [[D("9" * 50)]], types=["decimal(76,0)"]),
    js("integers beyond 76 digits are text", '{"a":' + "9" * 77 + '}\n{"a":1}\n', [["9" * 77], ["1"]], types=["text"]),
    js("large integers beside fractions keep their digits", '{"a":9007199254740993,"b":1}\n{"a":0.5,"b":0.5}\n',
       [["9007199254740993", 1.0], ["0.5", 0.5]], types=["text", "double"]),
    js("fractions that no double keeps are text", '{"a":0.12345678901234567890,"b":0.30000000000000004,"c":0.50000000000000000000000}\n'
       '{"a":0.5,"b":-1.2345678901234567e-100,"c":1}\n', [["0.12345678901234567890", 0.30000000000000004, 0.5], ["0.5", -1.2345678901234567e-100, 1.0]],
       types=["text", "double", "double"]),
    js("nanoseconds are not rounded off", '{"t":"2024-05-01T12:00:00.123456789Z"}\n', [["2024-05-01T12:00:00.123456789Z"]], types=["text"]),
    js("given times are as exact as in CSV", "".join('{"t":"2024-05-01 %s"}\n' % t for t in ("12:00:00.1234567", "12:00:60", "24:00:00", "12:00:00.1234560")),
       [[datetime.datetime(2024, 5, 1, 12, 0, 0, 123456)]], beside="types: { t: timestamp }",
       rejects=[(f"a.ndjson:{n}", "invalid_value", "t") for n in (1, 2, 3)]),
    js("a day has no hour 24", '{"t":"24:00:00"}\n{"t":"23:59:59.999999"}\n', [[datetime.time(23, 59, 59, 999999)]], beside="types: { t: time }",
       rejects=[("a.ndjson:1", "invalid_value", "t")]),
    js("numbers that no double holds are text", '{"a":1e400}\n{"a":0.5}\n', [["1e400"], ["0.5"]], types=["text"]),
    js("decimals are exact", '{"a":0.10}\n{"a":12345678901234567890.12}\n{"a":1e2}\n{"a":0.125}\n', [[D("0.10")], [D("12345678901234567890.12")], [D("100.00")]],
       beside='types: { a: "decimal(22,2)" }', rejects=[("a.ndjson:4", "invalid_value", "a")]),
    js("escapes", '{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00\\u0000"}\n', [['"\\/\b\f\n\r\tä😀\0']]),
    js("lone surrogates", '{"a":"\\ud800"}\n{"a":"\\udc00x"}\n{"a":"\\ud800\\u0041"}\n{"a":"ok"}\n', [["ok"]],
       rejects=[(f"a.ndjson:{n}", "invalid_json", "") for n in (1, 2, 3)]),
    js("two values on a line", '{"a":1}{"a":2}\n{"a":3} {"a":4}\n{"a":5},\n{"a":6}\n', [[6]],
       rejects=[(f"a.ndjson:{n}", "invalid_json", "") for n in (1, 2, 3)], says=["expected one object per line, found trailing text"]),
    js("half a value on a line", '{"a":\n1}\n{"a":2}\n', [[2]], rejects=[("a.ndjson:1", "invalid_json", ""), ("a.ndjson:2", "invalid_json", "")]),
    js("a truncated last line", '{"a":1}\n{"a":2', [[1]], rejects=[("a.ndjson:2", "invalid_json", "")], columns=["a"],
       says=["the record is truncated: its JSON object is not complete"]),
    js("no line end at the end", '{"a":1}\n{"a":2}', [[1], [2]]),
    js("values that are no objects", '1\n[1]\n"x"\nnull\n{"a":2}\n', [[2]], rejects=[(f"a.ndjson:{n}", "invalid_json", "") for n in (1, 2, 3, 4)]),
    js("CRLF and empty lines", '{"a":1}\r\n\r\n\n{"a":2}\r\n', [[1], [2]]),
    js("UTF-8 with byte order mark", b'\xef\xbb\xbf{"a":1}\n', [[1]]),
    js("UTF-16 by its mark", b"\xff\xfe" + '{"a":"ä😀"}\n{"a":"x"}\n'.encode("utf-16-le"), [["ä😀"], ["x"]]),
    js("Latin-1 by name", '{"a":"ä"}\n'.encode("latin-1"), [["ä"]], "encoding: latin-1"),
    js("invalid UTF-8", b'{"a":"\xff"}\n{"a":"x"}\n', [["x"]], rejects=[("a.ndjson:1", "invalid_utf8", "")]),
    js("control characters in a text", b'{"a":"x\x01y"}\n{"a":"x"}\n', [["x"]], rejects=[("a.ndjson:1", "invalid_json", "")]),
    js("numbers that are none in JSON", '{"a":01}\n{"a":+1}\n{"a":.5}\n{"a":1.}\n{"a":NaN}\n{"a":0x1}\n{"a":1}\n', [[1]],
       rejects=[(f"a.ndjson:{n}", "invalid_json", "") for n in range(1, 7)]),
    js("deep nesting is an error of the record, not a crash", '{"a":' + "[" * 100_000 + "]" * 100_000 + '}\n{"a":1}\n', None, beside="types: { a: text }",
       rejects=[("a.ndjson:1", "invalid_json", "")]),
    js("nesting that is too deep is called so", '{"a":' + "[" * 300 + "]" * 300 + '}\n{"a":1}\n', [["1"]], beside="types: { a: text }",
       rejects=[("a.ndjson:1", "invalid_json", "")], says=["the record is nested more than 256 objects and lists deep"]),
    js("nesting that is too deep everywhere", '{"a":' + "[" * 300 + "]" * 300 + "}\n", error="invalid_json", says=["nested more than 256"]),
    js("brackets in texts are no nesting", '{"a":"' + "[" * 300 + '\\"{"}\n{"a":x}\n', [["[" * 300 + '"{']], rejects=[("a.ndjson:2", "invalid_json", "")],
       says=["not valid JSON from byte 6 on: x}"]),
    js("messages cut no character in two", '{"a":' + "ä" * 30 + '}\n{"a":1}\n', [[1]], rejects=[("a.ndjson:1", "invalid_json", "")],
       says=["on: " + "ä" * 10 + "..."]),
    js("dates and times", '{"d":"2024-02-29","t":"2024-05-01T12:00:00Z","l":"2024-05-01 12:00:00"}\n',
       [[datetime.date(2024, 2, 29), datetime.datetime(2024, 5, 1, 12, tzinfo=UTC), datetime.datetime(2024, 5, 1, 12)]],
       types=["date", "timestamptz", "timestamp"]),
    js("impossible dates are text", '{"d":"2023-02-29"}\n', [["2023-02-29"]], types=["text"]),
    js("given types take numbers in texts", '{"a":"12"}\n{"a":"x"}\n', [[12]], beside="types: { a: bigint }",
       rejects=[("a.ndjson:2", "invalid_value", "a")], says=["found"]),
    js("formats of dates", '{"a":"01.05.2024"}\n{"a":"2024-05-02"}\n{"a":"31.04.2024"}\n', [[datetime.date(2024, 5, 1)], [datetime.date(2024, 5, 2)]],
       beside='types: { a: { type: date, formats: ["%d.%m.%Y", "%Y-%m-%d"] } }', rejects=[("a.ndjson:3", "invalid_value", "a")]),
    js("decimal comma in texts", '{"a":"1.234,50"}\n{"a":7}\n{"a":"1,2,3"}\n', [[D("1234.50")], [D("7.00")]],
       beside='types: { a: { type: "decimal(12,2)", decimal: ",", thousands: "." } }', rejects=[("a.ndjson:3", "invalid_value", "a")]),
    js("a given type set null", '{"a":"x"}\n{"a":2}\n', [[None], [2]], beside="types: { a: bigint }\non_error: set_null", set_null=1),
    js("a broken record under on_error: fail", '{"a":1}\n{"a":\n', beside="on_error: fail", error="invalid_json", says=["line 2 of a.ndjson"]),
    js("the number of the row", '{"a":1}\nx\n{"a":2}\n', [[1, 1, "a.ndjson"], [2, 3, "a.ndjson"]], beside="metadata: { n: row, f: path }",
       columns=["a", "n", "f"], rejects=[("a.ndjson:2", "invalid_json", "")]),
    js("whitespace inside", ' { "a" : [ 1 , 2 ] , "b" : { } }  \n', [[[1, 2], "{ }"]]),
    js("an empty file", "", error="empty_source"),
]


class JsonAsItIs(FileCases):
    def test_records(self):
        self.run_cases(RECORDS)

    def test_a_value_that_contradicts_an_inferred_type_says_what_mends_it(self):
        lines = [json.dumps({"id": i, "amount": i}) for i in range(400_000)]
        lines[60_000] = '{"id": 1, "amount": 12.5}'
        self.write("a.ndjson", "\n".join(lines) + "\n")
        self.write("p.yaml", "version: 1\npipeline: p\nextract:\n  in: { ndjson: { path: a.ndjson } }\nload:\n  out: { from: in, ipc: { path: o.arrow } }\n")
        error = self.assert_error(self.sluice("run", "p.yaml", "-q"), "contradicts_type", 1)
        self.assertRegex(error, r"column amount inferred bigint from 20,4\d\d rows; value '12\.5' at line 60,001 of a\.ndjson is decimal: "
                                r"types: \{ amount: double \}")

    def test_a_fraction_behind_the_sample_that_no_double_keeps(self):
        lines = [json.dumps({"id": i, "amount": i / 2}) for i in range(400_000)]
        lines[60_000] = '{"id": 1, "amount": 0.12345678901234567890}'
        self.write("a.ndjson", "\n".join(lines) + "\n")
        self.write("p.yaml", "version: 1\npipeline: p\nextract:\n  in: { ndjson: { path: a.ndjson } }\nload:\n  out: { from: in, ipc: { path: o.arrow } }\n")
        error = self.assert_error(self.sluice("run", "p.yaml", "-q"), "contradicts_type", 1)
        self.assertIn("value '0.12345678901234567890' at line 60,001", error)
        self.assertIn("types: { amount: text }", error)

    def test_a_type_is_inferred_from_the_tail_as_well(self):
        for rows in (30_000, 400_000):
            lines = [json.dumps({"id": i, "amount": i}) for i in range(rows)]
            lines[-2] = '{"id": 1, "amount": 12.5}'
            with self.subTest(rows):
                self.run_case(js("tail", "\n".join(lines) + "\n", types=["bigint", "double"]))

    def test_types_are_inferred_from_records_larger_than_the_sample(self):
        content = '{"n":1,"a":"' + "x" * (5 << 20) + '"}\n{"n":2.5,"a":"y"}\n'
        self.run_case(Case("packed", {"a.ndjson.gz": gzip.compress(content.encode(), 1)}, "ndjson: { path: a.ndjson.gz }", types=["double", "text"]))
        self.run_case(Case("standard input", {}, 'ndjson: { path: "-" }', types=["double", "text"], stdin=content.encode()))
        self.run_case(js("alone", content.splitlines()[0], types=["bigint", "text"]))

    def test_a_field_of_100_megabytes(self):
        text = "x" * (100 << 20)
        self.write("a.ndjson", '{"a":"' + text + '"}\n{"a":"' + text + '"}\n{"a":"y"}\n')
        self.write("p.yaml", "version: 1\npipeline: p\nextract:\n  in: { ndjson: { path: a.ndjson }, types: { a: text } }\nload:\n"
                             "  out: { from: in, ipc: { path: out.arrow } }\n")
        done = self.sluice("run", "p.yaml", "-q")
        self.assertEqual(done.returncode, 0, done.stderr)
        table = pyarrow.ipc.open_file(self.folder / "out.arrow").read_all()
        self.assertEqual([len(value) for value in table["a"].to_pylist()], [100 << 20, 100 << 20, 1])


if __name__ == "__main__":
    unittest.main()
