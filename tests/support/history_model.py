"""What mode scd2 and mode merge do to a table, as plain Python."""


class History:
    """Versions are [valid_from, valid_to); None is open."""

    def __init__(self, key, tracked, others):
        self.key, self.tracked, self.others = key, tracked, others
        self.versions = {}  # key -> list of dicts, by valid_from

    def load(self, rows, gone_at=None):
        """Takes (row, time) pairs; of pairs with one key and time the last one counts."""
        last = {}
        for row, at in rows:
            last[(tuple(row[name] for name in self.key), at)] = row
        for (key, at), row in sorted(last.items(), key=lambda each: each[0][1]):
            self.take(key, at, row)
        if gone_at is not None:
            self.close({key for key, _ in last}, gone_at)

    def take(self, key, at, row):
        versions = self.versions.setdefault(key, [])
        holding = next((v for v in versions if v["valid_from"] <= at and (v["valid_to"] is None or at < v["valid_to"])), None)
        if holding and holding["valid_from"] == at:
            holding.update(row)
            return
        if holding and all(holding[name] == row[name] for name in self.tracked):
            holding.update({name: row[name] for name in self.others})
            return
        if holding:
            end, holding["valid_to"] = holding["valid_to"], at
        else:
            end = min((v["valid_from"] for v in versions if v["valid_from"] > at), default=None)
        versions.append({**row, "valid_from": at, "valid_to": end})
        versions.sort(key=lambda v: v["valid_from"])

    def close(self, present, at):
        for key, versions in self.versions.items():
            if key in present:
                continue
            versions[:] = [v for v in versions if v["valid_from"] != at]
            for version in versions:
                if version["valid_from"] < at and (version["valid_to"] is None or version["valid_to"] > at):
                    version["valid_to"] = at

    def rows(self):
        return sorted((tuple(v[name] for name in (*self.key, *self.tracked, *self.others)) + (v["valid_from"], v["valid_to"], v["valid_to"] is None)
                       for versions in self.versions.values() for v in versions), key=str)


class Merged:
    """Rows by key, of which a row may delete and others set some columns."""

    def __init__(self, key, columns, updated):
        self.key, self.columns, self.updated = key, columns, updated
        self.table = {}

    def load(self, rows):
        """Takes (row, deletes) pairs; of pairs with one key the last one counts."""
        last = {tuple(row[name] for name in self.key): (row, deletes) for row, deletes in rows}
        for key, (row, deletes) in last.items():
            if deletes:
                self.table.pop(key, None)
            elif key in self.table:
                self.table[key].update({name: row[name] for name in self.updated})
            else:
                self.table[key] = {name: row[name] for name in self.columns}

    def rows(self):
        return sorted((tuple(row[name] for name in self.columns) for row in self.table.values()), key=str)


def check_versions(test, versions):
    """Versions of a key neither overlap nor are empty, and at most one is open; (key, valid_from, valid_to) each."""
    by_key = {}
    for key, begin, end in versions:
        by_key.setdefault(key, []).append((begin, end))
    for key, spans in by_key.items():
        spans.sort()
        for begin, end in spans:
            test.assertTrue(end is None or begin < end, (key, spans))
        for (_, end), (begin, _) in zip(spans, spans[1:]):
            test.assertTrue(end is not None and end <= begin, (key, spans))
