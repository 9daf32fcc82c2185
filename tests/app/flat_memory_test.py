"""A hundred million rows flow through in memory that does not grow with their number."""

import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ["SLUICE_BINARY"]
LIMIT = 300 * 1000 * 1000


@unittest.skipIf("sanitize" in BINARY, "AddressSanitizer's shadow memory is not ours")
class FlatMemory(unittest.TestCase):
    def peak_of(self, *arguments):
        """The peak resident bytes of the largest process of one run."""
        with tempfile.TemporaryDirectory() as state:
            process = subprocess.Popen([BINARY, "--state", state, "run", *arguments, "-q"], cwd=ROOT)
            _, status, usage = os.wait4(process.pid, 0)
            self.assertEqual(os.waitstatus_to_exitcode(status), 0)
            return usage.ru_maxrss * 1024

    def test_a_hundred_million_rows_through_filter_and_aggregate(self):
        self.assertLess(self.peak_of("config/examples/generate_flat_memory.yaml"), LIMIT)

    def test_a_sink_slowed_to_a_crawl(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "crawl.yaml"
            path.write_text("version: 1\npipeline: crawl\n"
                            "extract: { numbers: { generate: { rows: 20000000, columns: { id: sequence } } } }\n"
                            "transform: { some: { from: numbers, filter: 'id % 2 = 0' } }\n"
                            "load: { out: { from: some, blackhole: { rate: 5000000 } } }\n")
            self.assertLess(self.peak_of(str(path)), LIMIT)

    def test_a_parquet_file_of_any_length(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "long.yaml"
            path.write_text("version: 1\npipeline: long\n"
                            "extract: { numbers: { generate: { rows: 20000000, columns: "
                            "{ id: sequence, amount: { random: [0.0, 1.0e+9] }, kind: { random: [0, 99] } } } } }\n"
                            f"load: {{ out: {{ from: numbers, parquet: {{ path: {folder}/long.parquet }} }} }}\n")
            self.assertLess(self.peak_of(str(path)), 200 * 1000 * 1000)


if __name__ == "__main__":
    unittest.main()
