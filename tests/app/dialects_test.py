"""How a CSV file is written: preview finds it out, and run and validate name it where what was said does not fit."""

import gzip
import json
import unittest

from command_line import ROOT, CommandLine

GERMAN = "datum;artikel;betrag\n01.05.2024;Tisch;1.234,50\n02.05.2024;Stuhl;89,90\n"
NAMED = [["1", "Ann", "x"], ["2", "Bob, Jr.", "y"], ["3", "Cid", "z"]]


def table(separator, rows=None):
    quote = lambda text: f'"{text}"' if separator in text else text
    return "".join(separator.join(quote(text) for text in row) + "\n" for row in [["id", "name", "c"], *(rows or NAMED)])


# name, content, options that --yaml must show, rows of the preview as text
DIALECTS = [
    ("comma", table(","), "", NAMED),
    ("semicolon", table(";"), 'separator: ";"', NAMED),
    ("tab", table("\t"), 'separator: "\\t"', NAMED),
    ("pipe", table("|"), 'separator: "|"', NAMED),
    ("colon", table(":"), 'separator: ":"', NAMED),
    ("blank", "id name c\n1 Ann x\n2 'Bob Jr.' y\n3 'Cid D.' z\n", 'separator: " "', [["1", "Ann", "x"], ["2", "Bob Jr.", "y"], ["3", "Cid D.", "z"]]),
    ("comma and blank", 'id, name, c\n1, "Bob, Jr.", x\n2, Ann, y\n', 'separator: ", "', [["1", "Bob, Jr.", "x"], ["2", "Ann", "y"]]),
    ("single quotes", "id;name\n1;'a;b'\n2;'c''d'\n3;e\n", 'quote: "\'"', [["1", "a;b"], ["2", "c'd"], ["3", "e"]]),
    ("title lines", "Sales 2024\nby us, for you\n\nid,name,c\n1,Ann,x\n2,Bob,y\n", "skip_rows: 3", [["1", "Ann", "x"], ["2", "Bob", "y"]]),
    ("no header", "1,Ann,2.5\n2,Bob,3.5\n", "header: false", [["1", "Ann", "2.5"], ["2", "Bob", "3.5"]]),
    ("years as names", "country,2019,2020\nDE,1,2\nFR,3,4\n", "", [["DE", "1", "2"], ["FR", "3", "4"]]),
    ("UTF-16 without a mark", table(";").encode("utf-16-le"), "encoding: utf-16le", NAMED),
    ("UTF-16 with a mark", b"\xff\xfe" + table("\t").encode("utf-16-le"), 'separator: "\\t"', NAMED),
    ("Latin-1", "id;name\n1;Köln\n2;Münster\n".encode("latin-1"), "encoding: latin-1", [["1", "Köln"], ["2", "Münster"]]),
    ("Windows-1252", "id;name\n1;5 €\n2;“x”\n".encode("cp1252"), "encoding: windows-1252", [["1", "5 €"], ["2", "“x”"]]),
    ("one column", "name\nAnn\nBob Smith\n", "", [["Ann"], ["Bob Smith"]]),
    ("one column of times", "at\n2024-01-01 10:00:00\n2024-01-02 11:30:00\n", "", [["2024-01-01 10:00:00"], ["2024-01-02 11:30:00"]]),
    ("prose in quotes", 'id,text\n1,"a; b; c"\n2,"d; e; f"\n', "", [["1", "a; b; c"], ["2", "d; e; f"]]),
    ("decimal commas under semicolons", "a;b\n1,5;2,25\n3,5;4,75\n", '"decimal":","', [["1.5", "2.25"], ["3.5", "4.75"]]),
]


class Dialects(CommandLine):
    def preview(self, *words, **more):
        done = self.sluice("preview", *words, "--json", **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        shown = json.loads(done.stdout)
        return [["" if value is None else str(value) for value in row.values()] for row in shown["rows"]], shown

    def test_preview_finds_how_a_file_is_written_and_yaml_writes_it_down(self):
        for name, content, options, rows in DIALECTS:
            for file in ("a.csv", "a.txt", "noext", "a.csv.gz"):
                with self.subTest(name, file=file):
                    raw = content if isinstance(content, bytes) else content.encode()
                    self.write(file, gzip.compress(raw) if file.endswith(".gz") else raw)
                    self.assertEqual(self.preview(file)[0], rows)
                    made = self.sluice("preview", file, "--yaml")
                    self.assertEqual(made.returncode, 0, made.stderr)
                    self.assertIn(options, made.stdout)
                    if not options:
                        self.assertRegex(made.stdout, r'csv: \{ path: "[^"]*" \}')
                    self.write("made.yaml", made.stdout)
                    done = self.sluice("run", "made.yaml", "-q", "--fresh")
                    self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_german_file_of_the_examples(self):
        rows, shown = self.preview(str(ROOT / "examples/data/shop/sales_german.csv"))
        self.assertEqual([c["name"] for c in shown["columns"]], ["datum", "artikel", "betrag"])
        self.assertEqual([c["type"] for c in shown["columns"]], ["date", "text", "decimal(18,2)"])
        self.write("semi.csv", GERMAN)
        done = self.sluice("preview", "semi.csv")
        self.assertIn('read with  separator: ";"', done.stderr)
        self.assertIn("1234.50", done.stdout)

    def test_standard_input_is_data_or_a_pipeline(self):
        self.write("in", GERMAN)
        with open(self.folder / "in", "rb") as stdin:
            self.assertEqual(len(self.preview("-", stdin=stdin)[0]), 2)
        self.write("semi.csv", "a,b\n1,2\n")
        self.write("in", "# mine\nversion: 1\npipeline: p\nextract:\n  in: { csv: { path: semi.csv } }\nload:\n  out: { from: in, blackhole: {} }\n")
        with open(self.folder / "in", "rb") as stdin:
            self.assertEqual(self.preview("-", stdin=stdin)[0], [["1", "2"]])

    def test_the_command_line_beats_what_a_file_seems_to_be(self):
        self.write("a.csv", "x\na;b\n1;2\n")
        self.assertEqual(self.preview("a.csv", "--separator", ",", "--skip-rows", "0")[0], [["a;b"], ["1;2"]])
        self.assertEqual(self.preview("a.csv", "--separator", ";", "--skip-rows", "1", "--no-header")[0], [["a", "b"], ["1", "2"]])
        self.write("data", '{"a":1}\n')
        self.assertEqual(self.preview("data")[0], [["1"]])
        self.assertEqual(self.preview("data", "--format", "csv", "--no-header")[0], [['{"a":1}']])
        self.assertEqual(self.sluice("preview", "a.csv", "--separator", "").returncode, 0)

    def test_preview_says_why_records_are_rejected(self):
        self.write("a.csv", "a,b\n1,2\n3\n4,5\n6,7\n8,9\n")
        done = self.sluice("preview", "a.csv")
        self.assertIn("1 rejected", done.stderr)
        self.assertIn("rejected  a.csv line 3: expected 2 fields, found 1: 3", done.stderr)
        shown = self.preview("a.csv")[1]
        self.assertEqual(shown["rejected"], 1)

    def run_file(self, content, options="", beside="", verb="run"):
        self.write("semi.csv", content)
        self.write("p.yaml", f"version: 1\npipeline: p\nrejects: {{ allow: 100 }}\nextract:\n  in:\n    csv: {{ path: semi.csv{options} }}\n{beside}"
                             "load:\n  out: { from: in, csv: { path: out.csv } }\n")
        return self.sluice(verb, "p.yaml", *(["--progress", "none"] if verb == "run" else []))

    def test_run_validate_and_explain_name_the_dialect(self):
        for verb in ("run", "validate", "explain"):
            done = self.run_file(GERMAN, verb=verb)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("warning[other_dialect]", done.stderr)
            self.assertIn("'datum;artikel;betrag' has 2 ; and no ,", done.stderr)
            self.assertIn('separator: ";"', done.stderr)
        self.assertIn('separator: ","', self.run_file("a,b\n1,2\n3,4\n", ', separator: ";"').stderr)
        self.assertIn("encoding: latin-1", self.run_file("id,name\n1,Köln\n2,x\n".encode("latin-1")).stderr)
        self.assertIn("skip_rows: 1", self.run_file("Sales of May\na,b,c\n" + "1,2,3\n" * 20).stderr)
        # What is unknown for that reason says so.
        error = self.run_file(GERMAN, beside="    types: { betrag: text }\n").stderr
        self.assertIn("error[unknown_column]", error)
        self.assertIn('separator: ";"', error)
        self.write("p.yaml", (self.folder / "p.yaml").read_text().replace("    types: { betrag: text }\n", "").replace(
            "from: in,", "from: f,").replace("load:", "transform:\n  f: { from: in, filter: \"betrag > 5\" }\nload:"))
        error = self.sluice("validate", "p.yaml").stderr
        self.assertIn("error[unknown_column]", error)
        self.assertIn('separator: ";"', error)
        # A file of one column is what it is.
        self.assertEqual(self.run_file("name\nAnn\nBob\n").stderr.count("warning"), 0)

    def test_a_record_that_is_read_as_the_names_is_told(self):
        rows = "".join(f"{i},n{i},2024-01-{i:02d}\n" for i in range(1, 20))
        for verb in ("run", "validate", "explain"):
            done = self.run_file(rows, verb=verb)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("its first line looks like a record, but is read as the names of the columns: '1,n1,2024-01-01'", done.stderr)
            self.assertIn("header: false", done.stderr)
        for options in (", header: false", ", header: [a, b, c]", ", header: [a, b, c], skip_rows: 1"):
            self.assertNotIn("warning", self.run_file(rows, options).stderr)
        # Years and words are names.
        self.assertNotIn("warning", self.run_file("city,2019,2020\nA,1,2\nB,3,4\n").stderr)
        self.assertNotIn("warning", self.run_file("1st,2nd\n5,6\n7,8\n").stderr)

    def test_one_odd_value_is_named(self):
        lines = ["id,dep_time,x"] + [f"{i},{i + 500},1" for i in range(1000)]
        lines[101], lines[7] = "100,eight,1", "6,506,NA"
        for verb in ("run", "validate", "explain", "preview"):
            done = self.run_file("\n".join(lines) + "\n", verb=verb)
            self.assertIn("column dep_time is text because of 'eight' at line 102 of semi.csv; 1 of 1000 values in the sample is not bigint", done.stderr)
            self.assertIn("types: { dep_time: bigint } rejects such records", done.stderr)
            self.assertIn("column x is text because of 'NA' at line 8 of semi.csv", done.stderr)
            self.assertIn('null_values: ["","NA"] } reads NA as null', done.stderr)
        self.write("p.yaml", (self.folder / "p.yaml").read_text().replace("from: in,", "from: f,").replace(
            "load:", "transform:\n  f: { from: in, filter: \"dep_time > 600\" }\nload:"))
        error = self.assert_error(self.sluice("validate", "p.yaml"), "type_mismatch")
        self.assertIn("types: { dep_time: bigint }", error)
        self.assertNotIn("::", error)
        # Codes and prose are no mistakes.
        self.assertNotIn("warning", self.run_file("zip,t\n01067,a\n10115,b\n80331,3\n").stderr)

    def test_a_file_that_is_no_data_is_named_as_what_it_is(self):
        escape = b"\x1b]0;owned\x07\x1b[2J"
        kinds = {"a.xlsx": (b"PK\x03\x04\x14\0\x06\0" + escape + b"xl/workbook.xml", "Excel workbook"), "a.zip": (b"PK\x03\x04\x14\0a.csv" + escape, "zip"),
                 "a.csv.xz": (b"\xfd7zXZ\0\0\4" + escape, "xz"), "a.7z": (b"7z\xbc\xaf\x27\x1c\0\4" + escape, "7z"), "a.orc": (b"ORC\x11\0" + escape, "ORC"),
                 "a.db": (b"SQLite format 3\0" + escape, "SQLite"), "a.pdf": (b"%PDF-1.7\n" + escape, "PDF"), "a.avro": (b"Obj\x01\x02" + escape, "Avro"),
                 "a.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + escape, "Excel"), "a.png": (b"\x89PNG\r\n\x1a\n" + escape, "PNG"),
                 "a.html": (b"<!DOCTYPE html><html>" + escape, "HTML"), "noext": (b"\x01\x02\0\0" + escape, "no text")}
        for name, (content, what) in kinds.items():
            self.write(name, content)
            self.write("b.csv", content)
            self.write("p.yaml", "version: 1\npipeline: p\nextract:\n  in: { csv: { path: b.csv } }\nload:\n  out: { from: in, csv: { path: out.csv } }\n")
            for done in (self.sluice("preview", name), self.sluice("preview", "b.csv"), self.sluice("run", "p.yaml"), self.sluice("run", name)):
                with self.subTest(name, done=done.args[1:3]):
                    self.assertIn(done.returncode, (1, 2))
                    if what != "no text":
                        self.assertIn(what, done.stderr)
                        self.assertIn("error[foreign_file]", done.stderr)
                    self.assertNotIn("\x1b", done.stderr + done.stdout)
                    self.assertNotIn("\x07", done.stderr + done.stdout)


if __name__ == "__main__":
    unittest.main()
