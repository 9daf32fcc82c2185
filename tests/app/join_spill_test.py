"""Joins that need more than run.memory: the same rows in the same order, and no file left behind when the disk is full."""

import random
import resource
import unittest

from command_line import CommandLine

PIPELINE = """\
version: 1
pipeline: large
run: { memory: MEMORY }
extract:
  orders:
    csv: { path: orders.csv }
    types: { id: bigint, customer: bigint }
  customers:
    csv: { path: customers.csv }
    types: { number: bigint, note: text }
transform:
  joined:
    from: [orders, customers]
    join: { how: HOW, on: "orders.customer = customers.number" }
load:
  out:
    from: joined
    csv: { path: out/HOW.csv }
"""


class JoinsThatSpill(CommandLine):
    def setUp(self):
        super().setUp()
        some = random.Random(1)
        # Every tenth row on the right has one key, a tenth of the left's rows have no match.
        self.customers = [(number if number % 10 else 3, some.randbytes(30).hex()) for number in range(30000)]
        self.orders = [(row, some.randrange(33000)) for row in range(40000)]
        self.orders[20000] = (20000, 3)
        self.write("customers.csv", "number,note\n" + "".join(f"{number},{note}\n" for number, note in self.customers))
        self.write("orders.csv", "id,customer\n" + "".join(f"{row},{number}\n" for row, number in self.orders))

    def expected(self, how):
        notes = {}
        for number, note in self.customers:
            notes.setdefault(number, []).append(note)
        lines = ["id,customer" + ("" if how in ("semi", "anti") else ",number,note")]
        for row, number in self.orders:
            found = notes.get(number, [])
            if how in ("semi", "anti"):
                lines += [f"{row},{number}"] if bool(found) == (how == "semi") else []
            else:
                lines += [f"{row},{number},{number},{note}" for note in found]
                lines += [f"{row},{number},,"] if how == "left" and not found else []
        return lines

    def test_the_rows_and_their_order_are_those_of_the_left(self):
        for how in ("inner", "left", "semi", "anti"):
            with self.subTest(how):
                self.write("p.yaml", PIPELINE.replace("MEMORY", "600KiB").replace("HOW", how))
                done = self.sluice("run", "p.yaml")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("  ok", done.stderr)
                self.assertEqual((self.folder / f"out/{how}.csv").read_text().splitlines(), self.expected(how))

    def test_a_full_spill_folder_fails_the_run_with_that_reason_and_leaves_no_file(self):
        self.write("p.yaml", PIPELINE.replace("MEMORY", "600KiB").replace("HOW", "inner"))
        before = self.names()
        limit = 600_000
        done = self.sluice("run", "p.yaml", "--spill", str(self.folder / "spill"),
                           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        self.assertIn("unit joined", self.assert_error(done, "spill_failed", 1))
        self.assertEqual(self.names(), before)


if __name__ == "__main__":
    unittest.main()
