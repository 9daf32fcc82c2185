"""The numbers of examples/flights.yaml, got independently: only the csv module, no Sluice, no Arrow.

    flights_golden.py --write            computes tests/pipelines/flights_golden.csv from examples/data
    flights_golden.py --compare FOLDER   compares report.csv, flights.db and flights.parquet in FOLDER with it
"""

import collections
import csv
import datetime
import math
import pathlib
import sqlite3
import sys
from decimal import ROUND_HALF_UP, Decimal

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "examples" / "data"
GOLDEN = pathlib.Path(__file__).with_name("flights_golden.csv")
INTEGERS = ("year month day dep_time sched_dep_time dep_delay arr_time sched_arr_time arr_delay flight air_time "
            "distance hour minute").split()
REPORT = ("carrier name month weather flights late_flights mean_delay worst_delay gained_minutes mean_speed_mph "
          "late_share").split()


def typed(row: dict) -> dict:
    """Types one record as the pipeline does; ValueError for one that belongs in the rejects."""
    if None in row or None in row.values():
        raise ValueError("number of fields")
    out = {key: None if value in ("", "NA") else value for key, value in row.items()}
    for key in INTEGERS:
        if out[key] is not None:
            value = int(out[key])
            if not -(2**31) <= value < 2**31:
                raise ValueError("out of range")
            out[key] = value
    datetime.datetime.strptime(out["time_hour"], "%Y-%m-%dT%H:%M:%SZ")
    return out


def rounded(value: float, digits: int) -> float:
    """Rounds half away from zero, from the shortest decimal text of the double."""
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP))


def weather_word(row: dict) -> str:
    number = {k: None if row[k] in ("", "NA") else float(row[k]) for k in ("visib", "precip", "wind_speed")}
    if number["visib"] is not None and number["visib"] < 2:
        return "fog"
    if number["precip"] is not None and number["precip"] > 0.05:
        return "rain"
    if number["precip"] is not None and number["precip"] > 0:
        return "drizzle"
    if number["wind_speed"] is not None and number["wind_speed"] > 20:
        return "wind"
    return "fair"


def compute() -> tuple[list[dict], int, int]:
    """The report's rows, the number of rejects, and the number of loaded flights."""
    with open(DATA / "airlines.csv", newline="") as file:
        names = {row["carrier"]: row["name"] for row in csv.DictReader(file)}
    with open(DATA / "weather_2013_01.csv", newline="") as file:
        weather = {(row["origin"], row["time_hour"]): weather_word(row) for row in csv.DictReader(file)}
    groups, rejects, loaded = collections.defaultdict(list), 0, 0
    with open(DATA / "flights_2013_01.csv", newline="") as file:
        for record in csv.DictReader(file):
            try:
                row = typed(record)
            except ValueError:
                rejects += 1
                continue
            if row["dep_time"] is None or row["arr_delay"] is None or row["carrier"] not in names:
                continue
            loaded += 1
            word = weather.get((row["origin"], row["time_hour"]))
            groups[row["carrier"], names[row["carrier"]], row["month"], word].append(row)
    report = []
    for key, rows in groups.items():
        delays = [row["arr_delay"] for row in rows]
        speeds = [rounded(row["distance"] / row["air_time"] * 60, 1) for row in rows]
        late = sum(delay > 15 for delay in delays)
        values = (*key, len(rows), late, sum(delays) / len(rows), max(delays),
                  sum(row["dep_delay"] - row["arr_delay"] for row in rows),
                  math.fsum(speeds) / len(rows), rounded(late / len(rows), 4))
        report.append(dict(zip(REPORT, values)))
    report.sort(key=lambda row: (row["carrier"], row["month"], row["weather"] is None, row["weather"] or ""))
    return report, rejects, loaded


def check(what: str, found, expected) -> None:
    if isinstance(expected, float):
        same = found is not None and math.isclose(float(found), expected, rel_tol=1e-12, abs_tol=1e-12)
    else:
        same = str(found if found is not None else "") == str(expected if expected is not None else "")
    if not same:
        sys.exit(f"DIFFERENT: {what}: expected {expected!r}, found {found!r}")


def compare(folder: pathlib.Path) -> None:
    expected, _, loaded = compute()
    with open(GOLDEN, newline="") as file:
        golden = list(csv.DictReader(file))
    with open(folder / "report.csv", newline="") as file:
        report = list(csv.DictReader(file))
    database = sqlite3.connect(f"file:{folder / 'flights.db'}?mode=ro", uri=True)
    database.row_factory = sqlite3.Row
    table = database.execute("select * from delays order by carrier, month, weather is null, weather").fetchall()
    for name, rows in (("flights_golden.csv", golden), ("report.csv", report), ("flights.db", table)):
        check(f"rows of {name}", len(rows), len(expected))
        for number, (row, want) in enumerate(zip(rows, expected), start=1):
            for column in REPORT:
                check(f"{name}, row {number}, {column}", row[column], want[column])
    import pyarrow.parquet as parquet

    check("rows of flights.parquet", parquet.read_metadata(folder / "flights.parquet").num_rows, loaded)
    print(f"equal: {len(expected)} rows of report.csv and flights.db, {loaded:,} rows of flights.parquet")


def main() -> None:
    if sys.argv[1:2] == ["--write"]:
        report, rejects, loaded = compute()
        with open(GOLDEN, "w", newline="") as file:
            writer = csv.DictWriter(file, REPORT, lineterminator="\n")
            writer.writeheader()
            writer.writerows(report)
        print(f"{len(report)} rows, {rejects} rejects, {loaded} loaded")
    else:
        compare(pathlib.Path(sys.argv[2]))


if __name__ == "__main__":
    main()
