"""Text in Parquet and Arrow files that is not UTF-8: whoever wrote it called bytes text."""

import unittest

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from command_line import CommandLine


def called_text(values):
    """Bytes as a column of texts, which pyarrow would refuse."""
    array = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(array), array.buffers())


class ColumnarText(CommandLine):
    def run_both(self, column):
        table = pa.table({"id": pa.array(range(len(column))), "a": column})
        pa.parquet.write_table(table, self.folder / "in.parquet", use_dictionary=False)
        with pa.ipc.new_file(self.folder / "in.arrow", table.schema) as out:
            out.write_table(table)
        for component, name, code in (("parquet", "in.parquet", "invalid_utf8"), ("ipc", "in.arrow", "corrupt_file")):
            self.write("p.yaml", f"version: 1\npipeline: p\nextract:\n  in: {{ {component}: {{ path: {name} }} }}\n"
                                 "load:\n  out: { from: in, ndjson: { path: out.ndjson } }\n")
            yield self.sluice("run", "p.yaml", "-q"), code

    def test_bytes_that_are_no_utf_8_fail_the_run(self):
        for values in ([b"ok", b"\xff\xfe"], ["\u00e4".encode()[:1], "\u00e4".encode()[1:]]):
            for done, code in self.run_both(called_text(values)):
                self.assertIn("UTF", self.assert_error(done, code, 1))
                self.assertFalse((self.folder / "out.ndjson").exists())

    def test_lists_of_them_too(self):
        offsets = pa.array([0, 1, 2], pa.int32())
        for done, code in self.run_both(pa.ListArray.from_arrays(offsets, called_text([b"ok", b"\xc3"]))):
            self.assert_error(done, code, 1)

    def test_utf_8_comes_in(self):
        for done, _ in self.run_both(pa.array(["\u00e4", "", None, "\U0001f600"])):
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(len((self.folder / "out.ndjson").read_text().splitlines()), 4)


if __name__ == "__main__":
    unittest.main()
