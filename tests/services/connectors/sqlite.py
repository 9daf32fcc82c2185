import sqlite3

from connectors.connector import COLUMNS, Connector

NO_SERVER = "a database in a file has no server and no connection"


class Sqlite(Connector):
    name = "sqlite"
    connected = False
    columns = {}
    not_for = {("source", "reconnect"): NO_SERVER, ("source", "restart"): NO_SERVER, ("sink", "reconnect"): NO_SERVER,
               ("sink", "restart"): NO_SERVER, ("source", "unreachable"): NO_SERVER, ("sink", "unreachable"): NO_SERVER,
               ("source", "parallel"): "a table is read by one statement"}
    again = "incremental: { by: column, column: id }"
    merging = "upsert"

    def database(self, test, place):
        return sqlite3.connect(test.folder / f"{place}.db", timeout=60)

    def make(self, test, place, parts=1):
        with self.database(test, place) as database:
            database.execute(f"create table {place} (" + ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items()) + ")")

    def put(self, test, place, rows):
        with self.database(test, place) as database:
            database.executemany(f"insert into {place} values ({', '.join('?' * len(COLUMNS))})",
                                 ([row.get(name) for name in COLUMNS] for row in rows))

    def rows(self, test, place):
        with self.database(test, place) as database:
            return [dict(zip(COLUMNS, row)) for row in database.execute(f"select {', '.join(COLUMNS)} from {place}")]

    def source(self, place, **how):
        return f"sqlite: {{ path: {place}.db, table: {place} }}"

    def sink(self, place, **how):
        return f"sqlite: {{ path: {place}.db, table: {place}, create: never }}"

    def missing(self, role):
        return getattr(self, role)("nothing"), "file_not_found" if role == "source" else "unknown_table"
