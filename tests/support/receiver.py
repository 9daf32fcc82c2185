"""A receiver of webhooks that answers as a test wants it: each path of it is one channel."""

import json
import socket
import struct
import threading
import time


class Request:
    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body
        self.at = time.monotonic()

    @property
    def id(self):
        return self.headers.get("webhook-id")

    @property
    def json(self):
        return json.loads(self.body)


class Receiver:
    """Runs while the `with` lasts. `answers[path]` is called with the request and the number of earlier ones on that
    path, and gives (status, headers) or one of the words hang, half, reset, slow; default 200."""

    def __init__(self):
        self.answers = {}
        self.requests = []  # all that were read whole
        self.taken = []  # those answered with 2xx
        self.lock = threading.Lock()
        self.over = threading.Event()

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.socket.close()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def of(self, path):
        with self.lock:
            return [request for request in self.requests if request.path == path]

    def taken_of(self, path):
        with self.lock:
            return [request for request in self.taken if request.path == path]

    def _accept(self):
        while not self.over.is_set():
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            stream = connection.makefile("rb")
            while (request := self._read(stream)) is not None:
                with self.lock:
                    before = sum(1 for one in self.requests if one.path == request.path)
                    self.requests.append(request)
                if not self._answer(connection, request, before):
                    return

    @staticmethod
    def _read(stream):
        try:
            first = stream.readline().decode()
            if not first:
                return None
            headers = {}
            while (line := stream.readline().decode().rstrip("\r\n")):
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            body = stream.read(int(headers.get("content-length", 0)))
        except OSError:
            return None
        return Request(first.split()[1], headers, body)

    def _answer(self, connection, request, before):
        wanted = self.answers.get(request.path, lambda *_: (200, {}))(request, before)
        if wanted == "hang":
            self.over.wait(60)
            return False
        if wanted == "half":
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
            self.over.wait(60)
            return False
        if wanted == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if wanted == "slow":
            self.over.wait(2)
            wanted = (200, {})
        status, headers = wanted
        if 200 <= status < 300:
            with self.lock:
                self.taken.append(request)
        text = b"" if status == 204 else f"answer {status} of {request.path}".encode()
        lines = [f"HTTP/1.1 {status} X"] + [f"{name}: {value}" for name, value in headers.items()]
        if status != 204:
            lines.append(f"content-length: {len(text)}")
        try:
            connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + text)
        except OSError:
            return False
        return True
