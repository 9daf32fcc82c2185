"""DuckDB: one COPY per workload, two threads, the schema given. Arguments: WORKLOAD DATA_FOLDER OUT_FOLDER"""
import sys

import duckdb
from schema import LINEITEM, LINEITEM_JSON, ORDERS

workload, data, out = sys.argv[1:4]
TYPES = {"i": "BIGINT", "f": "DOUBLE", "s": "VARCHAR", "d": "DATE"}


def columns(schema):
    return "{" + ",".join(f"'{name}':'{TYPES[kind]}'" for name, kind in schema) + "}"


def csv(name, schema):
    return (f"read_csv('{data}/{name}.csv', header=true, delim=',', quote='\"', auto_detect=false, "
            f"columns={columns(schema)})")


FILTER = "l_shipdate >= DATE '1995-01-01' and l_discount between 0.03 and 0.08"
REVENUE = "l_extendedprice*(1-l_discount)"
lineitem = csv("lineitem", LINEITEM)
connection = duckdb.connect()
connection.execute("set threads=2")
if workload == "b1":
    connection.execute(f"copy (from {lineitem}) to '{out}/out.parquet' (format parquet, compression snappy)")
elif workload == "b2":
    connection.execute(f"""copy (select * exclude (l_shipmode, l_comment), {REVENUE} as revenue,
        year(l_shipdate) as ship_year, upper(l_shipmode) as l_shipmode, sha256(l_comment) as l_comment
        from {lineitem} where {FILTER}) to '{out}/out.csv' (header)""")
elif workload == "b3":
    connection.execute(f"""copy (select l_returnflag, l_linestatus, sum(l_quantity) sum_qty,
        sum(l_extendedprice) sum_base_price, sum({REVENUE}) sum_disc_price, sum({REVENUE}*(1+l_tax)) sum_charge,
        avg(l_quantity) avg_qty, avg(l_extendedprice) avg_price, avg(l_discount) avg_disc, count(*) count_order
        from {lineitem} where l_shipdate <= DATE '1998-09-02' group by 1,2 order by 1,2) to '{out}/out.csv' (header)""")
elif workload == "b4":
    connection.execute(f"""create temp table joined as select o_custkey, o_orderpriority, sum({REVENUE}) as revenue
        from {lineitem} join {csv("orders", ORDERS)} on l_orderkey = o_orderkey group by 1,2""")
    connection.execute(f"""copy (select o_orderpriority, sum(revenue) as revenue from joined group by 1 order by 1)
        to '{out}/prio.csv' (header)""")
    connection.execute(f"""copy (select o_custkey, sum(revenue) as revenue from joined group by 1 order by 2 desc
        limit 10) to '{out}/top10.csv' (header)""")
elif workload == "b5":
    connection.execute(f"""copy (select l_orderkey, upper(l_shipmode) as mode, {REVENUE} as revenue
        from read_json('{data}/lineitem.ndjson', format='newline_delimited', columns={columns(LINEITEM_JSON)})
        where l_shipdate >= '1995-01-01' and l_discount between 0.03 and 0.08) to '{out}/out.ndjson' (format json)""")
else:
    sys.exit(f"duckdb: no {workload}")
