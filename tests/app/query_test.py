"""sluice query: tables of files, formats of the answer, and errors that point into the statement."""

import json
import unittest

from command_line import CommandLine

ORDERS = "id,country,amount\n1,DE,10.50\n2,FR,20.00\n3,DE,5.25\n"


class Query(CommandLine):
    def setUp(self):
        super().setUp()
        self.write("orders.csv", ORDERS)
        self.write("names.ndjson", '{"country":"DE","name":"Germany"}\n{"country":"FR","name":"France"}\n')

    def ask(self, *words):
        return self.sluice("query", "-q", *words)

    def test_rows_are_json_in_a_pipe_and_csv_if_asked_for(self):
        statement = "select country, sum(amount) as revenue from orders group by country order by country"
        done = self.ask(statement, "orders.csv")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([json.loads(line)["country"] for line in done.stdout.splitlines()], ["DE", "FR"])
        self.assertEqual(self.ask(statement, "orders.csv", "--csv").stdout, "country,revenue\nDE,15.75\nFR,20.00\n")
        self.assertEqual(self.ask(statement, "orders.csv", "--json").stdout, done.stdout)

    def test_tables_are_named_by_files_by_the_command_or_in_from(self):
        wanted = "name\nGermany\n"
        for words in (["select n.name from orders o join names n using (country) where o.id = 1", "orders.csv", "names.ndjson"],
                      ["select y.name from x join y using (country) where x.id = 1", "x=orders.csv", "y=names.ndjson"],
                      ["select n.name from 'orders.csv' o join './names.ndjson' n on n.country = o.country where o.id = 1"]):
            done = self.ask(*words, "--csv")
            self.assertEqual((done.returncode, done.stdout), (0, wanted), done.stderr)

    def test_errors_point_into_the_statement(self):
        for statement, code, place, hint in (
                ("select amonut\nfrom orders", "unknown_column", "query:1:8", "did you mean `amount`?"),
                ("select id\nfrom orders\nwhere upper(id) = 'x'", "type_mismatch", "query:3:13", "cast it"),
                ("select country, sum(amount)\nfrom orders group by country having id > 1", "invalid_expression", "query:2:37", "group by"),
                ("select * from ordres", "unknown_unit", "query:1:15", "did you mean `orders`?"),
                ("select o.id, p.id from orders o join orders p on o.id = p.id", "duplicate_column", "query:1:14", "as other_name"),
                ("select * from orders limit x", "invalid_expression", "query:1:28", "limit 10"),
                ("select * from orders where id in (select id from orders) or id = 3", "not_supported_yet", "query:1:31", "condition"),
                ("update orders set id = 1", "not_supported_yet", "query:1:1", "select")):
            done = self.ask(statement, "orders.csv")
            self.assertEqual((done.returncode, done.stdout), (2, ""), statement)
            self.assertIn(f"error[{code}] {place}", done.stderr, statement)
            self.assertIn(hint, done.stderr, statement)

    def test_a_table_without_a_file_is_explained(self):
        done = self.ask("select * from orders")
        self.assertEqual(done.returncode, 2)
        self.assertIn("orders=FILE", done.stderr)
        self.assertIn("from 'orders.csv'", self.ask("select * from orders.csv").stderr)
        self.write("p.yaml", "version: 1\npipeline: p\n")
        self.assertIn("sluice preview p.yaml", self.ask("select * from p", "p.yaml").stderr)
        self.assertIn("file_not_found", self.ask("select * from x", "x.csv").stderr)

    def test_records_that_can_not_be_read_are_left_out_and_told(self):
        self.write("bad.csv", ORDERS + "4,DE\n")
        done = self.ask("select count(*) as n from bad", "bad.csv", "--csv")
        self.assertEqual((done.returncode, done.stdout), (3, "n\n3\n"))
        self.assertIn("line 5", done.stderr)

    def test_nothing_is_kept_of_a_query(self):
        self.ask("select * from orders", "orders.csv")
        self.assertEqual(json.loads(self.sluice("runs", "--json").stdout or "[]") or [], [])


if __name__ == "__main__":
    unittest.main()
