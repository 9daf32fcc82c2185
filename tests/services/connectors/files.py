import json
import itertools

from connectors.connector import Connector

NO_SERVER = "a file has no server and no connection"


class Files(Connector):
    name = "files"
    connected = False
    not_for = {("source", "reconnect"): NO_SERVER, ("source", "restart"): NO_SERVER, ("sink", "reconnect"): NO_SERVER,
               ("sink", "restart"): NO_SERVER, ("source", "unreachable"): NO_SERVER, ("sink", "unreachable"): NO_SERVER}
    numbers = itertools.count()
    again = "incremental: { by: file }"
    merging = "replace"

    def put(self, test, place, rows):
        rows = list(rows)
        half = (len(rows) + 1) // 2
        for some in (rows[:half], rows[half:]):
            test.write(f"{place}/{next(self.numbers):06}.ndjson", "".join(json.dumps(row) + "\n" for row in some))

    def rows(self, test, place):
        return [json.loads(line) for file in sorted((test.folder / place).glob("*.ndjson"))
                for line in file.read_text().splitlines()]

    def source(self, place, **how):
        return f'ndjson: {{ path: "{place}/*.ndjson" }}'

    def sink(self, place, **how):
        return f"ndjson: {{ path: {place}/ }}"

    def missing(self, role):
        # A folder can't be made where a file is.
        return (self.source("nowhere"), "file_not_found") if role == "source" else ("ndjson: { path: p.yaml/x/ }", "")
