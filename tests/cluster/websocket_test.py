"""Events over WebSocket, read by a public library: the same objects as in the other streams, continued by cursor."""

import json
import pathlib
import socket
import tempfile
import unittest
import urllib.error
import urllib.request

import websocket

from command_line import ENDLESS, ORDERS, PATIENCE, STARTER, eventually
from real_node import RealNode


class WebSocket(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = pathlib.Path(cls.temporary.name)
        (cls.folder / "orders.csv").write_text(ORDERS)
        cls.node = RealNode(cls.folder)
        cls.addClassCleanup(cls.node.stop)

    def ask(self, path, body=None):
        request = urllib.request.Request(self.node.url + path, json.dumps(body).encode() if body is not None else None,
                                         {"Authorization": "Bearer " + self.node.token})
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    def submit(self, text=STARTER):
        return self.ask("/v1/runs", {"text": text, "file": "p.yaml", "base_folder": str(self.folder)})["run"]

    def connect(self, path, token=None, **more):
        made = websocket.create_connection(f"ws://{self.node.address}{path}", timeout=PATIENCE,
                                           header=["Authorization: Bearer " + (token or self.node.token)], **more)
        self.addCleanup(made.close)
        return made

    def all_of(self, connection):
        """What it says until it closes, and the code with which it does."""
        got = []
        while True:
            kind, data = connection.recv_data()
            if kind == websocket.ABNF.OPCODE_CLOSE:
                return got, int.from_bytes(data[:2], "big")
            self.assertEqual(kind, websocket.ABNF.OPCODE_TEXT)
            got.append(json.loads(data))

    def test_a_run_is_followed_to_its_last_event_and_closed_normally(self):
        run = self.submit()
        connection = self.connect(f"/v1/runs/{run}/events", subprotocols=["cloudevents.json", "other"])
        self.assertEqual(connection.subprotocol, "cloudevents.json")
        got, code = self.all_of(connection)
        self.assertEqual(code, 1000)
        self.assertEqual([one["data"]["sequence"] for one in got], list(range(1, len(got) + 1)))
        self.assertEqual(got[-1]["type"], "run.succeeded")
        polled = self.ask(f"/v1/runs/{run}/events?wait=0s&limit=1000")["events"]
        self.assertEqual(got, polled)
        # From the last cursor on there is nothing more.
        after = got[-2]["data"]["cursor"]
        self.assertEqual(self.all_of(self.connect(f"/v1/runs/{run}/events?after={after}")), ([got[-1]], 1000))

    def test_a_broken_connection_is_continued_without_a_gap(self):
        run = self.submit(ENDLESS)
        first = self.connect("/v1/events")
        got = []
        while not got or got[-1]["data"].get("run") != run:
            got.append(json.loads(first.recv()))
        first.sock.close()  # without a word
        second = self.connect(f"/v1/events?after={got[-1]['data']['cursor']}")
        second.ping("are you there")
        eventually(lambda: self.ask(f"/v1/runs/{run}").get("progress"), "progress")
        self.ask(f"/v1/runs/{run}/cancel", {})
        while got[-1]["type"] != "run.cancelled":
            got.append(json.loads(second.recv()))
        cursors = [one["data"]["cursor"] for one in got]
        self.assertEqual(cursors, list(range(1, len(cursors) + 1)))
        second.send("what a client says is not looked at")
        second.close()

    def test_a_stream_of_a_run_has_its_progress_where_that_is_asked_for(self):
        run = self.submit(ENDLESS)
        connection = self.connect(f"/v1/runs/{run}/events?progress=100ms")
        got = []
        while not got or got[-1]["type"] != "run.progress":
            got.append(json.loads(connection.recv()))
        self.assertEqual((got[-1]["data"]["run"], got[-1]["data"]["cursor"]), (run, 0))
        self.assertEqual([one["unit"] for one in got[-1]["data"]["units"]], ["numbers", "out"])
        self.ask(f"/v1/runs/{run}/cancel", {})
        rest, code = self.all_of(connection)
        self.assertEqual((rest[-1]["type"], code), ("run.cancelled", 1000))
        # It is in no log, and nothing is missing beside it.
        stored = [one for one in got + rest if one["type"] != "run.progress"]
        self.assertEqual(stored, self.ask(f"/v1/runs/{run}/events?wait=0s&limit=1000")["events"])

    def test_a_stream_of_lines_stays_open_while_it_waits(self):
        run = self.submit(ENDLESS)
        request = urllib.request.Request(f"{self.node.url}/v1/runs/{run}/events?progress=100ms",
                                         headers={"Authorization": "Bearer " + self.node.token, "Accept": "application/x-ndjson"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as stream:
            types = []
            # It is told only while the stream waits.
            while types.count("run.progress") < 2:
                types.append(json.loads(stream.readline())["type"])
            self.ask(f"/v1/runs/{run}/cancel", {})
            types += [json.loads(line)["type"] for line in stream]
        self.assertEqual(types[-1], "run.cancelled")

    def test_what_is_no_websocket_is_refused(self):
        with self.assertRaises(websocket.WebSocketBadStatusException) as refused:
            self.connect("/v1/events", token="wrong")
        self.assertEqual(refused.exception.status_code, 401)
        for path, status in (("/v1/runs/nothing/events", 404), ("/v1/events?after=x", 400), ("/v1/events?wait=1s", 400)):
            with self.assertRaises(websocket.WebSocketBadStatusException) as refused:
                self.connect(path)
            self.assertEqual(refused.exception.status_code, status)
        with socket.create_connection(self.node.address.split(":"), timeout=PATIENCE) as raw:
            raw.sendall(f"GET /v1/events HTTP/1.1\r\nHost: {self.node.address}\r\nUpgrade: websocket\r\nAuthorization: Bearer "
                        f"{self.node.token}\r\n\r\n".encode())
            answer = raw.recv(10000).decode()
        self.assertTrue(answer.startswith("HTTP/1.1 400 "), answer)
        self.assertIn("malformed_request", answer)

    def test_the_token_may_come_as_a_subprotocol_as_web_pages_send_it(self):
        run = self.submit()
        url = f"ws://{self.node.address}/v1/runs/{run}/events"

        def offers(*protocols):
            made = websocket.create_connection(url, timeout=PATIENCE, subprotocols=list(protocols))
            self.addCleanup(made.close)
            return made

        connection = offers("cloudevents.json", "sluice.bearer." + self.node.token)
        self.assertEqual(connection.subprotocol, "cloudevents.json")  # the token is not sent back
        self.assertEqual(self.all_of(connection)[0][-1]["type"], "run.succeeded")
        for protocols, status in ((("cloudevents.json", "sluice.bearer.wrong"), 401), (("cloudevents.json",), 401),
                                  (("sluice.bearer." + self.node.token,), 400)):
            with self.assertRaises(websocket.WebSocketBadStatusException) as refused:
                offers(*protocols)
            self.assertEqual(refused.exception.status_code, status)
        # Elsewhere it counts for nothing.
        request = urllib.request.Request(self.node.url + "/v1/runs", headers={"Sec-WebSocket-Protocol": "sluice.bearer." + self.node.token})
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        self.assertEqual(refused.exception.code, 401)

    def test_a_client_that_sends_too_much_is_closed(self):
        connection = self.connect("/v1/events")
        connection.send("x" * 10_000)
        frame = connection.recv_frame()
        while frame.opcode != websocket.ABNF.OPCODE_CLOSE:
            frame = connection.recv_frame()
        self.assertEqual(int.from_bytes(frame.data[:2], "big"), 1009)  # message too big
        connection.shutdown()


if __name__ == "__main__":
    unittest.main()
