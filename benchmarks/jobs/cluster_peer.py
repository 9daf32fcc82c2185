"""Starts Spark or Sail with WORKERS worker processes of one core and MEMORY megabytes each, says "ready", then reads numbers
of TPC-H queries, one a line, writes each answer as CSV and says "done": cluster_peer.py NAME WORKERS MEMORY DATA OUT.
"""
import csv
import os
import pathlib
import sys

QUERIES = pathlib.Path(__file__).resolve().parents[1] / "tpch"
TABLES = ["customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier"]


def spark(workers, memory):
    from pyspark.sql import SparkSession
    return (SparkSession.builder.master(f"local-cluster[{workers},1,{memory}]").appName("tpch")
            .config("spark.executor.memory", f"{memory}m").config("spark.driver.memory", "2g")
            .config("spark.sql.shuffle.partitions", str(2 * workers)).config("spark.ui.enabled", "false")
            .config("spark.log.level", "ERROR").getOrCreate())


def sail(workers, _):
    os.environ.update(SAIL_MODE="local-cluster", SAIL_CLUSTER__WORKER_TASK_SLOTS="1", SAIL_CLUSTER__WORKER_INITIAL_COUNT=str(workers),
                      SAIL_CLUSTER__WORKER_MAX_COUNT=str(workers))
    from pysail.spark import SparkConnectServer
    server = SparkConnectServer()
    server.start(background=True)
    host, port = server.listening_address
    from pyspark.sql import SparkSession
    session = SparkSession.builder.remote(f"sc://{host}:{port}").getOrCreate()
    session.server = server  # it stops when nobody holds it
    return session


def main():
    name, workers, memory, data, out = sys.argv[1:]
    answers, sys.stdout = sys.stdout, sys.stderr
    session = {"spark": spark, "sail": sail}[name](int(workers), int(memory))
    for table in TABLES:
        session.read.parquet(f"{data}/{table}.parquet").createOrReplaceTempView(table)
    session.sql("select count(*) from nation").collect()
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        number = int(line)
        found = session.sql((QUERIES / f"q{number:02d}.sql").read_text().rstrip().rstrip(";"))
        with open(f"{out}/q{number:02d}.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(found.columns)
            writer.writerows(found.collect())
        print("done", file=answers, flush=True)
    session.stop()


main()
