import json
import subprocess

from connectors.connector import COLUMNS, Connector
from postgres_server import SCRIPT, Server


class Postgres(Connector):
    name = "postgres"
    columns = {}
    again = "incremental: { by: column, column: id }"
    merging = "upsert"

    def __init__(self, stack):
        self.server = stack.enter_context(Server())

    def run(self, sql):
        connection = self.server.connect()
        try:
            return connection.run(sql)
        finally:
            connection.close()

    def url(self, port=None):
        return f"postgresql://postgres@127.0.0.1:{port or self.server.port}/postgres"

    def make(self, test, place, parts=1):
        names = {"decimal(12,2)": "numeric(12,2)", "double": "double precision"}
        self.run(f"create table {place} (" + ", ".join(f"{name} {names.get(kind, kind)}" for name, kind in COLUMNS.items()) + ")")

    def put(self, test, place, rows):
        text = json.dumps(list(rows)).replace("'", "''")
        self.run(f"insert into {place} select * from json_populate_recordset(null::{place}, '{text}')")

    def rows(self, test, place):
        return [json.loads(row) for (row,) in self.run(f"select row_to_json(t) from {place} t")]

    def source(self, place, parts=1, through=None, **how):
        partition = f", partition: {{ column: id, parts: {parts} }}" if parts > 1 else ""
        return f'postgres: {{ url: "{self.url(through)}", table: {place}{partition} }}'

    def sink(self, place, **how):
        return f'postgres: {{ url: "{self.url()}", table: {place}, create: never }}'

    def missing(self, role):
        return getattr(self, role)("no_such_table"), "unknown_table"

    def unreachable(self, role):
        return getattr(self, role)("any").replace(self.url(), self.url(1)), "cannot_connect"

    def cut(self):
        self.run("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and usename = 'postgres'")

    def restart(self):
        for action in ("stop", "start"):
            # A file for its output: what the server inherits would keep a pipe open.
            with open(self.server.folder / "restart.log", "w") as log:
                subprocess.run([SCRIPT, action, self.server.folder, str(self.server.port)], check=True, stdin=subprocess.DEVNULL,
                               stdout=log, stderr=log)
