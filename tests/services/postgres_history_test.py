"""Modes scd2 and merge of the postgres sink: random histories beside a model."""

import unittest

from command_line import CommandLine
from history_cases import HistoryCases
from postgres_server import Server


class PostgresHistory(HistoryCases, CommandLine):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server())

    def setUp(self):
        super().setUp()
        self.database = self.server.connect()
        self.addCleanup(lambda: self.database.close())
        self.database.run("drop schema public cascade; create schema public")
        self.sink = f'postgres: {{ url: "postgresql://postgres@127.0.0.1:{self.server.port}/postgres", table: dim }}'

    def query(self, sql):
        numbers = {"id"}
        found = self.database.run(sql)
        whole = sql.startswith("select id")
        return [tuple((int(value) if whole and at == 0 else {"t": True, "f": False}.get(value, value) if whole and at == 7 else value)
                      for at, value in enumerate(row)) for row in found] if numbers else []

    def execute(self, sql):
        self.database.run(sql)


if __name__ == "__main__":
    unittest.main()
