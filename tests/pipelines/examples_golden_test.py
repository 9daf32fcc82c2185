"""The golden files of the examples that read flights, got independently: only the csv module, no Sluice, no Arrow."""

import collections
import csv
import pathlib
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = pathlib.Path(__file__).with_name("examples")


def flights():
    """The records that have as many fields as the header."""
    with open(ROOT / "examples/data/flights_2013_01.csv", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        for record in reader:
            if len(record) == len(header):
                yield dict(zip(header, record))


class Golden(unittest.TestCase):
    def compare(self, name, rows):
        with open(GOLDEN / name, newline="") as file:
            golden = list(csv.reader(file))[1:]
        self.assertEqual(golden, [[str(value) for value in row] for row in rows])

    def test_delay_of_carriers(self):
        count, delay = collections.Counter(), collections.Counter()
        for flight in flights():
            count[flight["carrier"]] += 1
            if flight["arr_delay"] not in ("", "NA"):
                delay[flight["carrier"]] += int(flight["arr_delay"])
        self.compare("aggregate_parallel/by_carrier.csv", [(key, count[key], delay[key]) for key in sorted(count)])

    def test_miles_by_origin(self):
        count, miles = collections.Counter(), collections.Counter()
        for flight in flights():
            if flight["distance"].isdigit():
                count[flight["origin"]] += 1
                miles[flight["origin"]] += int(flight["distance"])
        self.compare("order_any/by_origin.csv", [(key, count[key], miles[key]) for key in sorted(count)])


if __name__ == "__main__":
    unittest.main()
