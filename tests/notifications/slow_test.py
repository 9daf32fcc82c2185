"""Receivers that hang and streams that nobody reads, while the log grows: the others hear of everything, and the node needs
no more memory. SLUICE_TEST_EVENTS=100000 for more events than the test has time for."""

import json
import os
import socket
import sqlite3
import unittest
import urllib.request

from command_line import CommandLine, eventually
from node_rules_test import ConfiguredNode
from receiver import Receiver

EVENTS = int(os.environ.get("SLUICE_TEST_EVENTS", "6000"))
STREAMS = 20
BUNDLE = 1000


def memory(pid, what):
    """Bytes, as the kernel counts them."""
    with open(f"/proc/{pid}/status") as lines:
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith(what + ":"))


def http_stream(node):
    request = urllib.request.Request(f"{node.url}/v1/events?after=0", headers={"Authorization": f"Bearer {node.token}"})
    return urllib.request.urlopen(request, timeout=60)


class Slow(CommandLine):
    def test_memory_does_not_grow_with_what_slow_receivers_have_not_taken(self):
        self.read = 0
        receiver = self.enterContext(Receiver())
        receiver.answers["/hang"] = lambda *_: "hang"
        self.write("node.yaml", f"""\
channels:
  hang: {{ webhook: {{ url: "{receiver.url("/hang")}", allow_private: true }} }}
  many: {{ webhook: {{ url: "{receiver.url("/hang")}", allow_private: true }} }}
  log: {{ file: {{ path: {self.folder}/out/log.ndjson, max_size: 1GiB }} }}
notify:
  - {{ name: hang, to: [hang] }}
  - {{ name: many, order: any, to: [many] }}
  - {{ name: log, when: "type = 'checkpoint.completed' and data.epoch = {BUNDLE - 1}", to: [log] }}
""")
        self.write("p.yaml", "version: 1\npipeline: small\nextract: { n: { generate: { rows: 1, columns: { id: sequence } } } }\n"
                             "load: { out: { from: n, blackhole: {} } }\n")
        node = ConfiguredNode(self.folder)
        self.addCleanup(node.stop)
        done = self.sluice("submit", "p.yaml", "--wait", "--to", node.address)
        self.assertEqual(done.returncode, 0, done.stderr)
        for number in range(STREAMS):
            self.never_read(node, web_socket=number % 2 == 1)
        # One that reads hears of everything meanwhile.
        with http_stream(node) as stream:
            self.write_events(0)
            self.until_all_know(stream, BUNDLE)
            before = memory(node.process.pid, "VmHWM")
            for first in range(BUNDLE, EVENTS, BUNDLE):
                self.write_events(first)
                if first % 5000 == 0:
                    self.until_all_know(stream, first + BUNDLE)
            self.until_all_know(stream, EVENTS)
        after = memory(node.process.pid, "VmHWM")
        print(f"{EVENTS} events, {STREAMS} streams that nobody reads, two channels that hang: at most {before / 1e6:.0f} MB "
              f"after {BUNDLE} events, {after / 1e6:.0f} MB at the end")
        # Kept for each stream that nobody reads the events would need three times as much.
        self.assertLess(after - before, 30e6)
        self.assertEqual(self.waiting()["log"], 0)

    def waiting(self):
        listed = json.loads(self.sluice("notify", "list", "--json").stdout)
        return {one["rule"]: one["pending"] for one in listed}

    def until_all_know(self, stream, count):
        """The stream that is read, the file, and the rules whose channels hang."""
        while self.read < count:
            self.read += stream.readline() == b"event: checkpoint.completed\n"
        log = self.folder / "out/log.ndjson"
        eventually(lambda: log.exists() and log.read_bytes().count(b"\n") == count // BUNDLE, "the last event in the file")
        eventually(lambda: min(self.waiting()[name] for name in ("hang", "many")) >= count, "that the rules have read the log")

    def never_read(self, node, web_socket):
        host, port = node.address.split(":")
        stream = socket.socket()
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stream.connect((host, int(port)))
        self.addCleanup(stream.close)
        more = ("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n") if web_socket else ""
        stream.sendall(f"GET /v1/events?after=0 HTTP/1.1\r\nHost: {node.address}\r\nAuthorization: Bearer {node.token}\r\n"
                       f"{more}\r\n".encode())
        status = stream.recv(12).decode()
        self.assertEqual(status, "HTTP/1.1 101" if web_socket else "HTTP/1.1 200")

    def write_events(self, first):
        """As another process on the same state folder does."""
        with sqlite3.connect(self.state / "sluice.db", timeout=60) as database:
            run, last = database.execute("SELECT run, max(sequence) FROM events WHERE run <> '' GROUP BY run").fetchone()
            database.executemany("INSERT INTO events (run, sequence, type, unit, time, data) VALUES (?, ?, ?, '', ?, ?)",
                                 [(run, last + 1 + at, "checkpoint.completed", 1_700_000_000_000_000 + first + at,
                                   json.dumps({"epoch": at, "rows": 10, "state_bytes": 1024})) for at in range(BUNDLE)])
        database.close()


if __name__ == "__main__":
    unittest.main()
