#!/usr/bin/env python3
"""The 22 queries of TPC-H as statements through `sluice query` and through a real PostgreSQL 15, over small tables whose
values are chosen so that the conditions of the queries are met."""

import concurrent.futures
import datetime
import pathlib
import random
import subprocess
import sys
import tempfile

import pyarrow as pa
import pyarrow.parquet

from command_line import BINARY, ROOT
from postgres_server import DatabaseError, Server
from sql_test import rows_of, value

QUERIES = ROOT / "benchmarks/tpch"
NATIONS = ["FRANCE", "GERMANY", "CANADA", "SAUDI ARABIA", "BRAZIL", "INDIA", "CHINA", "JAPAN"]
REGIONS = {"FRANCE": 0, "GERMANY": 0, "CANADA": 1, "SAUDI ARABIA": 2, "BRAZIL": 1, "INDIA": 3, "CHINA": 3, "JAPAN": 3}
DECIMAL = "decimal(15,2)"
SCHEMA = {
    "region": {"r_regionkey": "bigint", "r_name": "text", "r_comment": "text"},
    "nation": {"n_nationkey": "bigint", "n_name": "text", "n_regionkey": "bigint", "n_comment": "text"},
    "supplier": {"s_suppkey": "bigint", "s_name": "text", "s_address": "text", "s_nationkey": "bigint", "s_phone": "text",
                 "s_acctbal": DECIMAL, "s_comment": "text"},
    "customer": {"c_custkey": "bigint", "c_name": "text", "c_address": "text", "c_nationkey": "bigint", "c_phone": "text",
                 "c_acctbal": DECIMAL, "c_mktsegment": "text", "c_comment": "text"},
    "part": {"p_partkey": "bigint", "p_name": "text", "p_mfgr": "text", "p_brand": "text", "p_type": "text", "p_size": "bigint",
             "p_container": "text", "p_retailprice": DECIMAL, "p_comment": "text"},
    "partsupp": {"ps_partkey": "bigint", "ps_suppkey": "bigint", "ps_availqty": "bigint", "ps_supplycost": DECIMAL, "ps_comment": "text"},
    "orders": {"o_orderkey": "bigint", "o_custkey": "bigint", "o_orderstatus": "text", "o_totalprice": DECIMAL, "o_orderdate": "date",
               "o_orderpriority": "text", "o_clerk": "text", "o_shippriority": "bigint", "o_comment": "text"},
    "lineitem": {"l_orderkey": "bigint", "l_partkey": "bigint", "l_suppkey": "bigint", "l_linenumber": "bigint", "l_quantity": DECIMAL,
                 "l_extendedprice": DECIMAL, "l_discount": DECIMAL, "l_tax": DECIMAL, "l_returnflag": "text", "l_linestatus": "text",
                 "l_shipdate": "date", "l_commitdate": "date", "l_receiptdate": "date", "l_shipinstruct": "text", "l_shipmode": "text",
                 "l_comment": "text"},
}
ARROW = {"bigint": pa.int64(), "text": pa.string(), "date": pa.date32(), DECIMAL: pa.decimal128(15, 2)}


def tables(chance):
    """Rows of texts, by table."""
    def money(low, high):
        return f"{chance.uniform(low, high):.2f}"

    def day(first=datetime.date(1992, 1, 1), days=2400):
        return first + datetime.timedelta(days=chance.randrange(days))

    def phone():
        return f"{chance.choice(['13', '31', '23', '29', '30', '18', '17', '99'])}-{chance.randrange(100, 999)}"

    made = {name: [] for name in SCHEMA}
    made["region"] = [(i, name, "-") for i, name in enumerate(["EUROPE", "AMERICA", "MIDDLE EAST", "ASIA"])]
    made["nation"] = [(i, name, REGIONS[name], "-") for i, name in enumerate(NATIONS)]
    for i in range(20):
        made["supplier"].append((i, f"Supplier#{i:03}", f"street {i}", i % len(NATIONS), phone(), money(-900, 9000),
                                 chance.choice(["fine", "Customer bad Complaints", "-"])))
    for i in range(40):
        made["customer"].append((i, f"Customer#{i:03}", f"road {i}", chance.randrange(len(NATIONS)), phone(), money(-900, 9000),
                                 chance.choice(["BUILDING", "AUTOMOBILE", "MACHINERY"]), "-"))
    for i in range(40):
        made["part"].append((i, chance.choice(["forest green", "dark green lace", "red rose"]), "Manufacturer#1",
                             chance.choice(["Brand#12", "Brand#23", "Brand#34", "Brand#45"]),
                             chance.choice(["LARGE BRASS", "PROMO TIN", "ECONOMY ANODIZED STEEL", "MEDIUM POLISHED BRASS"]),
                             chance.choice([1, 3, 9, 14, 15, 15, 23, 49]), chance.choice(["SM CASE", "MED BOX", "LG CASE", "MED BAG"]),
                             money(900, 2000), "-"))
        for supplier in chance.sample(range(20), 4):
            made["partsupp"].append((i, supplier, chance.randrange(1, 100), money(1, 1000), "-"))
    suppliers = {}
    for row in made["partsupp"]:
        suppliers.setdefault(row[0], []).append(row[1])
    for i in range(200):
        placed = day()
        made["orders"].append((i, chance.randrange(30), chance.choice("FOP"), money(1000, 500000), placed,
                               chance.choice(["1-URGENT", "2-HIGH", "3-MEDIUM", "5-LOW"]), "-", 0,
                               chance.choice(["-", "very special fast requests"])))
        for number in range(chance.randrange(1, 7)):
            part = chance.randrange(40)
            shipped = placed + datetime.timedelta(days=chance.randrange(1, 120))
            made["lineitem"].append((i, part, chance.choice(suppliers[part]), number, f"{chance.choice([2, 15, 24, 30, 60, 90])}.00",
                                     money(900, 90000), f"0.0{chance.randrange(10)}", f"0.0{chance.randrange(9)}", chance.choice("RAN"),
                                     chance.choice("OF"), shipped, placed + datetime.timedelta(days=chance.randrange(30, 90)),
                                     shipped + datetime.timedelta(days=chance.randrange(1, 30)),
                                     chance.choice(["DELIVER IN PERSON", "NONE"]),
                                     chance.choice(["AIR", "AIR REG", "MAIL", "SHIP", "RAIL"]), "-"))
    return made


def ask(folder, path):
    statement = path.read_text()
    used = [f"{name}={folder / name}.parquet" for name in SCHEMA if name in statement]
    return subprocess.run([BINARY, "--state", str(folder / "state"), "query", statement, "--csv", "-q", *used], capture_output=True,
                          text=True, timeout=300, check=False)


def main():
    problems, empty = [], []
    with Server() as server, tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        connection = server.connect()
        for table, rows in tables(random.Random(11)).items():
            types = SCHEMA[table]
            connection.run(f"create table {table} ({', '.join(f'{column} {of}' for column, of in types.items())})")
            connection.run(f"insert into {table} values " + ", ".join("(" + ", ".join(f"'{each}'" for each in row) + ")" for row in rows))
            columns = [pa.array([str(each) for each in column], pa.string()).cast(ARROW[of])
                       for column, of in zip(zip(*rows), types.values())]
            pa.parquet.write_table(pa.table(dict(zip(types, columns))), folder / f"{table}.parquet")
        paths = sorted(QUERIES.glob("*.sql"))
        assert len(paths) == 22, paths
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda path: ask(folder, path), paths))
        for path, answer in zip(paths, answers):
            try:
                wanted = [[value(each) for each in row] for row in connection.run(path.read_text())]
            except DatabaseError as failure:
                problems.append(f"{path.name}: PostgreSQL: {failure}")
                continue
            mine = [[value(each) for each in row] or [None] for row in rows_of(answer.stdout)]
            if answer.returncode != 0:
                problems.append(f"{path.name}: exit {answer.returncode}: {answer.stderr}")
            elif mine != wanted:
                problems.append(f"{path.name}:\n    Sluice     {mine[:5]}\n    PostgreSQL {wanted[:5]}")
            if not wanted:
                empty.append(path.name)
    print("\n".join(problems))
    print(f"22 queries, {len(problems)} problems; without rows: {empty}")
    return 1 if problems or empty else 0


if __name__ == "__main__":
    sys.exit(main())
