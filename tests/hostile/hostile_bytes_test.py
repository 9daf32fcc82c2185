"""Bytes from strangers: each port of a node gets more than 10,000 messages that no node or client sends, among them every
operation of CAF's protocol and real handshakes, replayed, cut and changed. The nodes live, stay small and answer health
checks meanwhile, and afterwards a run over both succeeds."""

import os
import pathlib
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import msgpack

import node_protocol as protocol
from command_line import PATIENCE, eventually

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cluster"))
from two_nodes_test import Node, PIPELINE, listening, peak_kilobytes  # noqa: E402

SLUICE = os.path.abspath(os.environ["SLUICE_BINARY"])
STRANGER = os.path.abspath(os.environ["SLUICE_STRANGER"])
MESSAGES = 10_500  # to each port
MEMORY = 128 * 1024  # kilobytes, the most that a node may ever have
HEALTH = 0.1  # seconds within which health checks are answered, the machine's own delays aside
SEED = int(os.environ.get("SLUICE_SEED", "20261129"))


def changed(rng, data):
    """A message with some bytes changed, cut, doubled or added."""
    out = bytearray(data)
    for _ in range(rng.randrange(1, 9)):
        out[rng.randrange(len(out))] = rng.randrange(256)
    kind = rng.randrange(6)
    if kind == 0:
        out = out[:rng.randrange(1, len(out))]
    elif kind == 1:
        at = rng.randrange(len(out))
        out[at:at] = rng.randbytes(rng.randrange(1, 40))
    elif kind == 2:
        out = out + out
    return bytes(out)


def caf_messages(rng):
    """Every operation of CAF's protocol, with lengths, flags and numbers right, at the edge and random; endless."""
    lengths = (0, 1, 31, 32, 64, 65536, 65537, 1 << 20, 256 << 20, (256 << 20) + 1, 0x7FFFFFFF, 0xFFFFFFFF)
    numbers = (0, 1, 2, 3, 17, 1 << 60, 1 << 63, (1 << 64) - 1)
    payloads = (b"", b"\0", protocol.node_id(), protocol.node_id() * 2, protocol.message("@exit"), protocol.message("@down"),
                protocol.message("@atom+@strong_actor_ptr"), protocol.message("sluice::actors::leave"), b"\xff" * 64)
    while True:
        for operation in range(9):
            body = rng.choice(payloads)
            claimed = None if rng.random() < 0.5 else rng.choice(lengths)
            first = protocol.basp(operation, body, rng.choice(numbers), rng.choice(numbers), rng.choice(numbers), rng.randrange(4), claimed)
            if rng.random() < 0.3:  # behind a handshake as it should be
                first = protocol.basp(rng.randrange(2), protocol.node_id(rng.randrange(9)), rng.choice((0, 3))) + first
            yield first


def node_messages(rng, kind, recorded):
    """For a port between nodes: openings of the proof that go wrong, what was recorded, and anything else; endless."""
    caf = caf_messages(rng)
    hello = protocol.framed(protocol.hello("n7", rng.randbytes(32), kind, "s"))
    answer = protocol.framed(msgpack.packb({"sluice": 2, "kind": "answer", "signature": rng.randbytes(32)}))
    odd = [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(200), b"\0" * 32,
           b"\x01" + b"\0" * 31, b"\xff" * 32]
    while True:
        yield next(caf)
        yield changed(rng, hello)
        yield hello + changed(rng, answer)
        yield hello[:rng.randrange(1, len(hello))]
        yield struct.pack(">I", rng.choice((0, 1, 1024, 1025, 1 << 22, 0xFFFFFFFF))) + rng.randbytes(rng.randrange(60))
        yield rng.randbytes(rng.randrange(1, 400))
        yield rng.choice(odd)
        for stream in recorded:
            yield stream
            yield changed(rng, stream)
            yield changed(rng, stream[:600])
            yield stream[:rng.randrange(1, len(stream))]


def http_messages(rng):
    get = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    post = b"POST /v1/runs HTTP/1.1\r\nHost: localhost\r\n"
    while True:
        yield changed(rng, get)
        yield changed(rng, post + b"Content-Length: 5\r\n\r\nhello")
        yield post + b"Transfer-Encoding: chunked\r\n\r\n5;a=" + b"x" * rng.randrange(2000)
        yield post + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n" + b"X: y\r\n" * rng.randrange(300)
        yield post + b"Content-Length: " + rng.choice((b"-1", b"1e9", b"16777216", b"16777217", b"99999999999999999999")) + b"\r\n\r\n" + b"x" * 999
        yield post + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc"
        yield post + b"Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n"
        yield b"GET /healthz HTTP/1.1\r\n" + b"a:\r\n" * rng.randrange(4000) + b"\r\n"
        yield b"GET /v1/runs HTTP/1.1\r\nAuthorization: Bearer " + rng.randbytes(rng.randrange(1, 90)).hex().encode() + b"\r\n\r\n"
        yield b"GET /" + rng.choice((b"%00", b"%zz", b"..%2f" * 20, b"v1/runs/%ff/rejects", b"a" * 17000)) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
        yield b"GET /healthz HTTP/1.1\r\nX: " + b"y" * rng.randrange(20000)
        yield get * rng.randrange(2, 9)
        yield rng.randbytes(rng.randrange(1, 400))
        yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + rng.randbytes(50)


class Attacker(threading.Thread):
    """Sends messages to a port, each over a connection of its own, and keeps some of them open. Now and then it waits for an
    answer, so that the port is under steady attack and not just buried under more than a busy machine can work off."""

    OPEN = 100
    WITHOUT_ANSWER = 20

    def __init__(self, port, messages, count, question):
        super().__init__()
        self.port, self.messages, self.count, self.question = port, messages, count, question
        self.sent = 0
        self.failure = None

    def run(self):
        held = []
        rng = random.Random(self.port)
        try:
            for number in range(self.count):
                if number % self.WITHOUT_ANSWER == 0:
                    self.wait_for_answer()
                connection = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
                # Closed with a reset: so no port stays taken, however many connections there were.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                try:
                    connection.sendall(next(self.messages))
                    if rng.random() < 0.1:
                        connection.shutdown(socket.SHUT_WR)
                except OSError:
                    pass  # refused before all was sent
                self.sent += 1
                held.append(connection)
                if len(held) > self.OPEN:
                    held.pop(rng.randrange(len(held))).close()
        except Exception as problem:  # told by the test
            self.failure = problem
        for connection in held:
            connection.close()


    def wait_for_answer(self):
        with protocol.connect(self.port) as connection:
            connection.sendall(self.question)
            if not connection.recv(4096):
                raise AssertionError("no answer")


class Pulse(threading.Thread):
    """Asks a node how it is, and a process of its own that does nothing else, in turn: what that one takes longer is the
    machine's and this process's own delay."""

    ECHO = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    while True:
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 200 OK")
"""

    def __init__(self, port):
        super().__init__()
        self.port = port
        self.answers, self.idle = [], []
        self.wrong = []
        self.over = threading.Event()
        self.echo = subprocess.Popen([sys.executable, "-c", self.ECHO], stdout=subprocess.PIPE, text=True)
        self.echo_port = int(self.echo.stdout.readline())

    def ask(self, port):
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            got = connection.recv(1000)
        return time.monotonic() - began, got.startswith(b"HTTP/1.1 200")

    def run(self):
        while not self.over.wait(0.02):
            for port, kept in ((self.port, self.answers), (self.echo_port, self.idle)):
                try:
                    took, well = self.ask(port)
                except OSError as problem:
                    self.wrong.append(problem)
                    continue
                kept.append(took)
                if not well:
                    self.wrong.append("no 200")

    def stop(self):
        self.over.set()
        self.join()
        self.echo.kill()
        self.echo.communicate()


def recorded_join(folder, first):
    """What a worker and the first node say to each other while the worker joins."""
    listener = socket.create_server(("127.0.0.1", 0))
    said = {"worker": [], "first": []}

    def pump(source, sink, kept):
        try:
            while data := source.recv(65536):
                kept.append(data)
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def serve():
        inside, _ = listener.accept()
        outside = socket.create_connection(("127.0.0.1", int(first.cluster.split(":")[1])))
        threads = [threading.Thread(target=pump, args=way)
                   for way in ((inside, outside, said["worker"]), (outside, inside, said["first"]))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        inside.close()
        outside.close()

    server = threading.Thread(target=serve)
    server.start()
    worker = Node("n9", folder, "--join", "127.0.0.1:%d" % listener.getsockname()[1])
    worker.stop()
    server.join(PATIENCE)
    listener.close()
    return b"".join(said["worker"]), b"".join(said["first"])


def ports_of(node):
    control, http = int(node.cluster.split(":")[1]), int(node.http.split(":")[1])
    data = listening(node.process.pid) - {control, http}
    assert len(data) == 1, data
    return {"control": control, "http": http, "data": data.pop()}


class HostileBytes(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        self.nodes = []
        with open(self.path / "orders.csv", "w") as file:
            file.write("id,name,amount\n")
            file.writelines(f"{i},name{i % 17},{i * 7919 % 1000}.25\n" for i in range(20000))

    def tearDown(self):
        for node in reversed(self.nodes):
            if node.process.poll() is None:
                node.stop()
        self.folder.cleanup()

    def start(self, name, *flags):
        self.nodes.append(Node(name, self.path, *flags))
        return self.nodes[-1]

    def run_over_both(self, first):
        run = first.submit(PIPELINE, self.path, out="after")
        last = list(first.events(run))[-1]
        self.assertEqual(last["type"], "run.succeeded", last)

    def test_nodes_outlive_strangers(self):
        first = self.start("n1")
        worker_said, first_said = recorded_join(self.path, first)
        for said in (worker_said, first_said):
            self.assertNotIn(first.token.encode(), said)
        rng = random.Random(SEED)
        with self.subTest("the recording is of a whole join"):
            self.assertIn(b"join_cluster", worker_said)
            self.assertIn(b"@<>+sluice::cluster::joined", first_said)
        ports = ports_of(first)
        pulse = Pulse(ports["http"])
        # A proof that does not go on is answered too: by a challenge, or on the data port by a refusal.
        hello = {kind: protocol.framed(protocol.hello("n7", rng.randbytes(32), kind, "s" * (kind == "data"))) for kind in ("control", "data")}
        attackers = [
            Attacker(ports["control"], node_messages(random.Random(rng.random()), "control", (worker_said, first_said)), MESSAGES, hello["control"]),
            Attacker(ports["data"], node_messages(random.Random(rng.random()), "data", (worker_said,)), MESSAGES, hello["data"]),
            Attacker(ports["http"], http_messages(random.Random(rng.random())), MESSAGES, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")]
        pulse.start()
        for attacker in attackers:
            attacker.start()
        for attacker in attackers:
            attacker.join()
        pulse.stop()
        self.assertIsNone(first.process.poll(), first.logged()[-2000:])
        for attacker in attackers:
            self.assertIsNone(attacker.failure, f"seed {SEED}: {attacker.failure!r} {first.logged()[-500:]}")
            self.assertGreaterEqual(attacker.sent, 10_000)
        self.assertEqual(pulse.wrong, [], f"seed {SEED}")
        self.assertGreater(len(pulse.answers), 20)
        for share in (0.5, 0.99):
            answer, idle = (sorted(kept)[int(share * (len(kept) - 1))] for kept in (pulse.answers, pulse.idle))
            self.assertLess(answer, HEALTH + 3 * idle, f"of {share:.0%} of {len(pulse.answers)} health checks; seed {SEED}")
        self.assertLess(peak_kilobytes(first.process.pid), MEMORY)
        self.assertLess(len(first.logged()), 100_000)  # strangers don't fill the disk
        self.assertEqual([n["name"] for n in first.json("/v1/nodes")["nodes"]], ["n1"])
        self.assertEqual(first.get("/readyz", token=False), "ready\n")
        self.start("n2", "--join", first.cluster)
        self.run_over_both(first)

    def test_a_client_of_caf_without_the_token_gets_nowhere(self):
        first = self.start("n1")
        worker = self.start("n2", "--join", first.cluster)
        for node in (first, worker):
            for port in ports_of(node).values():
                tried = subprocess.run([STRANGER, "dial", str(port)], capture_output=True, text=True, timeout=PATIENCE)
                self.assertEqual(tried.returncode, 0, tried.stdout)
                self.assertIn("no actor", tried.stdout)
        self.assertIn("refused a control connection", first.logged())
        self.assertEqual(first.get("/readyz", token=False), "ready\n")
        self.run_over_both(first)

    def test_a_node_does_not_join_a_stranger(self):
        stranger = subprocess.Popen([STRANGER, "listen"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            port = stranger.stdout.readline().split()[1]
            joining = subprocess.run(
                [SLUICE, "node", "--state", str(self.path / "s"), "--name", "n2", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0",
                 "--join", f"127.0.0.1:{port}"], capture_output=True, text=True, timeout=2 * PATIENCE)
            self.assertNotEqual(joining.returncode, 0)
            self.assertIn("error[join_failed]", joining.stderr)
            self.assertRegex(joining.stderr, "does not speak the protocol between nodes|did not prove within 5 s")
        finally:
            told, _ = stranger.communicate(timeout=PATIENCE)
        self.assertEqual(told, "")

    def test_another_token_is_said_to_who_joins(self):
        first = self.start("n1")
        (self.path / "other").mkdir()
        joining = subprocess.run(
            [SLUICE, "node", "--state", str(self.path / "other"), "--name", "n2", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0",
             "--join", first.cluster], capture_output=True, text=True, timeout=2 * PATIENCE)
        self.assertIn("the token of the other node is different", joining.stderr)
        self.assertIn("SLUICE_TOKEN", joining.stderr)
        eventually(lambda: "its token is not the token of this node" in first.logged(), "the refusal in the log")

    def test_what_a_proven_stranger_sends_of_caf_ends_no_actor(self):
        """The protocol as documented, written a second time; then what would end actors, to every number of one."""
        first = self.start("n1")
        control = ports_of(first)["control"]
        with protocol.dial(control, first.token) as connection:
            connection.sendall(protocol.basp(1, protocol.node_id()))
            for number in range(1, 200):
                for name in ("@exit", "@down", "sluice::actors::shut_down", "@atom+@strong_actor_ptr", "sluice::cluster::stop_node"):
                    connection.sendall(protocol.basp(2, protocol.message(name, b"\0" * 64), 1 << 60, 3, number))
            eventually(lambda: "node stranger: dropped a message that is only allowed within a node: @<>+@exit" in first.logged(), "a dropped message")
        rng = random.Random(SEED)
        for message, _ in zip(caf_messages(rng), range(1000)):
            try:
                with protocol.dial(control, first.token) as connection:
                    connection.sendall(protocol.basp(1, protocol.node_id(rng.randrange(1, 9))) + message)
            except OSError:
                pass
        self.assertIsNone(first.process.poll(), first.logged()[-2000:])
        self.assertEqual(first.get("/readyz", token=False), "ready\n")
        self.start("n2", "--join", first.cluster)
        self.run_over_both(first)
        self.assertLess(peak_kilobytes(first.process.pid), 2 * MEMORY)

    def test_health_checks_and_joins_get_through_held_connections(self):
        first = self.start("n1")
        ports = ports_of(first)
        held = []
        begins = {"control": b"\0\0", "data": b"\0\0", "http": b"POST /v1/runs HTTP/1.1\r\nHost: localhost\r\n"}
        for name, begin in begins.items():
            for _ in range(700):
                connection = protocol.connect(ports[name])
                connection.sendall(begin)
                held.append(connection)
        try:
            for _ in range(50):
                self.assertEqual(first.get("/healthz", token=False), "ok\n")
            self.start("n2", "--join", first.cluster)
            self.run_over_both(first)
        finally:
            for connection in held:
                connection.close()
        self.assertLess(peak_kilobytes(first.process.pid), MEMORY)


if __name__ == "__main__":
    unittest.main()
