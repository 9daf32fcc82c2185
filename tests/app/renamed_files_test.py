"""Files that are renamed after they were taken are not taken again."""

import os
import unittest

from command_line import CommandLine


class RenamedFiles(CommandLine):
    def setUp(self):
        super().setUp()
        self.write("p.yaml", "version: 1\npipeline: p\nextract:\n  in:\n    csv: { path: \"in/*.csv\" }\n    incremental: { by: file }\n"
                             "load:\n  out: { from: in, mode: append, csv: { path: out.csv } }\n")

    def taken(self):
        done = self.sluice("run", "p.yaml", "-q")
        self.assertEqual(done.returncode, 0, done.stderr)
        return (self.folder / "out.csv").read_text()

    def test_a_renamed_file_is_known(self):
        self.write("in/a.csv", "a\n1\n")
        self.assertEqual(self.taken(), "a\n1\n")
        os.rename(self.folder / "in/a.csv", self.folder / "in/b.csv")
        self.assertEqual(self.taken(), "a\n1\n")
        # And under its new name it can grow.
        self.write("in/b.csv", "a\n1\n2\n")
        self.assertEqual(self.taken(), "a\n1\n2\n")

    def test_a_copy_under_another_name_is_new(self):
        old = self.write("in/a.csv", "a\n1\n")
        self.taken()
        copy = self.write("in/b.csv", "a\n1\n")
        os.utime(copy, ns=(old.stat().st_mtime_ns,) * 2)
        self.assertEqual(self.taken(), "a\n1\n1\n", "the first file is still there, so this is no renamed one")

    def test_other_bytes_or_another_time_are_new(self):
        old = self.write("in/a.csv", "a\n1\n")
        self.taken()
        time = old.stat().st_mtime_ns
        old.unlink()
        os.utime(self.write("in/b.csv", "a\n2\n"), ns=(time, time))
        os.utime(self.write("in/c.csv", "a\n1\n"), ns=(time, time + 1))
        self.assertEqual(self.taken(), "a\n1\n2\n1\n")


if __name__ == "__main__":
    unittest.main()
