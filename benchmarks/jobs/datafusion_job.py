"""DataFusion: one COPY per workload, two partitions, the schema given. Arguments: WORKLOAD DATA_FOLDER OUT_FOLDER"""
import sys

import pyarrow as pa
from datafusion import SessionConfig, SessionContext
from schema import LINEITEM, LINEITEM_JSON, ORDERS

workload, data, out = sys.argv[1:4]
TYPES = {"i": pa.int64(), "f": pa.float64(), "s": pa.string(), "d": pa.date32()}
CSV = "stored as csv options ('format.has_header' 'true')"


def typed(schema):
    return pa.schema([(name, TYPES[kind]) for name, kind in schema])


context = SessionContext(SessionConfig().with_target_partitions(2))


def run(query):
    context.sql(query).collect()


FILTER = "l_shipdate >= DATE '1995-01-01' and l_discount >= 0.03 and l_discount <= 0.08"
REVENUE = "l_extendedprice*(1-l_discount)"
if workload != "b5":
    context.register_csv("lineitem", f"{data}/lineitem.csv", schema=typed(LINEITEM), has_header=True)
if workload == "b1":
    run(f"copy lineitem to '{out}/out.parquet' stored as parquet options ('format.compression' 'snappy')")
elif workload == "b2":
    kept = ", ".join(name for name, _ in LINEITEM if name not in ("l_shipmode", "l_comment"))
    run(f"""copy (select {kept}, {REVENUE} as revenue, cast(date_part('year', l_shipdate) as bigint) as ship_year,
        upper(l_shipmode) as l_shipmode, encode(sha256(l_comment), 'hex') as l_comment
        from lineitem where {FILTER}) to '{out}/out.csv' {CSV}""")
elif workload == "b3":
    run(f"""copy (select l_returnflag, l_linestatus, sum(l_quantity) sum_qty, sum(l_extendedprice) sum_base_price,
        sum({REVENUE}) sum_disc_price, sum({REVENUE}*(1+l_tax)) sum_charge, avg(l_quantity) avg_qty,
        avg(l_extendedprice) avg_price, avg(l_discount) avg_disc, count(*) count_order from lineitem
        where l_shipdate <= DATE '1998-09-02' group by l_returnflag, l_linestatus order by 1,2)
        to '{out}/out.csv' {CSV}""")
elif workload == "b4":
    context.register_csv("orders", f"{data}/orders.csv", schema=typed(ORDERS), has_header=True)
    run(f"""create table joined as select o_custkey, o_orderpriority, sum({REVENUE}) as revenue
        from lineitem join orders on l_orderkey = o_orderkey group by o_custkey, o_orderpriority""")
    run(f"""copy (select o_orderpriority, sum(revenue) as revenue from joined group by o_orderpriority order by 1)
        to '{out}/prio.csv' {CSV}""")
    run(f"""copy (select o_custkey, sum(revenue) as revenue from joined group by o_custkey order by 2 desc limit 10)
        to '{out}/top10.csv' {CSV}""")
elif workload == "b5":
    context.register_json("lines", f"{data}/lineitem.ndjson", schema=typed(LINEITEM_JSON), file_extension=".ndjson")
    run(f"""copy (select l_orderkey, upper(l_shipmode) as mode, {REVENUE} as revenue from lines
        where l_shipdate >= '1995-01-01' and l_discount >= 0.03 and l_discount <= 0.08)
        to '{out}/out.ndjson' stored as json""")
else:
    sys.exit(f"datafusion: no {workload}")
