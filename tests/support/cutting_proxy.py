"""A TCP proxy that sees what a client sends, and cuts the connection, or does something else first, at a chosen moment."""

import socket
import threading


class CuttingProxy:
    """Stands before a server on 127.0.0.1. `when(bytes of the client) -> None | "before" | "after"` is asked for each
    piece that the client sends: "before" cuts the connection and the server gets nothing of the piece, "after" cuts it
    when the server has answered, whose answer is lost. After `limit` bytes of the server a connection is cut."""

    def __init__(self, port, when=lambda piece: None):
        self.server, self.when, self.cuts = port, when, 0
        self.limit = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.server))
            except OSError:
                client.close()
                continue
            state = {"drop": False}
            threading.Thread(target=self._to_server, args=(client, server, state), daemon=True).start()
            threading.Thread(target=self._to_client, args=(server, client, state), daemon=True).start()

    @staticmethod
    def _end(*sockets):
        for each in sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()  # else who still sends would wait for ever

    def _to_server(self, client, server, state):
        try:
            while piece := client.recv(1 << 16):
                verdict = self.when(piece)  # other connections go on meanwhile
                self.cuts += verdict is not None
                if verdict == "before":
                    break
                state["drop"] = verdict == "after"
                server.sendall(piece)
        except OSError:
            pass
        self._end(client, server)

    def _to_client(self, server, client, state):
        passed = 0
        try:
            while piece := server.recv(1 << 16):
                if state["drop"] or (self.limit is not None and passed > self.limit):
                    break
                passed += len(piece)
                client.sendall(piece)
        except OSError:
            pass
        self._end(client, server)


def nth(text, number, verdict):
    """The verdict for the piece in which `text` occurs for the `number`th time."""
    seen = 0

    def when(piece):
        nonlocal seen
        if text not in piece:
            return None
        seen += 1
        return verdict() if callable(verdict) and seen == number else verdict if seen == number else None

    return when
