"""Polars: lazy scan to streaming sink, the schema given. Arguments: WORKLOAD DATA_FOLDER OUT_FOLDER"""
import datetime
import sys

import polars as pl
from schema import LINEITEM, LINEITEM_JSON, ORDERS

workload, data, out = sys.argv[1:4]
TYPES = {"i": pl.Int64, "f": pl.Float64, "s": pl.String, "d": pl.Date}


def typed(schema):
    return {name: TYPES[kind] for name, kind in schema}


lineitem = pl.scan_csv(f"{data}/lineitem.csv", schema=typed(LINEITEM))
revenue = pl.col("l_extendedprice") * (1 - pl.col("l_discount"))
discount = pl.col("l_discount").is_between(0.03, 0.08)
if workload == "b1":
    lineitem.sink_parquet(f"{out}/out.parquet", compression="snappy")
elif workload == "b2":
    import polars_hash as plh  # Polars itself has no cryptographic hash

    lineitem.filter((pl.col("l_shipdate") >= datetime.date(1995, 1, 1)) & discount).with_columns(
        revenue=revenue, ship_year=pl.col("l_shipdate").dt.year(), l_shipmode=pl.col("l_shipmode").str.to_uppercase(),
        l_comment=plh.col("l_comment").chash.sha2_256()).sink_csv(f"{out}/out.csv")
elif workload == "b3":
    lineitem.filter(pl.col("l_shipdate") <= datetime.date(1998, 9, 2)).group_by("l_returnflag", "l_linestatus").agg(
        sum_qty=pl.sum("l_quantity"), sum_base_price=pl.sum("l_extendedprice"), sum_disc_price=revenue.sum(),
        sum_charge=(revenue * (1 + pl.col("l_tax"))).sum(), avg_qty=pl.mean("l_quantity"),
        avg_price=pl.mean("l_extendedprice"), avg_disc=pl.mean("l_discount"), count_order=pl.len(),
    ).sort("l_returnflag", "l_linestatus").sink_csv(f"{out}/out.csv")
elif workload == "b4":
    orders = pl.scan_csv(f"{data}/orders.csv", schema=typed(ORDERS))
    joined = lineitem.join(orders, left_on="l_orderkey", right_on="o_orderkey").group_by(
        "o_custkey", "o_orderpriority").agg(revenue=revenue.sum()).collect(engine="streaming").lazy()
    joined.group_by("o_orderpriority").agg(pl.sum("revenue")).sort("o_orderpriority").sink_csv(f"{out}/prio.csv")
    joined.group_by("o_custkey").agg(pl.sum("revenue")).sort("revenue", descending=True).head(10).sink_csv(
        f"{out}/top10.csv")
elif workload == "b5":
    pl.scan_ndjson(f"{data}/lineitem.ndjson", schema=typed(LINEITEM_JSON)).filter(
        (pl.col("l_shipdate") >= "1995-01-01") & discount).select(
        "l_orderkey", mode=pl.col("l_shipmode").str.to_uppercase(), revenue=revenue).sink_ndjson(f"{out}/out.ndjson")
else:
    sys.exit(f"polars: no {workload}")
