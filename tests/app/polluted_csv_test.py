#!/usr/bin/env python3
"""CSV files as exports, e-mails and editors leave them: whatever stands around, between and in the records, no record is
gone without a word. Each is loaded, or among the rejects, or the run fails and says why, or a warning names it."""

import json
import unittest

from command_line import CommandLine

HEADER = "id,name,at,amount"
RECORDS = [f"{i},name{i:02d},2024-01-{i:02d},{i}.50" for i in range(1, 11)]
NAMES = [f"name{i:02d}" for i in range(1, 11)]


def lines(*all_of_them, end="\n"):
    return end.join(all_of_them) + end


def between(*polluting):
    """The records with something in their middle."""
    return lines(HEADER, *RECORDS[:5], *polluting, *RECORDS[5:])


def other(change):
    """From the sixth record on in another dialect."""
    return lines(HEADER, *RECORDS[:5], *(change(each) for each in RECORDS[5:]))


def shared(separator):
    return lines(HEADER, *RECORDS).replace(",", separator)


# Name, content, rows that are loaded, rejects. Lines that hold no record of ours count among both.
FILES = [
    ("a header with a field too few", lines("id,name,at", *RECORDS), 0, 10),
    ("a header with a field too many", lines(HEADER + ",more", *RECORDS), 0, 10),
    ("a header that ends in a separator", lines(HEADER + ",", *RECORDS), 0, 10),
    ("records that end in a separator", lines(HEADER, *(each + "," for each in RECORDS)), 0, 10),
    ("a title above the header", lines("Sales in May", HEADER, *RECORDS), 0, 11),
    ("a title as wide as the table", lines("Sales,,,", HEADER, *RECORDS), 11, 0),
    ("a row of types below the header", lines(HEADER, "int,text,date,decimal", *RECORDS), 11, 0),
    ("the header again in the middle", between(HEADER), 11, 0),
    ("two files one behind the other", lines(HEADER, *RECORDS) + "\ufeff" + lines(HEADER, *RECORDS), 21, 0),
    ("a second table of the same width", lines(HEADER, *RECORDS, "", "a,b,c,d", "x,y,z,w"), 12, 0),
    ("a second table with fewer fields", lines(HEADER, *RECORDS, "", "a,b", "x,y", "z,w"), 10, 3),
    ("a second table with more fields", lines(HEADER, *RECORDS, "", "a,b,c,d,e", "1,2,3,4,5"), 10, 2),
    ("a total below", lines(HEADER, *RECORDS, "Total,,,60.00"), 11, 0),
    ("a note below", lines(HEADER, *RECORDS, "10 rows"), 10, 1),
    ("a note with a comma below", lines(HEADER, *RECORDS, "Source: us, 2024"), 10, 1),
    ("dashes below", lines(HEADER, *RECORDS, "---------"), 10, 1),
    ("a page of HTML below", lines(HEADER, *RECORDS, "<html><body>error</body></html>"), 10, 1),
    ("semicolons from the middle on", other(lambda each: each.replace(",", ";")), 5, 5),
    ("tabs from the middle on", other(lambda each: each.replace(",", "\t")), 5, 5),
    ("quotes from the middle on", other(lambda each: '"' + each.replace(",", '","') + '"'), 10, 0),
    ("single quotes from the middle on", other(lambda each: "'" + each.replace(",", "','") + "'"), 10, 0),
    ("blanks before quotes", other(lambda each: each.replace(",name", ', "name').replace(",2024", '",2024')), 10, 0),
    ("another line end from the middle on", lines(HEADER, *RECORDS[:5]) + lines(*RECORDS[5:8], end="\r\n") + lines(*RECORDS[8:], end="\r"), 10, 0),
    ("CR CR LF", lines(HEADER, *RECORDS, end="\r\r\n"), 10, 0),
    ("LF CR", lines(HEADER, *RECORDS, end="\n\r"), 10, 0),
    ("empty lines", between("", ""), 10, 0),
    ("lines of blanks", between("   ", "\t"), 10, 2),
    ("lines of separators", between(",,,"), 11, 0),
    ("a record too short and one too long", between("99,x", "99,x,2024-01-01,1,2"), 10, 2),
    ("a record of a thousand fields", between(",".join(["9"] * 1000)), 10, 1),
    ("a quote in a field", between('99,5" pipe,2024-01-01,1.50'), 11, 0),
    ("quotes in a quoted field", between('99,"5" pipe",2024-01-01,1.50'), 10, 1),
    ("text behind a quote", between('99,"x"y,2024-01-01,1.50'), 10, 1),
    ("quotes behind backslashes", between(r'99,"x \"y\" z",2024-01-01,1.50'), 10, 1),
    ("a line end in quotes", between('99,"x\ny",2024-01-01,1.50'), 11, 0),
    ("a NUL in a field and alone", between("99,x\0y,2024-01-01,1.50", "\0"), 11, 1),
    ("the end mark of CP/M", lines(HEADER, *RECORDS, "\x1a"), 10, 1),
    ("line ends of Unicode are text", between("99,x\u2028y\u0085z\x0bw\x0c,2024-01-01,1.50"), 11, 0),
    ("a byte order mark in the middle", between("\ufeff99,x,2024-01-01,1.50"), 11, 0),
    ("a separator that is not known", shared("¦"), 10, 0),
    ("a row of Latin-1", between("99,M\xfcller,2024-01-01,1.50").encode("latin-1"), 10, 1),
    ("UTF-16 behind UTF-8", lines(HEADER, *RECORDS).encode() + lines(*RECORDS).encode("utf-16-le"), None, None),
    ("numbers written in two ways", between('99,x,2024-01-01,"1.234,50"', '99,x,2024-01-01,"1,234.50"'), 12, 0),
]


class PollutedCsv(CommandLine):
    def run_file(self, content):
        self.write("a.csv", content)
        self.write("p.yaml", "version: 1\npipeline: p\nrejects: { allow: 1000 }\nextract: { in: { csv: { path: a.csv } } }\n"
                             "load: { out: { from: in, ndjson: { path: out.ndjson } } }\n")
        done = self.sluice("run", "p.yaml", "--progress", "none")
        self.assertEqual(done.returncode, 0, done.stderr)
        loaded = (self.folder / "out.ndjson").read_text().split("\n")[:-1]
        exported = self.sluice("rejects", "export", "last", "--format", "ndjson").stdout
        return loaded, exported.splitlines(), done.stderr

    def test_no_record_is_gone(self):
        for name, content, rows, rejects in FILES:
            with self.subTest(name):
                loaded, rejected, _ = self.run_file(content)
                if rows is not None:
                    self.assertEqual((len(loaded), len(rejected)), (rows, rejects))
                    self.assertEqual(len({json.loads(each)["line"] for each in rejected}), rejects, rejected)
                found = "\n".join(loaded + rejected)
                self.assertEqual([each for each in NAMES if each not in found], [])

    def test_a_first_record_that_is_taken_for_the_names_is_told(self):
        _, _, said = self.run_file(lines(*RECORDS))
        self.assertIn("warning[other_dialect]", said)
        self.assertIn(RECORDS[0], said)

    def test_what_swallows_records_fails_the_run(self):
        self.write("p.yaml", "version: 1\npipeline: p\nrejects: { allow: 1000 }\nextract: { in: { csv: { path: a.csv } } }\n"
                             "load: { out: { from: in, ndjson: { path: out.ndjson } } }\n")
        for content, says in ((between('99,"x,2024-01-01,1.50'), "unclosed_quote"), (lines(HEADER, *RECORDS).encode("utf-16-le"), "invalid_utf8")):
            self.write("a.csv", content)
            done = self.sluice("run", "p.yaml", "--progress", "none")
            self.assertIn(done.returncode, (1, 2))
            self.assertIn(f"error[{says}]", done.stderr)
            self.assertFalse((self.folder / "out.ndjson").exists())


if __name__ == "__main__":
    unittest.main()
