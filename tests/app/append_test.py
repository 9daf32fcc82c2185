"""`mode: append` to text files: the old content decides which columns, and nothing runs into its last line."""

import gzip
import unittest

from command_line import CommandLine


class Append(CommandLine):
    def append(self, target, options="", content=None, component="csv"):
        """Appends c, a = 1, 2 to a target that holds `content`."""
        self.write("rows.csv", "c,a\n1,2\n")
        if content is not None:
            self.write(target, content)
        self.write("p.yaml", "version: 1\npipeline: p\nextract:\n  in: { csv: { path: rows.csv } }\n"
                             f"load:\n  out: {{ from: in, mode: append, {component}: {{ path: {target}{options} }} }}\n")
        return self.sluice("run", "p.yaml", "-q")

    def appended(self, target, content, options="", component="csv"):
        done = self.append(target, options, content, component)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = (self.folder / target).read_bytes()
        return gzip.decompress(found) if target.endswith(".gz") else found

    def refused(self, code, content, target="t.csv", options="", component="csv"):
        error = self.assert_error(self.append(target, options, content, component), code, 1)
        self.assertEqual((self.folder / target).read_bytes(), content, "the target was changed")
        self.assertEqual(self.names(), sorted(["p.yaml", "rows.csv", target]), "something was left behind")
        return error

    def test_the_same_columns_follow_the_old_rows(self):
        self.assertEqual(self.appended("t.csv", b"c,a\n8,9\n"), b"c,a\n8,9\n1,2\n")
        self.assertEqual(self.appended("t.csv", b'\xef\xbb\xbf"c",a\n8,9'), b'\xef\xbb\xbf"c",a\n8,9\n1,2\n')

    def test_the_line_ends_are_those_of_the_file(self):
        for old in (b"c,a\r\n8,9\r\n", b"c,a\r\n8,9", b"c,a\r8,9\r", b"c,a\r8,9", b"c,a\r\n", b"c,a\r",
                    b'c,a\r\n"8\n","9\n"\r\n', b'c,a\n"8\r\n","9\r\n"\n', b"c,a\r\n8,9\r\n\r\n"):
            for options in ("", ", line_end: crlf"):
                with self.subTest(old + options.encode()):
                    end = b"\r\n" if b"a\r\n" in old else b"\r" if b"a\r" in old else b"\n"
                    whole = old if old.endswith(end) else old + end
                    self.assertEqual(self.appended("t.csv", old, options), whole + b"1,2" + end)
        self.assertEqual(self.appended("t.csv.gz", gzip.compress(b"c,a\r\n8,9")), b"c,a\r\n8,9\r\n1,2\r\n")
        self.assertEqual(self.appended("t.csv", b"c,a", ", line_end: crlf"), b"c,a\r\n1,2\r\n")
        self.assertEqual(self.appended("t.csv", b"", ", line_end: crlf"), b"c,a\r\n1,2\r\n")
        for old in (b'{"c":8}\r\n', b'{"c":8}\r\n{"c":9}'):
            whole = old if old.endswith(b"\n") else old + b"\r\n"
            self.assertEqual(self.appended("t.ndjson", old, component="ndjson"), whole + b'{"c":1,"a":2}\r\n')

    def test_a_target_without_records_gets_its_header(self):
        self.assertEqual(self.appended("t.csv", b""), b"c,a\n1,2\n")
        self.assertEqual(self.appended("u.csv", None), b"c,a\n1,2\n")

    def test_other_columns_are_refused_and_the_hint_mends_it(self):
        error = self.refused("different_columns", b"a,c\n9,8\n")
        self.assertIn("select: [a, c]", error)
        self.write("p.yaml", (self.folder / "p.yaml").read_text().replace("load:", "transform:\n  t: { from: in, select: [a, c] }\nload:")
                   .replace("from: in, mode", "from: t, mode"))
        done = self.sluice("run", "p.yaml", "-q")
        self.assertEqual((done.returncode, (self.folder / "t.csv").read_bytes()), (0, b"a,c\n9,8\n2,1\n"), done.stderr)
        self.refused("different_columns", b"a,b,c\n7,8,9\n")
        self.refused("different_columns", b"c;a\n8;9\n")

    def test_without_header_the_number_of_fields_counts(self):
        self.assertEqual(self.appended("t.csv", b"8,9\n", ", header: false"), b"8,9\n1,2\n")
        self.refused("different_columns", b"7,8,9\n", options=", header: false")

    def test_a_packed_target_is_looked_into(self):
        self.assertEqual(self.appended("t.csv.gz", gzip.compress(b"c,a\n8,9")), b"c,a\n8,9\n1,2\n")
        self.assertEqual(self.appended("t.ndjson.gz", gzip.compress(b'{"c":8}'), component="ndjson"), b'{"c":8}\n{"c":1,"a":2}\n')
        for target in ("t.csv.gz", "t.ndjson.gz"):
            (self.folder / target).unlink()
        self.refused("different_columns", gzip.compress(b"a\n9\n"), "t.csv.gz")
        self.refused("corrupt_file", gzip.compress(b"c,a\n8,9\n")[:-3], "t.csv.gz")

    def test_another_encoding_is_refused(self):
        text = "c,a\nä,9\n"
        for code in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"):
            with self.subTest(code):
                self.refused("invalid_utf8", text.encode(code))
        late = b"c,a\n" + b"8,9\n" * 300_000 + "ä,9\n".encode("latin-1")
        self.refused("invalid_utf8", late)
        self.refused("invalid_utf8", "c,a\nä".encode()[:-1])
        (self.folder / "t.csv").unlink()
        self.refused("invalid_utf8", gzip.compress(text.encode("latin-1")), "t.csv.gz")
        (self.folder / "t.csv.gz").unlink()
        self.refused("invalid_utf8", '{"c":"ä"}\n'.encode("latin-1"), "t.ndjson", component="ndjson")
        self.refused("invalid_utf8", '{"c":"ä"}\n'.encode("utf-16"), "t.ndjson", component="ndjson")
        split = ("c,a\n" + "ä,9\n" * 300_000).encode()  # characters that are cut by every size of block
        self.assertEqual(self.appended("t.ndjson.csv", split), split + b"1,2\n")

    def test_plain_text_behind_a_packed_file_is_refused_and_the_other_way_round(self):
        self.refused("invalid_utf8", gzip.compress(b"c,a\n8,9\n"))
        self.refused("corrupt_file", b"c,a\n8,9\n", options=", compression: gzip")
        (self.folder / "t.csv").unlink()
        self.refused("invalid_utf8", gzip.compress(b"c,a\n8,9\n"), "t.csv.gz", ", compression: none")

    def test_another_separator_or_quote_is_refused(self):
        for old in (b"c;a\n8;9\n", b"c,a\n'x,y',9\n", b"c,a\n8,9\n7\n", b'c,a\n8,9\n"7,8\n', b"c,a\n" + b"8,9\n" * 100_000 + b"1,2,3\n"):
            with self.subTest(old[:20]):
                self.append("t.csv", "", old)
                self.assertEqual((self.folder / "t.csv").read_bytes(), old)
        error = self.refused("different_columns", b"c,a\n8,9\n7\n")
        self.assertIn("record 3", error)
        self.assertEqual(self.appended("t.csv", b"c;a\n8;9\n", ", separator: ';'"), b"c;a\n8;9\n1;2\n")

    def test_a_json_document_is_no_file_of_lines(self):
        for old in (b'[{"c":8}]', b'[\n{"c":8}\n]\n', b' \n[1]\n', b'{\n  "c": 8\n}\n', b'{"c":8', b'{"c":{}\n}\n', b'{"c":8}\n]\n', b'{"c":8},\n{"c":9}\n',
                    b"c,a\n8,9\n", b'{"c":8}x}\n', b'{"c":8}\n{"c":9}}\n', b'\x1e{"c":8}\n'):
            for target, pack in (("t.ndjson", bytes), ("t.ndjson.gz", gzip.compress)):
                with self.subTest(old + target.encode()):
                    self.refused("different_format", pack(old), target, component="ndjson")
                    (self.folder / target).unlink()
        for old in (b'{"c":8}', b' {"c":[1,{"x":"}"}]} \n\n', b"", b'\xef\xbb\xbf{"c":8}\n', b"\n"):
            whole = old if not old or old.endswith(b"\n") else old + b"\n"
            self.assertEqual(self.appended("t.ndjson", old, component="ndjson"), whole + b'{"c":1,"a":2}\n')


if __name__ == "__main__":
    unittest.main()
