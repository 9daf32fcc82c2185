"""Bad input gets a clear error, and nothing half-written stays behind."""

import os
import socket
import unittest

from command_line import ORDERS, STARTER, CommandLine


class BadInput(CommandLine):
    def setUp(self):
        super().setUp()
        self.write("orders.csv", ORDERS)
        self.write("orders.yaml", STARTER)

    def refused(self, code, old="", new="", text=None, exit_code=2):
        """Runs the starter with a change; nothing may be written beside its input."""
        self.write("orders.yaml", text if text is not None else STARTER.replace(old, new) if old else STARTER)
        before = self.names()
        error = self.assert_error(self.sluice("run", "orders.yaml"), code, exit_code)
        self.assertEqual(self.names(), before)
        return error

    def test_no_pipeline(self):
        self.assert_error(self.sluice("run", "nothing.yaml"), "file_not_found")

    def test_missing_file(self):
        error = self.refused("file_not_found", "orders.csv", "order.csv")
        self.assertIn("order.csv", error)

    def test_unreadable_file(self):
        (self.folder / "orders.csv").chmod(0)
        other = {}
        if os.geteuid() == 0:  # root may read everything
            other = {"user": 65534}
            os.chown(self.folder, 65534, 65534)
        try:
            done = self.sluice("run", "orders.yaml", **other)
        except PermissionError:
            self.skipTest("another user may not enter the folder of the program")
        error = self.assert_error(done, "permission_denied")
        self.assertIn("orders.csv", error)

    def test_empty_file(self):
        self.write("orders.csv", "")
        self.refused("empty_file")

    def test_header_only_file_gives_no_rows(self):
        self.write("orders.csv", ORDERS.splitlines()[0] + "\n")
        done = self.sluice("run", "orders.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / "out/paid.ndjson").read_text(), "")

    def test_unknown_column_names_the_nearest(self):
        error = self.refused("unknown_column", "status =", "statsu =")
        self.assertIn("status", error)
        self.assertIn("orders.yaml:11:", error)

    def test_type_mismatch(self):
        error = self.refused("type_mismatch", "status = 'paid'", "amount = 'paid' || status")
        self.assertIn("orders.yaml:11:", error)

    def test_cycle(self):
        self.refused("cycle", text=STARTER.replace("from: orders\n    filter", "from: again\n    filter")
                     .replace("load:", "  again:\n    from: paid\n    limit: 5\nload:"))

    def test_unit_nobody_reads(self):
        self.refused("unread_unit", text=STARTER.replace("load:", "  lonely:\n    from: orders\n    limit: 5\nload:"))

    def test_duplicate_names(self):
        self.refused("duplicate_unit", "  paid:", "  orders:")

    def test_wrong_yaml(self):
        self.refused("invalid_yaml", "{ path: orders.csv }", "{ path: orders.csv")

    def test_unknown_key(self):
        error = self.refused("unknown_key", "    from: orders", "    form: orders")
        self.assertIn("from", error)

    def test_overflow_fails_the_run(self):
        error = self.refused("numeric_overflow", "filter: \"status = 'paid'\"",
                             "derive: { big: \"9223372036854775807 + order_id\" }", exit_code=1)
        self.assertIn("unit paid", error)

    def test_division_by_zero_fails_the_run(self):
        self.refused("division_by_zero", "filter: \"status = 'paid'\"", "derive: { x: \"1 / (order_id - 1)\" }", exit_code=1)

    def test_a_failing_record_is_named_by_file_line_and_content(self):
        self.write("parts.csv", "id,n\n1,5\n2,0\n3,1\n")
        self.write("kinds.csv", "id,kind\n1,A\n2,B\n3,A\n")
        pipeline = """version: 1
pipeline: shares
extract:
  parts: { csv: { path: parts.csv } }
  kinds: { csv: { path: kinds.csv } }
transform:
  known: { from: [parts, kinds], join: { how: left, on: "parts.id = kinds.id" } }
  shares:
    from: known
    steps:
      - filter: "id > 0"
      - derive: { share: "100 / n" }
load:
  out: { from: shares, csv: { path: out.csv } }
"""
        error = self.refused("division_by_zero", text=pipeline, exit_code=1)
        self.assertIn('unit shares: parts.csv line 3: column share: division by zero: 100 / 0; '
                      'the row: {"id":2,"n":0,"kind":"B"}', error)
        # A row that an aggregate made has no line; its content says which one it is.
        pipeline = pipeline.replace('- derive: { share: "100 / n" }',
                                    '- aggregate: { by: [kind], compute: { sum: "sum(n)" } }\n'
                                    '      - derive: { share: "100 / sum" }')
        self.assertIn('the row: {"kind":"B","sum":0}', self.refused("division_by_zero", text=pipeline, exit_code=1))

    def test_a_folder_that_can_not_be_made(self):
        self.write("out", "a file in the way")
        self.refused("not_a_folder", exit_code=1)

    def test_disk_full(self):
        self.write("orders.yaml", STARTER.replace("out/paid.ndjson", "/dev/full"))
        done = self.sluice("run", "orders.yaml")
        self.assertEqual(done.returncode, 1, done.stderr)

    def test_state_folder_that_can_not_be_made(self):
        self.write("file", "")
        done = self.sluice("run", "orders.yaml", "--state", "file/state")
        self.assert_error(done, "not_a_folder", 1)

    def test_nothing_listens_there(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        for words in (["status", "last"], ["runs"], ["events"], ["rejects"], ["nodes"], ["submit", "orders.yaml"], ["cancel", "last"]):
            done = self.sluice(*words, "--to", f"127.0.0.1:{port}")
            self.assert_error(done, "node_unreachable", 4)

    def test_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = f"127.0.0.1:{taken.getsockname()[1]}"
            self.assert_error(self.sluice("node", "--http", port, "--listen", "127.0.0.1:0"), "port_in_use", 1)
            self.assert_error(self.sluice("node", "--listen", port, "--http", "127.0.0.1:0"), "port_in_use", 1)

    def test_a_node_that_can_not_be_joined(self):
        done = self.sluice("node", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--join", "127.0.0.1:1")
        self.assert_error(done, "join_failed", 4)
        self.assertEqual(done.stdout, "")

    def test_an_address_that_is_not_this_machine(self):
        self.assert_error(self.sluice("node", "--listen", "192.0.2.1:7070"), "tls_required")

    def test_an_address_that_is_none(self):
        self.assertEqual(self.sluice("runs", "--to", "here").returncode, 2)


if __name__ == "__main__":
    unittest.main()
