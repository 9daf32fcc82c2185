"""Three pipelines that start each other on a node, a failure that is told once by webhook and e-mail, and its repair.

A finished extraction starts the transform pipeline, its end starts the load. The load fails three times: one alert. When its
input is repaired and it succeeds, "resolved" is sent. All events are printed as they happen.

    python demo.py SLUICE FOLDER MAIL_FOLDER MAIL_PORT

It needs the packages of clients/python, and a mail server on 127.0.0.1:MAIL_PORT that keeps mails in MAIL_FOLDER/maildir/new.
"""

import asyncio
import base64
import email
import email.policy
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "clients/python/src"))

from sluice_client import Client, Run  # noqa: E402
from sluice_client.webhooks import WebhookReceiver  # noqa: E402

DAY = "2024-05-01"
ORDERS = "id,country,currency,amount\n1,DE,EUR,119.00\n2,DK,DKK,745.00\n3,DE,EUR,1.00\n4,US,USD,10.00\n"
BROKEN = "currency,euros\nEUR,1\nDKK,0.134\nUSD,nine tenths\n"
RATES = BROKEN.replace("nine tenths", "0.9")
KEY = "whsec_" + base64.b64encode(os.urandom(32)).decode()
SHOWN = ("run.started", "run.succeeded", "run.failed", "pipeline.deployed", "pipeline.rejected")


def say(text: str) -> None:
    print(text, flush=True)


async def listen(client: Client) -> None:
    """Prints what happens, as it happens."""
    async for event in client.events():
        if event.type in SHOWN:
            cause = event.data.get("cause") or {}
            say(f"  {event.time:%H:%M:%S}  {event.pipeline:17} {event.type}" + (f": {cause['message']}" if cause else ""))


async def page(receiver: WebhookReceiver, alerts: list) -> None:
    async for event in receiver:
        alerts.append(event)
        say(f"  pager:    {event.data.get('kind', 'event')} of {event.pipeline} ({event.type})")


async def until(look, what: str):
    for _ in range(1200):
        if found := look():
            return found
        await asyncio.sleep(0.05)
    raise SystemExit(f"never saw: {what}")


async def newest(client: Client, pipeline: str, count: int) -> Run:
    """The newest run of a pipeline, once there are so many."""
    for _ in range(1200):
        runs = [run async for run in client.runs(pipeline=pipeline)]
        if len(runs) >= count:
            return await client.run(runs[0].id)
        await asyncio.sleep(0.05)
    raise SystemExit(f"never saw: {count} runs of {pipeline}")


def mails(folder: pathlib.Path) -> list[str]:
    found = sorted((folder / "maildir/new").glob("*"), key=lambda path: path.stat().st_mtime)
    return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default)["Subject"] for path in found]


async def show(client: Client, receiver: WebhookReceiver, folder: pathlib.Path, mail: pathlib.Path) -> None:
    alerts: list = []
    listeners = [asyncio.create_task(listen(client)), asyncio.create_task(page(receiver, alerts))]
    say("three pipelines are deployed; a finished one starts the next")
    params = {"dir": folder}
    for name in ("transform", "load", "extract"):
        await client.deploy(HERE / f"{name}.yaml", params={**params, **({"day": DAY} if name == "transform" else {})})
    await client.trigger("extract-orders", params={"day": DAY})
    failed = await newest(client, "load-revenue", 1)
    assert (await failed).state.value == "failed"
    say("the load has failed. It is tried twice more: nobody is alarmed again")
    for count in (2, 3):
        again = await client.trigger("load-revenue", params={"day": DAY})
        assert (await again).state.value == "failed", count
    await until(lambda: alerts and mails(mail), "the alert")
    (folder / "shop/rates.csv").write_text(RATES)
    say("the rates are repaired")
    repaired = await (await client.trigger("load-revenue", params={"day": DAY}))
    assert repaired.state.value == "succeeded", repaired
    await until(lambda: len(alerts) >= 2 and len(mails(mail)) >= 2, "the notice that it is resolved")
    await asyncio.sleep(0.5)  # what is too much would come now
    for listener in listeners:
        listener.cancel()
    say("e-mails:\n  " + "\n  ".join(mails(mail)))
    say(f"webhooks: {len(alerts)}, e-mails: {len(mails(mail))}: one alert and its end each")
    assert len(alerts) == 2 and len(mails(mail)) == 2, (alerts, mails(mail))
    say((folder / f"report-{DAY}.csv").read_text().strip())


async def main(program: str, folder: pathlib.Path, mail: pathlib.Path, port: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / f"orders-{DAY}.csv").write_text(ORDERS)
    (folder / "shop/rates.csv").write_text(BROKEN)
    async with WebhookReceiver(keys=[KEY]) as receiver:
        os.environ.update(PAGER_URL=receiver.url, MAIL_SERVER=f"smtp://localhost:{port}", SLUICE_SECRET_PAGER_KEY=KEY)
        state = folder / "state"
        with open(folder / "node.log", "w") as log:
            node = subprocess.Popen([program, "node", "--json", "--state", str(state), "--listen", "127.0.0.1:0",
                                     "--http", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            ready = await asyncio.to_thread(node.stdout.readline)
            if not ready:
                raise SystemExit((folder / "node.log").read_text())
            async with Client(json.loads(ready)["http"], state=state) as client:
                await show(client, receiver, folder, mail)
        finally:
            node.send_signal(signal.SIGTERM)
            node.wait(60)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], pathlib.Path(sys.argv[2]).absolute(), pathlib.Path(sys.argv[3]), sys.argv[4]))
