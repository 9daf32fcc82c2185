"""CSV files as they really are, one case per trouble: what comes in, what goes to the rejects, what fails the run."""

import datetime
import decimal
import gzip
import unittest

import pyarrow.ipc

from file_cases import Case, FileCases

D = decimal.Decimal
UTC = datetime.timezone.utc
BOM16LE, BOM16BE = b"\xff\xfe", b"\xfe\xff"


def date(text):
    return datetime.date.fromisoformat(text)


def moment(text):
    return datetime.datetime.fromisoformat(text)


def zoned(text):
    return moment(text).replace(tzinfo=UTC)


def csv(name, content, rows=None, options="", beside="", **more):
    """A case of one file a.csv."""
    inner = "path: a.csv" + (", " + options if options else "")
    return Case(name, {"a.csv": content}, f"csv: {{ {inner} }}\n{beside}", rows=rows, **more)


LETTERS = "types: { a: text, b: text }"

STRUCTURE = [
    csv("a header with a quote that never closes loses no rows", 'a,"b\n1,2\n3,4\n', error="unclosed_quote",
        says=["line 1: the quote at the start of field 2 of the first record is never closed; it swallows 2 more lines", 'quote: ""']),
    csv("a header with text behind a closing quote", '"a"x,b\n1,2\n', error="invalid_header"),
    csv("quoted separators, line ends and doubled quotes", 'a,b\n"x,y","l1\nl2"\n"say ""hi""","\r\n"\n',
        [["x,y", "l1\nl2"], ['say "hi"', "\r\n"]], types=["text", "text"]),
    csv("a quote inside an unquoted field is text", 'a,b\n5" pipe,x\n', [['5" pipe', "x"]]),
    csv("text behind a closing quote", 'a,b\n"x"y,1\nz,2\n', [["z", 2]], rejects=[("a.csv:2", "invalid_quotes", "a")],
        says=['"x"y,1']),
    csv("a quote that never closes", 'a,b\n1,2\n3,"4\n5,6\n', beside=LETTERS, error="unclosed_quote",
        says=["a.csv line 3: the quote at the start of field 2 (b) is never closed; it swallows 1 more line (7 bytes)"]),
    csv("LF", b"a,b\n1,2\n3,4\n", [[1, 2], [3, 4]]),
    csv("CRLF", b"a,b\r\n1,2\r\n3,4\r\n", [[1, 2], [3, 4]]),
    csv("CR", b"a,b\r1,2\r3,4\r", [[1, 2], [3, 4]]),
    csv("mixed line ends, the last one missing", b"a,b\r\n1,x\r2,y\n3,z", [[1, "x"], [2, "y"], [3, "z"]]),
    csv("UTF-8 with byte order mark", b"\xef\xbb\xbfid,b\n1,\xc3\xa4\n", [[1, "ä"]], columns=["id", "b"]),
    csv("byte order mark before a quoted name", b'\xef\xbb\xbf"id",b\n1,x\n', [[1, "x"]], columns=["id", "b"]),
    csv("rows too short and too long", "a,b\n1,2\n3\n4,5,6\n7,8\n", [[1, 2], [7, 8]],
        rejects=[("a.csv:3", "too_few_fields", ""), ("a.csv:4", "too_many_fields", "")], says=["expected 2 fields, found 3"]),
    csv("set_null still rejects records that don't fit", "a,b\n1,2\n3\n", [[1, 2]], beside="on_error: set_null",
        rejects=[("a.csv:3", "too_few_fields", "")]),
    csv("a short row under on_error: fail", "a,b\n1,2\n3\n", beside="on_error: fail", error="too_few_fields",
        says=["a.csv line 3: expected 2 fields, found 1"]),
    csv("duplicate header", "a,a,b,a\n1,2,3,4\n", [[1, 2, 3, 4]], columns=["a", "a_2", "b", "a_3"]),
    csv("a duplicate that meets a taken name", "a,a,a_2\n1,2,3\n", [[1, 2, 3]], columns=["a", "a_3", "a_2"]),
    csv("empty header names", "a,,\n1,2,3\n", [[1, 2, 3]], columns=["a", "column_2", "column_3"]),
    csv("missing header", "1,x\n2,y\n", [[1, "x"], [2, "y"]], "header: false", columns=["column_1", "column_2"]),
    csv("header of our own", "1,x\n2,y\n", [[1, "x"], [2, "y"]], "header: [id, name]", columns=["id", "name"]),
    csv("own header with other records", "1,x\n2,y,z\n", [[1, "x"]], "header: [id, name]",
        rejects=[("a.csv:2", "too_many_fields", "")]),
    csv("comment lines", '# made by us\na,b\n#1,2\n3,4\n# "odd\n5,6\n', [[3, 4], [5, 6]], 'comment: "#"', columns=["a", "b"]),
    csv("preamble rows", 'Report, "Q1\nby us\n\na,b\n1,2\n', [[1, 2]], "skip_rows: 3", columns=["a", "b"]),
    csv("preamble and comments", "title\n; note\na;b\n1;2\n", [[1, 2]], 'skip_rows: 2, separator: ";"'),
    csv("empty lines", "a,b\n\n1,2\n\r\n3,4\n\n", [[1, 2], [3, 4]]),
    csv("empty lines of one column are values", "a\nx\n\ny\n", [["x"], [None], ["y"]]),
    csv("a trailing separator", "a,b,\n1,2,\n", [[1, 2, None]], columns=["a", "b", "column_3"]),
    csv("tabs", "a\tb\nx y\t1\n", [["x y", 1]], r'separator: "\t"'),
    csv("no quotes at all", 'a,b\n"x,y"\n', [['"x', 'y"']], 'quote: ""'),
    csv("backslash escapes", 'a,b\n"x\\"y",1\\,2\n', [['x"y', "1,2"]], r"escape: '\'"),
    csv("single quotes", "a,b\n'x,y',1\n", [["x,y", 1]], '''quote: "'"'''),
    csv("a field of NUL bytes is text", b"a,b\n\0x\0,1\n", [["\0x\0", 1]]),
    csv("blanks in text stay", "a,b\n  x ,\" y \"\n", [["  x ", " y "]]),
    csv("thousands of columns", "\n".join(",".join(f"{mark}{i}" for i in range(6000)) for mark in ("c", 1, "x")) + "\n",
        [[f"{mark}{i}" for i in range(6000)] for mark in (1, "x")]),
    csv("empty file", "", error="empty_file"),
    csv("only a byte order mark", b"\xef\xbb\xbf", error="empty_file"),
    csv("only a header", "a,b\n", []),
    csv("only a header without line end", "a,b", []),
]

ENCODINGS = [
    csv("UTF-16 little-endian by its mark", BOM16LE + "a,b\r\n1,ä€😀\r\n".encode("utf-16-le"), [[1, "ä€😀"]]),
    csv("UTF-16 big-endian by its mark", BOM16BE + 'a,b\n1,"x,\ny"\n'.encode("utf-16-be"), [[1, "x,\ny"]]),
    csv("UTF-16 by name", "a,b\n1,ü\n".encode("utf-16-le"), [[1, "ü"]], "encoding: utf-16le"),
    csv("UTF-16 by name with a mark", BOM16BE + "a,b\n1,ü\n".encode("utf-16-be"), [[1, "ü"]], "encoding: utf-16"),
    csv("Latin-1 by name", "a,b\n1,äß§\n".encode("latin-1"), [[1, "äß§"]], "encoding: latin-1"),
    csv("ISO-8859-1 is Latin-1", "ä,b\n1,é\n".encode("latin-1"), [[1, "é"]], "encoding: ISO-8859-1", columns=["ä", "b"]),
    csv("windows-1252 by name", "a,b\n1,€“”\n".encode("cp1252"), [[1, "€“”"]], "encoding: windows-1252"),
    csv("a mark beats the name", b"\xef\xbb\xbfa,b\n1,\xc3\xa4\n", [[1, "ä"]], "encoding: latin-1", columns=["a", "b"]),
    csv("half a surrogate pair in UTF-16", BOM16LE + "a,b\n1,".encode("utf-16-le") + b"\x00\xd8" + "\n2,x\n".encode("utf-16-le"),
        [[2, "x"]], rejects=[("a.csv:2", "invalid_utf8", "b")]),
    csv("UTF-16 with half a character at its end", BOM16LE + "a,b\n1,x\n2,y".encode("utf-16-le") + b"\x41", [[1, "x"]],
        rejects=[("a.csv:3", "invalid_utf8", "b")]),
    csv("rejects of UTF-16 give the record as text", BOM16LE + "a,b\n1,ä\nü\n".encode("utf-16-le"), [[1, "ä"]],
        rejects=[("a.csv:3", "too_few_fields", "")], says=["ü"]),
    csv("an encoding that there is none of", "a\n1\n", options="encoding: klingon", error="unknown_encoding", says=["utf-16", "latin-1"]),
    csv("invalid UTF-8", b"a,b\n1,x\n2,\xff\xfe\n3,\xc3\n4,\xed\xa0\x80\n5,ok\n", [[1, "x"], [5, "ok"]],
        rejects=[(f"a.csv:{line}", "invalid_utf8", "b") for line in (3, 4, 5)]),
    csv("bytes are kept in bytea", b"a,b\n1,\xff\xfe\n", [[1, b"\xff\xfe"]], beside="types: { b: bytea }"),
    csv("invalid UTF-8 set null", b"a,b\n1,\xff\n", [[1, None]], beside="on_error: set_null", set_null=1),
]

VALUES = [
    csv("null tokens", 'a,b\n1,NA\n-,x\n2,"NA"\n', [[1, None], [None, "x"], [2, "NA"]], 'null_values: ["", "NA", "-"]'),
    csv("an unquoted empty is null, a quoted one text", 'a,b,c\n,"",1\n"",,2\n', [[None, "", 1], ["", None, 2]]),
    csv("words for nothing are text", 'id,town,ns\n1,None,NA\n2,null,NaN\n3,,N/A\n4,"",NULL\n5,nan,-\n',
        [[1, "None", "NA"], [2, "null", "NaN"], [3, None, "N/A"], [4, "", "NULL"], [5, "nan", "-"]]),
    csv("a quoted empty number is null", 'a\n1\n""\n', [[1], [None]]),
    csv("without null tokens empty is text", "a,b\n,1\n", [["", 1]], "null_values: []"),
    csv("ids with leading zeros stay text", "zip,id\n01234,1\n20095,2\n", [["01234", 1], ["20095", 2]], types=["text", "bigint"]),
    csv("a single zero is a number", "a\n0\n10\n", [[0], [10]], types=["bigint"]),
    csv("64-bit limits", "a\n9223372036854775807\n-9223372036854775808\n", [[2**63 - 1], [-(2**63)]], types=["bigint"]),
    csv("integers beyond 64 bits stay text", "a\n9223372036854775808\n1\n", [["9223372036854775808"], ["1"]], types=["text"]),
    csv("integers beyond 64 bits as ubigint", "a\n18446744073709551615\n18446744073709551616\n", [[2**64 - 1]],
        beside="types: { a: ubigint }", rejects=[("a.csv:3", "invalid_value", "a")]),
    csv("integers beyond 64 bits as decimals", "a\n123456789012345678901234567890\n", [[D("123456789012345678901234567890")]],
        beside='types: { a: "decimal(38,0)" }'),
    csv("decimals are exact", "a\n0.10\n-12345678901234567890.12\n1e2\n.5\n", [[D("0.10")], [D("-12345678901234567890.12")], [D("100.00")],
        [D("0.50")]], beside='types: { a: "decimal(22,2)" }', types=["decimal(22,2)"]),
    csv("a decimal with too many digits", "a\n1.005\n1.00\n1234.00\n", [[D("1.00")]], beside='types: { a: "decimal(5,2)" }',
        rejects=[("a.csv:2", "invalid_value", "a"), ("a.csv:4", "invalid_value", "a")]),
    csv("decimals of 256 bits", "a\n" + "9" * 70 + ".123456\n-" + "1" * 50 + "\n", [[D("9" * 70 + ".123456")], [D("-" + "1" * 50 + ".000000")]],
        beside='types: { a: "decimal(76,6)" }', types=["decimal(76,6)"]),
    csv("decimal comma and thousands", 'a;b\n"1.234.567,89";-0,5\n12,3;1\n1.23,4;2\n', [[D("1234567.89"), -0.5], [D("12.30"), 1.0]],
        'separator: ";"', 'types: { a: { type: "decimal(12,2)", decimal: ",", thousands: "." }, b: { type: double, decimal: "," } }',
        rejects=[("a.csv:4", "invalid_value", "a")]),
    csv("thousands in integers", 'a\n"1,234,567"\n"12,34"\n', [[1234567]], beside='types: { a: { type: bigint, thousands: "," } }',
        rejects=[("a.csv:3", "invalid_value", "a")]),
    csv("several date formats in one column", "a\n2024-05-01\n01.05.2024\n5/1/24\nMay 1, 2024\n", [[date("2024-05-01")]] * 3,
        beside='types: { a: { type: date, formats: ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%y"] } }', rejects=[("a.csv:5", "too_many_fields", "")]),
    csv("impossible dates", "a\n2024-02-29\n2023-02-29\n2024-13-01\n2024-04-31\n0000-00-00\n", [[date("2024-02-29")]],
        beside="types: { a: date }", rejects=[(f"a.csv:{n}", "invalid_value", "a") for n in (3, 4, 5, 6)],
        says=["expected date, found '2023-02-29'"]),
    csv("a format that leaves the year open is refused", "a\n24.12.\n", beside='types: { a: { type: date, formats: ["%d.%m."] } }',
        error="invalid_option", says=["a format for date needs a year (%Y): %d.%m."]),
    csv("a format of times alone for a timestamp is refused", "a\n12:30\n", beside='types: { a: { type: timestamp, formats: ["%H:%M"] } }',
        error="invalid_option"),
    csv("a decimal comma of a date is refused", "a\n2024-01-01\n", beside='types: { a: { type: date, decimal: "," } }', error="invalid_option",
        says=["decimal can only be used for numbers, not for date"]),
    csv("a time that a format of dates takes is not cut off", "a\n01.05.2024 12:30\n02.05.2024 00:00\n", [[date("2024-05-02")]],
        beside='types: { a: { type: date, formats: ["%d.%m.%Y %H:%M"] } }', rejects=[("a.csv:2", "invalid_value", "a")]),
    csv("there is no year 0", "a\n0000-01-01\n0001-01-01\n", [[date("0001-01-01")]], beside="types: { a: date }",
        rejects=[("a.csv:2", "invalid_value", "a")]),
    csv("large integers beside fractions keep their digits", "a,b\n9007199254740993,9007199254740992\n0.5,0.5\n",
        [["9007199254740993", "9007199254740992"], ["0.5", "0.5"]], types=["text", "text"]),
    csv("an hour that can't be pm", "a\n2024-05-01 13:00 PM\n2024-05-01 01:00 PM\n", [[moment("2024-05-01T13:00:00")]],
        beside='types: { a: { type: timestamp, formats: ["%Y-%m-%d %H:%M %p"] } }', rejects=[("a.csv:2", "invalid_value", "a")]),
    csv("impossible dates of another format", "a\n31.04.2024\n30.04.2024\n", [[date("2024-04-30")]],
        beside='types: { a: { type: date, formats: ["%d.%m.%Y"] } }', rejects=[("a.csv:2", "invalid_value", "a")]),
    csv("a time behind a date is not cut off", "a\n2024-05-01 12:30:00\n2024-05-02\n", [[date("2024-05-02")]], beside="types: { a: date }",
        rejects=[("a.csv:2", "invalid_value", "a")]),
    csv("time zones", "a\n2024-05-01T12:00:00Z\n2024-05-01 12:00:00+02:00\n2024-05-01T12:00:00-0530\n2024-05-01 12:00:00.5 UTC\n",
        [[zoned("2024-05-01T12:00:00")], [zoned("2024-05-01T10:00:00")], [zoned("2024-05-01T17:30:00")], [zoned("2024-05-01T12:00:00.500000")]],
        types=["timestamptz"]),
    csv("an offset is not dropped from a timestamp", "a\n2024-05-01T12:00:00+02:00\n2024-05-01T12:00:00\n", [[moment("2024-05-01T12:00:00")]],
        beside="types: { a: timestamp }", rejects=[("a.csv:2", "invalid_value", "a")]),
    csv("nanoseconds are not cut off", "a\n2024-05-01T12:00:00.123456789\n2024-05-01T12:00:00.123456000\n",
        [[moment("2024-05-01T12:00:00.123456")]], beside="types: { a: timestamp }", rejects=[("a.csv:2", "invalid_value", "a")]),
    csv("hour 24", "a\n2024-05-01T24:00:00\n", [], beside="types: { a: timestamp }", rejects=[("a.csv:2", "invalid_value", "a")]),
    csv("doubles beyond their range", "a\n1e308\n1e309\n", [[1e308]], beside="types: { a: double }",
        rejects=[("a.csv:3", "invalid_value", "a")]),
    csv("0.1 is the nearest double", "a\n0.1\n123456789.12345679\n", [[0.1], [123456789.12345679]], types=["double"]),
    csv("digits that a double does not keep make text", "a\n0.1\n123456789.123456789\n", [["0.1"], ["123456789.123456789"]], types=["text"]),
    csv("types given: file, line, column, value, reason", "id,n\n1,x\n2,3\n", [[2, 3]], beside="types: { n: bigint }",
        rejects=[("a.csv:2", "invalid_value", "n")], says=["column n: expected bigint, found 'x'"]),
    csv("a given type set null", "id,n\n1,x\n2,3\n", [[1, None], [2, 3]], beside="types: { n: bigint }\non_error: set_null", set_null=1),
    csv("two faults of one row are one reject", "a,b\nx,y\n1,2\n", [[1, 2]], beside="types: { a: bigint, b: bigint }",
        rejects=[("a.csv:2", "invalid_value", "a")], says=["column b: expected bigint, found 'y'"]),
    csv("the line of a reject counts those inside quotes", 'a,b\n"1\n2\n3",4\nx,y\n', [["1\n2\n3", 4]], beside="types: { b: bigint }",
        rejects=[("a.csv:5", "invalid_value", "b")]),
]


class FilesAsTheyAre(FileCases):
    def test_structure(self):
        self.run_cases(STRUCTURE)

    def test_encodings(self):
        self.run_cases(ENCODINGS)

    def test_values(self):
        self.run_cases(VALUES)

    def test_a_value_that_contradicts_an_inferred_type_says_what_mends_it(self):
        lines = ["id,amount"] + [f"{i},{i * 2}" for i in range(200_000)]
        lines[60_001] = "60000,12.5"
        self.write("a.csv", "\n".join(lines) + "\n")
        self.write("p.yaml", "version: 1\npipeline: p\nextract:\n  in: { csv: { path: a.csv } }\nload:\n  out: { from: in, ipc: { path: o.arrow } }\n")
        error = self.assert_error(self.sluice("run", "p.yaml", "-q"), "contradicts_type", 1)
        self.assertRegex(error, r"column amount inferred bigint from 20,4\d\d rows; value '12\.5' at line 60,002 of a\.csv is decimal: "
                                r"types: \{ amount: double \}")
        self.write("p.yaml", (self.folder / "p.yaml").read_text().replace("path: a.csv }", "path: a.csv }, types: { amount: double }"))
        self.assertEqual(self.sluice("run", "p.yaml", "-q").returncode, 0)

    def test_a_large_integer_that_contradicts_double_is_not_rounded(self):
        lines = ["id,amount"] + [f"{i},{i}.5" for i in range(200_000)]
        lines[60_001] = "60000,-9007199254740993"
        case = csv("", "\n".join(lines) + "\n", error="contradicts_type",
                   says=["value '-9007199254740993' at line 60,002 of a.csv is an integer that double can't hold exactly: types: { amount: text }"])
        self.run_case(case)
        self.run_case(csv("", case.files["a.csv"], beside="types: { amount: text }", types=["bigint", "text"]))

    def test_a_type_is_inferred_from_the_middle_and_the_tail_as_well(self):
        for place in (107_000, 199_990):
            lines = ["id,amount"] + [f"{i},{i * 2}" for i in range(200_000)]
            lines[place] = f"{place},1.5"
            case = csv(f"at {place}", "\n".join(lines) + "\n", types=["bigint", "double"])
            with self.subTest(place):
                self.run_case(case)

    def test_a_type_is_inferred_from_records_larger_than_the_sample(self):
        content = "".join(f'{i},"{"x" * 900_000}"\n' for i in range(6))
        for name, data in (("a.csv", "id,a\n" + content), ("a.csv.gz", gzip.compress(f"id,a\n{content}".encode(), 1)),
                           ("a.csv", "id,a\r" + content.replace("\n", "\r"))):
            with self.subTest(name):
                self.run_case(Case("", {name: data}, f"csv: {{ path: {name} }}", types=["bigint", "text"]))

    def test_a_type_is_inferred_from_the_middle_and_the_tail_where_CR_ends_lines(self):
        lines = ["id,amount,price"] + [f"{i},{i * 2},{i}" for i in range(200_000)]
        lines[110_000], lines[199_990] = "1,1.5,2", "1,2,1.5"
        self.run_case(csv("CR", "\r".join(lines), types=["bigint", "double", "double"]))

    def test_a_field_of_100_megabytes(self):
        text = "x" * (100 << 20)
        self.write("a.csv", 'a,b\n1,"' + text + '"\n2,' + text + "\n3,y\n")
        self.write("p.yaml", "version: 1\npipeline: p\nextract:\n  in: { csv: { path: a.csv }, types: { b: text } }\nload:\n"
                             "  out: { from: in, ipc: { path: out.arrow } }\n")
        done = self.sluice("run", "p.yaml", "-q")
        self.assertEqual(done.returncode, 0, done.stderr)
        table = pyarrow.ipc.open_file(self.folder / "out.arrow").read_all()
        self.assertEqual([len(value) for value in table["b"].to_pylist()], [100 << 20, 100 << 20, 1])


if __name__ == "__main__":
    unittest.main()
