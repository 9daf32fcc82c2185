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

    def refused(self, code, content, target="t.csv", options=""):
        error = self.assert_error(self.append(target, options, content), code, 1)
        self.assertEqual((self.folder / target).read_bytes(), content, "the target was changed")
        self.assertEqual(self.names(), sorted(["p.yaml", "rows.csv", target]), "something was left behind")
        return error

    def test_the_same_columns_follow_the_old_rows(self):
        self.assertEqual(self.appended("t.csv", b"c,a\n8,9\n"), b"c,a\n8,9\n1,2\n")
        self.assertEqual(self.appended("t.csv", b'\xef\xbb\xbf"c",a\r\n8,9'), b'\xef\xbb\xbf"c",a\r\n8,9\n1,2\n')

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

    def test_utf_16_is_refused(self):
        self.refused("invalid_utf8", b"\xff\xfe" + "c,a\n8,9\n".encode("utf-16-le"))


if __name__ == "__main__":
    unittest.main()
