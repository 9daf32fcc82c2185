"""The Python client, installed from its wheel, with a real node: fast, slow, cut off and dying."""

import asyncio
import base64
import contextlib
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

import httpx
import standardwebhooks

from command_line import BINARY, ENDLESS, ORDERS, PATIENCE, ROOT, STARTER
from proxy import Proxy
from real_node import RealNode

PACKAGE = ROOT / "clients/python"
TABLES = STARTER.replace("load:\n", "load:\n  whole: { from: paid, parquet: { path: out/paid.parquet } }\n"
                         "  arrow: { from: paid, ipc: { path: out/paid.arrow } }\n")
WRONG = STARTER.replace("status = 'paid'", "statuss = 'paid'")
temporary = None
client_module = None


def setUpModule():
    """Builds the wheel, and imports the client from it."""
    global temporary, client_module
    temporary = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(temporary.cleanup)
    folder = pathlib.Path(temporary.name)
    shutil.copytree(PACKAGE, folder / "source", ignore=shutil.ignore_patterns("__pycache__", ".mypy_cache", "dist"))
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "dist"], cwd=folder / "source", check=True,
                   capture_output=True)
    wheel, = (folder / "dist").glob("sluice_client-*-py3-none-any.whl")
    subprocess.run([sys.executable, "-m", "zipfile", "-e", wheel, folder / "installed"], check=True)
    sys.path.insert(0, str(folder / "installed"))
    import sluice_client
    assert pathlib.Path(sluice_client.__file__).is_relative_to(folder), sluice_client.__file__
    assert (folder / "installed/sluice_client/py.typed").exists()
    client_module = sluice_client


def plain_http():
    """Without certificates, whose reading takes a while."""
    return httpx.AsyncClient(trust_env=False, verify=False)


async def until(look, what):
    """Waits for a condition of another process."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await look()):
            await asyncio.sleep(0.02)
        return found


class WithNode(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-client-"))
        self.addCleanup(shutil.rmtree, self.folder)
        for name, text in (("orders.csv", ORDERS), ("p.yaml", TABLES), ("wrong.yaml", WRONG), ("endless.yaml", ENDLESS)):
            (self.folder / name).write_text(text)
        before = os.getcwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, before)
        # Nothing of who runs the tests may count.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_") and not name.startswith("XDG_")}
        patch = unittest.mock.patch.dict(os.environ, {**kept, "HOME": str(self.folder)}, clear=True)
        patch.start()
        self.addCleanup(patch.stop)
        self.node = RealNode(self.folder)
        self.addCleanup(lambda: self.node.process.poll() is None and self.node.stop())

    def client(self, address=None, **more):
        return client_module.Client(address or self.node.address, **{"state": self.node.state, **more})

    def port(self):
        return int(self.node.address.rsplit(":", 1)[1])

    async def log(self, client, run):
        """The events that the node has of a run, asked for in one go."""
        return [event.id async for event in client.events(follow=False) if event.run == run.id]


class Runs(WithNode):
    async def test_a_run_from_submission_to_its_tables(self):
        async with self.client() as client:
            run = await client.submit("p.yaml")
            self.assertFalse(run.repeated)
            events = [event async for event in run.events()]
            self.assertEqual((events[0].type, events[-1].type), ("run.queued", "run.succeeded"))
            self.assertEqual([event.sequence for event in events], list(range(1, len(events) + 1)))
            self.assertEqual({event.unit for event in events if event.type == "unit.finished"}, {"orders", "paid", "out", "whole", "arrow"})
            self.assertLess(abs(datetime.datetime.now(datetime.timezone.utc) - events[0].time), datetime.timedelta(minutes=5))
            outcome = await run
            self.assertIs(outcome.raise_for_state(), outcome)
            self.assertEqual((outcome.state, outcome.rejected, outcome.rows_loaded), (client_module.RunState.SUCCEEDED, 1, 6))
            for unit in ("whole", "arrow"):
                self.assertEqual((await run.table(unit)).column("order_id").to_pylist(), [1, 4])
            with self.assertRaisesRegex(client_module.NotATable, "only parquet and ipc"):
                await run.table("out")
            with self.assertRaisesRegex(client_module.NotATable, "it has out, whole, arrow|it has "):
                await run.table("nothing")
            rejects = [each async for each in run.rejects()]
            self.assertEqual([(each["column"], each["unit"]) for each in rejects], [("amount", "orders")])
            self.assertEqual((await client.run("last")).id, run.id)
            self.assertEqual((await run.info()).pipeline, "orders")
            self.assertEqual([unit["unit"] for unit in (await run.plan())["units"] if unit["role"] == "extract"], ["orders"])

    async def test_params_and_variables_are_sent(self):
        pathlib.Path("day.yaml").write_text(STARTER.replace("rejects:", "params: { day: { type: date }, n: { type: integer } }\nrejects:")
                                            .replace("out/paid.ndjson", "${OUT}/${day}-${n}.ndjson"))
        with unittest.mock.patch.dict(os.environ, {"OUT": "out"}):
            async with self.client() as client:
                run = await client.submit("day.yaml", params={"day": datetime.date(2024, 5, 1), "n": 7})
                (await run).raise_for_state()
        self.assertTrue(pathlib.Path("out/2024-05-01-7.ndjson").exists())

    async def test_a_wrong_pipeline_tells_where_and_what_to_do(self):
        async with self.client() as client:
            for attempt in (client.submit, client.plan):
                with self.assertRaises(client_module.PipelineRejected) as refused:
                    await attempt("wrong.yaml")
                self.assertEqual((refused.exception.code, refused.exception.file, refused.exception.line), ("unknown_column", "wrong.yaml", 11))
                self.assertIn("status", refused.exception.hint)
                self.assertEqual(len(refused.exception.faults), 1)
            self.assertEqual([unit["unit"] for unit in (await client.plan("p.yaml"))["units"]], ["orders", "paid", "whole", "arrow", "out"])
            self.assertEqual([each async for each in client.runs()], [])

    async def test_runs_come_page_by_page_and_events_of_all_runs_from_a_cursor(self):
        async with self.client() as client:
            made = []
            for _ in range(5):
                made.append((await client.submit("p.yaml")).id)
                await (await client.run(made[-1]))
            self.assertEqual([each.id async for each in client.runs(page_size=2)], made[::-1])
            self.assertEqual([each.id async for each in client.runs(state=client_module.RunState.FAILED)], [])
            everything = [event async for event in client.events(follow=False)]
            self.assertEqual([event.cursor for event in everything], list(range(1, len(everything) + 1)))
            middle = everything[len(everything) // 2].cursor
            rest = [event.cursor async for event in client.events(middle, follow=False)]
            self.assertEqual(rest, [event.cursor for event in everything if event.cursor > middle])

    async def test_the_token_is_found_as_the_command_line_finds_it(self):
        token = self.node.token
        with self.assertRaises(client_module.Unauthorized):
            async with self.client(state=None, token="wrong") as client:
                await client.nodes()
        with self.assertRaises(client_module.Unauthorized):
            async with self.client(state=None) as client:
                await client.nodes()
        for variables in ({"SLUICE_TOKEN": token}, {"SLUICE_STATE": str(self.node.state)},
                          {"SLUICE_STATE": "postgresql://h/d", "SLUICE_STATE_FOLDER": str(self.node.state)}):
            with unittest.mock.patch.dict(os.environ, {**variables, "SLUICE_TO": self.node.address}):
                async with client_module.Client() as client:
                    self.assertEqual(len(await client.nodes()), 1)
        settings = self.folder / ".config/sluice/config.yaml"
        settings.parent.mkdir(parents=True)
        settings.write_text(f"# mine\nstate: '{self.node.state}'\nto: {self.node.address}   # here\n")
        async with client_module.Client() as client:
            self.assertIn("parquet", [each["name"] for each in await client.components()])
            self.assertIn("lower", [each["name"] for each in await client.functions()])
        (self.node.state / "token").chmod(0o644)
        with self.assertRaises(client_module.SluiceError) as refused:
            client_module.Client()
        self.assertEqual(refused.exception.code, "token_exposed")


    async def test_what_the_readme_shows_works(self):
        pathlib.Path("daily.yaml").write_text(TABLES.replace("rejects:", "params: { day: { type: date } }\nrejects:").replace("whole:", "report:"))
        code = (PACKAGE / "README.md").read_text().split("```python\n")[1].split("```")[0]
        variables = {"SLUICE_TO": self.node.address, "SLUICE_STATE": str(self.node.state), "PYTHONPATH": sys.path[0]}
        done = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=-1, stderr=-1, env={**os.environ, **variables})
        out, err = await done.communicate()
        self.assertEqual((done.returncode, err), (0, b""))
        self.assertEqual(out.split()[0], b"run.queued")
        self.assertIn(b"6 rows, 1 rejected", out)


class Cancelling(WithNode):
    async def test_cancelling_who_waits_leaves_the_run_alone_and_cancel_ends_it(self):
        async with self.client() as client:
            run = await client.submit("endless.yaml")

            async def state():
                return (await run.info()).state.value == "running"

            await until(state, "a run")
            waiting = asyncio.create_task(run.wait())
            reading = asyncio.create_task(anext(run.events(after=10**6)))
            await asyncio.sleep(0)
            for task in (waiting, reading):
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
            with self.assertRaises(TimeoutError):
                await asyncio.wait_for(run.wait(), 0.2)
            self.assertEqual((await run.info()).state.value, "running")
            await run.cancel()
            outcome = await run
            self.assertEqual((outcome.state.value, outcome.cause), ("cancelled", None))
            with self.assertRaises(client_module.RunNotSucceeded) as raised:
                outcome.raise_for_state()
            self.assertIs(raised.exception.outcome, outcome)
            await run.cancel()  # it has ended: fine
            with self.assertRaises(client_module.RunNotFound):
                await client.run("nothing")


class SlowAndDying(WithNode):
    async def test_a_slow_connection_that_breaks_all_the_time_loses_and_repeats_no_event(self):
        async with self.client() as direct:
            run = await direct.submit("p.yaml")
            await run
            for cut in range(600, 1500, 91):  # within names, texts and numbers, and between events
                async with Proxy(self.port(), delay=0.001, cut_after=cut, cuts=5) as proxy, self.client(proxy.address) as client:
                    seen = [event.id async for event in client_module.Run(client._transport, run.id).events()]
                    self.assertEqual(seen, await self.log(direct, run))
                    self.assertGreater(proxy.connections, 5)

    async def test_a_submission_whose_answer_was_lost_starts_one_run(self):
        async with Proxy(self.port(), cut_after=0, cuts=3) as proxy, self.client(proxy.address) as client:
            run = await client.submit("p.yaml")
            self.assertGreaterEqual(proxy.connections, 4)
            self.assertEqual((await run).state.value, "succeeded")
            self.assertEqual([each.id async for each in client.runs()], [run.id])

    async def test_a_key_gives_one_run_over_restarts_of_node_and_program(self):
        async with self.client() as client:
            run = await client.submit("p.yaml", key="load-2024-05-01")
            await run
        self.node.kill()
        self.node.start()
        async with self.client() as client:
            again = await client.submit("p.yaml", key="load-2024-05-01")
            self.assertEqual((again.id, again.repeated), (run.id, True))
            with self.assertRaises(client_module.IdempotencyKeyReused):
                await client.submit("endless.yaml", key="load-2024-05-01")

    async def test_who_waits_hears_of_a_run_whose_node_was_killed(self):
        async with self.client() as client:
            run = await client.submit("endless.yaml")
            seen, started = [], asyncio.Event()

            async def follow():
                async for event in run.events():
                    seen.append(event.id)
                    if event.type == "unit.started":
                        started.set()

            following = asyncio.create_task(follow())
            outcome = asyncio.create_task(run.wait())
            await asyncio.wait_for(started.wait(), PATIENCE)
            self.node.kill()
            self.node.start()
            outcome = await asyncio.wait_for(outcome, PATIENCE)
            await asyncio.wait_for(following, PATIENCE)
            self.assertEqual(outcome.state.value, "failed")
            self.assertTrue(outcome.cause.code)
            self.assertEqual(seen, await self.log(client, run))

    async def test_a_node_that_stays_away_is_reported_when_patience_is_over(self):
        async with self.client(patience=0.5) as client:
            run = await client.submit("endless.yaml")
            waiting = asyncio.create_task(run.wait())
            await anext(run.events())
            self.node.kill()
            with self.assertRaises(client_module.NodeUnreachable) as raised:
                await asyncio.wait_for(waiting, PATIENCE)
            self.assertIn(self.node.address, raised.exception.message)
            with self.assertRaises(client_module.NodeUnreachable):
                await client.submit("p.yaml")


class Local(WithNode):
    def local(self, pipeline, **more):
        return client_module.run_local(pipeline, program=BINARY, state=self.folder / "local", **more)

    def alive(self, run):
        return pathlib.Path(f"/proc/{run._process.pid}").exists()

    async def test_it_runs_and_gives_tables(self):
        outcome = await self.local("p.yaml")
        self.assertEqual((outcome.state.value, outcome.rejected), ("succeeded", 1))
        async with self.local("p.yaml") as run:
            types, again = await asyncio.gather(*[self.types(run) for _ in range(2)])
            self.assertEqual(types, again)
            self.assertEqual((types[0], types[-1]), ("run.queued", "run.succeeded"))
            self.assertEqual((await run.table("arrow")).num_rows, 2)

    async def types(self, run):
        return [event.type async for event in run.events()]

    async def test_a_wrong_pipeline_is_refused(self):
        with self.assertRaises(client_module.PipelineRejected) as refused:
            await self.local("wrong.yaml")
        self.assertEqual(refused.exception.line, 11)
        with self.assertRaises(client_module.SluiceError) as refused:
            await self.local("p.yaml", params={"x": 1})
        self.assertEqual(refused.exception.code, "unknown_param")
        with self.assertRaises(client_module.SluiceError) as refused:
            await client_module.run_local("p.yaml", program="/no/such/program")
        self.assertEqual(refused.exception.code, "program_not_found")

    async def test_cancelling_ends_the_program(self):
        run = self.local("endless.yaml")
        task = asyncio.create_task(run._run_whole())

        async def started():
            return any(event.type == "unit.started" for event in run._seen)

        await until(started, "a run")
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertFalse(self.alive(run))
        self.assertEqual(run._seen[-1].type, "run.cancelled")

    async def test_leaving_the_block_ends_the_run_and_a_killed_program_is_an_error(self):
        async with self.local("endless.yaml") as run:
            await anext(run.events())
            with self.assertRaises(TimeoutError):
                await asyncio.wait_for(run.wait(), 0.2)
            self.assertTrue(self.alive(run))
        self.assertFalse(self.alive(run))
        async with self.local("endless.yaml") as run:
            await anext(run.events())
            run._process.kill()  # what it had started ends with it; the same command would continue
            with self.assertRaises(client_module.SluiceError) as raised:
                await run
            self.assertEqual(raised.exception.code, "outcome_unknown")
        silent = pathlib.Path("silent")
        silent.write_text("#!/bin/sh\necho no >&2\nexit 9\n")
        silent.chmod(0o755)
        with self.assertRaises(client_module.SluiceError) as raised:
            await client_module.run_local("p.yaml", program=silent.absolute())
        self.assertEqual((raised.exception.code, raised.exception.hint), ("outcome_unknown", "no\n"))


class Webhooks(unittest.IsolatedAsyncioTestCase):
    old = "whsec_" + base64.b64encode(b"o" * 32).decode()
    new = "whsec_" + base64.b64encode(b"n" * 32).decode()

    def request(self, number, key, when=None, body=None):
        body = body or json.dumps({"specversion": "1.0", "id": f"r/{number}", "source": "/sluice/runs/r", "type": "run.failed",
                                   "time": "2026-05-01T10:00:00.5Z", "sequence": "0000000001",
                                   "data": {"run": "r", "sequence": number, "cursor": number}})
        when = when or datetime.datetime.now(datetime.timezone.utc)
        return body, {"webhook-id": f"r/{number}", "webhook-timestamp": str(int(when.timestamp())),
                      "webhook-signature": standardwebhooks.Webhook(key).sign(f"r/{number}", when, body)}

    async def send(self, receiver, body, headers):
        async with plain_http() as http:
            return (await http.post(receiver.url, content=body, headers=headers)).status_code

    async def test_signed_events_come_once_and_others_are_refused(self):
        async with client_module.WebhookReceiver(keys=[self.new, self.old]) as receiver:
            for key in (self.new, self.old):  # two keys at once, for changing them
                for number in (1, 1, 2):
                    self.assertEqual(await self.send(receiver, *self.request(number, key)), 204)
            self.assertEqual([(await anext(receiver)).id, (await anext(receiver)).id], ["r/1", "r/2"])
            self.assertTrue(receiver._queue.empty())
            other = "whsec_" + base64.b64encode(b"x" * 32).decode()
            body, headers = self.request(3, self.new)
            old = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
            for what in ((self.request(3, other)), (body + " ", headers), (body, {}), self.request(3, self.new, old),
                         (body, {**headers, "webhook-signature": "v1,!!"})):
                self.assertEqual(await self.send(receiver, *what), 401)
            self.assertEqual(await self.send(receiver, *self.request(4, self.new, body='{"text": "hello"}')), 422)
            self.assertEqual(await self.send(receiver, "x" * 2_000_000, headers), 413)
            async with plain_http() as http:
                self.assertEqual((await http.get(receiver.url)).status_code, 405)
            self.assertTrue(receiver._queue.empty())

    async def test_a_full_queue_asks_the_sender_to_come_again(self):
        async with client_module.WebhookReceiver(keys=[self.new], queue=1) as receiver:
            self.assertEqual(await self.send(receiver, *self.request(1, self.new)), 204)
            self.assertEqual(await self.send(receiver, *self.request(2, self.new)), 503)
            self.assertEqual((await anext(receiver)).id, "r/1")
            self.assertEqual(await self.send(receiver, *self.request(2, self.new)), 204)
            self.assertEqual((await anext(receiver)).sequence, 2)

    async def test_bytes_that_are_no_http_are_answered_with_400(self):
        async with client_module.WebhookReceiver(keys=[self.new]) as receiver:
            host, port = receiver._server.sockets[0].getsockname()
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"\x16\x03\x01\x02 nonsense\r\n\r\n")
            self.assertTrue((await reader.read()).startswith(b"HTTP/1.1 400"))
            writer.close()


class Types(unittest.TestCase):
    def test_the_package_is_typed_strictly(self):
        done = subprocess.run([sys.executable, "-m", "mypy", "--cache-dir", os.devnull], cwd=PACKAGE, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        unittest.main()
