#!/usr/bin/env python3
"""`./dev demo --live`: orders flow through Kafka into PostgreSQL while the engine is killed twice with -9; in the end the
source and the targets are compared.

    live_demo.py [--orders 20000]
"""

import argparse
import collections
import decimal
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

from kafka_server import Broker, wait_for  # noqa: E402  (needs the path above)
from postgres_server import Server  # noqa: E402

BINARY = os.environ.get("SLUICE_BINARY", str(ROOT / "build/sluice"))
PIPELINE = ROOT / "config/examples/services/revenue_live.yaml"
COUNTRIES = ["DE", "FR", "NL", "PL"]
BEGIN = 1_714_550_400  # 2024-05-01 08:00 UTC


def say(what):
    print(f"-- {what}", flush=True)


def order(number, chosen):
    """Half a second of event time from one order to the next, up to 20 s out of order; one in 500 is an hour late."""
    seconds = number * 0.5 - chosen.random() * 20 - (3600 if number % 500 == 499 else 0)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(BEGIN + seconds))
    return {"id": number, "country": chosen.choice(COUNTRIES), "amount": f"{chosen.randrange(100, 20000) / 100:.2f}",
            "ordered_at": at}


class Demo:
    def __init__(self, broker, server, folder, count):
        self.broker, self.server, self.folder, self.count = broker, server, folder, count
        self.produced = 0
        self.database = server.connect()

    def produce(self):
        chosen = random.Random(1)
        for first in range(0, self.count, 500):
            orders = [order(number, chosen) for number in range(first, min(first + 500, self.count))]
            self.broker.produce("orders", [{"key": str(each["id"]), "value": json.dumps(each)} for each in orders])
            self.produced += len(orders)
            time.sleep(0.1)  # orders come at some pace, here 5,000 a second
        # One order much later in each partition: it completes the windows of all the others.
        self.broker.produce("orders", [{"partition": each, "value": json.dumps(
            {"id": -1, "country": "end", "amount": "0.00", "ordered_at": "2025-01-01T00:00:00Z"})} for each in range(4)])

    def run(self):
        environment = {**os.environ, "KAFKA": self.broker.address, "OUT": str(self.folder / "out"),
                       "PG_URL": f"postgresql://postgres@127.0.0.1:{self.server.port}/postgres",
                       "SLUICE_STATE": str(self.folder / "state")}
        log = open(self.folder / "run.log", "a+")
        return subprocess.Popen([BINARY, "run", PIPELINE, "--progress", "none"], env=environment, cwd=self.folder,
                                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def newest(self):
        """Id and state of the newest run."""
        told = subprocess.run([BINARY, "status", "last", "--json", "--state", self.folder / "state"], capture_output=True, text=True)
        run = json.loads(told.stdout) if told.returncode == 0 else {}
        return run.get("id"), run.get("state")

    def loaded(self):
        """Orders that are counted in the table."""
        if self.database.run("select to_regclass('revenue')") == [(None,)]:
            return 0
        return int(self.database.run("select coalesce(sum(orders), 0) from revenue")[0][0])

    def late(self):
        rows = []
        for part in sorted((self.folder / "out/late").glob("part-*")):
            rows += [json.loads(line, parse_float=decimal.Decimal) for line in part.read_text().splitlines()]
        return rows

    def wait_for_more(self, process, before):
        wait_for("more orders in the table", lambda: process.poll() is not None or self.loaded() > before, 120)
        if process.poll() is not None:
            raise SystemExit(f"the run ended:\n{(self.folder / 'run.log').read_text()[-2000:]}")

    def go(self):
        say(f"Kafka on {self.broker.address}, PostgreSQL on 127.0.0.1:{self.server.port}")
        for topic in ("orders", "revenue"):
            self.broker.topic(topic, 4)
        say(f"{self.count} orders are being produced; sluice run {PIPELINE.relative_to(ROOT)}")
        threading.Thread(target=self.produce, daemon=True).start()
        process = self.run()
        for _ in range(2):
            before = self.loaded()
            self.wait_for_more(process, before)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            killed = self.newest()[0]
            say(f"killed with -9: {self.produced} orders produced, {self.loaded()} of them in the table; the same command again")
            process = self.run()
        wait_for("all orders", lambda: process.poll() is not None or
                 self.loaded() + len(self.late()) >= self.count, 300)
        # A run that is told to end before it has begun is cancelled, not drained.
        wait_for("a run that works", lambda: process.poll() is not None or
                 ((run := self.newest())[0] != killed and run[1] == "running"), 120)
        process.send_signal(signal.SIGTERM)
        if process.wait(120) != 0:
            raise SystemExit(f"the run failed:\n{(self.folder / 'run.log').read_text()[-2000:]}")
        return self.compare()

    def compare(self):
        """The same numbers, computed here from the source alone; which orders are late depends on what was read first."""
        late = self.late()
        behind = {row["id"] for row in late}
        model = collections.defaultdict(lambda: [0, decimal.Decimal(0)])
        orders = [json.loads(message.value(), parse_float=decimal.Decimal) for message in self.broker.read("orders")]
        orders = [each for each in orders if each["id"] >= 0]
        for each in orders:
            if each["id"] in behind:
                continue
            sums = model[each["country"], each["ordered_at"][:16]]
            sums[0] += 1
            sums[1] += decimal.Decimal(each["amount"])
        sql = ("select country, to_char(window_start at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI'), orders, revenue "
               "from revenue")
        table = {(a, b): [int(c), decimal.Decimal(d)] for a, b, c, d in self.database.run(sql)}
        onward = len(self.broker.read("revenue"))
        say(f"source: {len(orders)} orders, {sum(decimal.Decimal(each['amount']) for each in orders)} in all")
        say(f"table:  {sum(n for n, _ in table.values())} orders in {len(table)} minutes and countries, "
            f"{sum(s for _, s in table.values())} in all; {len(late)} late orders beside it; {onward} messages sent on")
        faults = []
        if len(late) != len(behind):
            faults.append("a late order is there twice")
        faults += [f"{key}: {table.get(key)} in the table, {model.get(key)} in the source"
                   for key in sorted(model.keys() | table.keys()) if table.get(key) != model.get(key)]
        if onward != len(table):
            faults.append(f"{onward} messages were sent on, {len(table)} rows are in the table")
        for each in faults[:10]:
            say(f"DIFFERENT  {each}")
        say("source and target DO NOT agree" if faults else "source and target agree: every order counts once")
        return 1 if faults else 0


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--orders", type=int, default=20_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="sluice-live-") as folder, Broker() as broker, Server() as server:
        sys.exit(Demo(broker, server, pathlib.Path(folder), chosen.orders).go())


if __name__ == "__main__":
    main()
