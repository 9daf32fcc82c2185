"""What the tests of sources that remember share."""

import json
import sqlite3

from command_line import CommandLine, events

BY_FILE = """\
version: 1
pipeline: daily
extract:
  orders:
    csv: { path: "in/*.csv" }
    incremental: { by: file }
load:
  table:
    from: orders
    sqlite: { path: shop.db, table: orders }
    mode: append
"""

BY_COLUMN = BY_FILE.replace("{ by: file }", "{ by: column, column: id }")


class Incremental(CommandLine):
    def loaded(self, columns="id"):
        with sqlite3.connect(self.folder / "shop.db") as database:
            rows = database.execute(f"select {columns} from orders order by 1").fetchall()
        return [row[0] if columns == "id" else row for row in rows]

    def run_it(self, *words, code=0):
        done = self.sluice("run", "p.yaml", *words)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr

    def run_events(self):
        return events(self.sluice("run", "p.yaml", "--json").stdout)

    def state_of(self, unit="orders"):
        shown = json.loads(self.sluice("state", "show", "daily", "--json").stdout)
        return next(one for one in shown["units"] if one["unit"] == unit)
