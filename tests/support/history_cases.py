"""Random histories through the modes scd2 and merge of a table sink, beside the model; for each database."""

import random

from history_model import History, Merged, check_versions

SCD2 = """\
version: 1
pipeline: dimension
params: {{ day: {{ type: date, default: 2024-01-01 }} }}
extract:
  rows: {{ csv: {{ path: in.csv }}, types: {{ id: bigint, part: text, name: text, city: text, note: text, at: date }} }}
transform:
  some: {{ from: rows, {select} }}
load:
  table: {{ from: some, {sink}, mode: scd2, key: [id, part], scd2: {{ tracked: [name, city], at: "{at}", gone: {gone}, surrogate: sk }} }}
"""

MERGE = """\
version: 1
pipeline: merged
extract:
  rows: {{ csv: {{ path: in.csv }}, types: {{ id: bigint, name: text, city: text, gone: boolean }} }}
load:
  table: {{ from: rows, {sink}, mode: merge, key: [id], merge: {{ delete_when: "gone"{update} }} }}
"""

DAYS = [f"2024-02-{day:02}" for day in range(1, 29)]


def line(*values):
    return ",".join("" if value is None else str(value) for value in values) + "\n"


class HistoryCases:
    """Needs sink (the component and its options in YAML), query(sql) and execute(sql); the table is called dim."""

    def random_row(self, pick, many):
        return {"id": pick.randrange(many), "part": pick.choice("ab"), "name": pick.choice(["x", "y", "z", None]),
                "city": pick.choice(["u", "v"]), "note": pick.choice(["n1", "n2", None])}

    def load(self, text, rows, *words):
        self.write("p.yaml", text)
        self.write("in.csv", rows)
        done = self.sluice("run", "p.yaml", "-q", *words)
        self.assertEqual(done.returncode, 0, done.stderr)

    def compare(self, model, label):
        found = [(id, part, name, city, note, str(begin), None if end is None else str(end), bool(current))
                 for id, part, name, city, note, begin, end, current in
                 self.query("select id, part, name, city, note, valid_from, valid_to, is_current from dim")]
        self.assertEqual(sorted(found, key=str), sorted(model.rows(), key=str), label)
        check_versions(self, [((row[0], row[1]), row[5], row[6]) for row in found])
        keys = self.query("select count(*), count(distinct sk), min(length(sk)) from dim")[0]
        self.assertEqual(int(keys[0]), int(keys[1]), "surrogates differ")
        self.assertIn(str(keys[2]), ("32", "None"))

    def test_changes_in_any_order_of_time(self):
        for seed in range(4):
            pick = random.Random(seed)
            model = History(["id", "part"], ["name", "city"], ["note"])
            self.execute("drop table if exists dim")
            text = SCD2.format(sink=self.sink, at="at", gone="keep", select="select: [id, part, name, city, note, at]")
            text = text.replace("transform:\n", "").replace("  some: { from: rows, select: [id, part, name, city, note, at] }\n", "").replace("from: some", "from: rows")
            for load in range(4):
                rows = [(self.random_row(pick, 5), pick.choice(DAYS)) for _ in range(40)]
                for again in range(2 if load == 2 else 1):
                    self.load(text, "id,part,name,city,note,at\n" + "".join(line(*row.values(), at) for row, at in rows))
                    model.load([({**row, "at": at}, at) for row, at in rows])
                    self.compare(model, (seed, load, again))

    def test_whole_extracts_close_what_is_gone(self):
        for seed in range(4):
            pick = random.Random(seed)
            model = History(["id", "part"], ["name", "city"], ["note"])
            self.execute("drop table if exists dim")
            text = SCD2.format(sink=self.sink, at="$day", gone="close", select="select: [id, part, name, city, note]")
            days = pick.sample(DAYS, 5)
            for day in [*days, days[-1]]:
                rows = {(row["id"], row["part"]): row for row in (self.random_row(pick, 8) for _ in range(10))}
                for again in range(2):
                    self.load(text, "id,part,name,city,note,at\n" + "".join(line(*row.values(), "") for row in rows.values()), "--set", f"day={day}")
                    model.load([(row, day) for row in rows.values()], day)
                    self.compare(model, (seed, day, again))
            self.load(text, "id,part,name,city,note,at\n", "--set", "day=2024-03-01")
            model.load([], "2024-03-01")
            self.compare(model, (seed, "an empty extract closes all"))

    def test_merge(self):
        for seed, update in enumerate(["", ", update: [city]"]):
            pick = random.Random(seed)
            model = Merged(["id"], ["id", "name", "city"], ["city"] if update else ["name", "city"])
            self.execute("drop table if exists dim")
            for load in range(4):
                rows = []
                for _ in range(30):
                    row = self.random_row(pick, 12)
                    deletes = pick.random() < 0.3
                    rows.append(({"id": row["id"], "name": None if deletes else row["name"], "city": None if deletes else row["city"]}, deletes))
                self.load(MERGE.format(sink=self.sink, update=update),
                          "id,name,city,gone\n" + "".join(line(*row.values(), str(deletes).lower()) for row, deletes in rows))
                model.load(rows)
                found = sorted(((id, name, city) for id, name, city in self.query("select id, name, city from dim")), key=str)
                self.assertEqual(found, model.rows(), (seed, load))
