"""The protocol between nodes as docs/wire-format.md describes it, written a second time: how two nodes prove themselves to
each other, and the headers of CAF's protocol behind it."""

import hashlib
import hmac
import os
import pathlib
import re
import socket
import struct

import msgpack

VERSION = 5
ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = re.search(r"project\(sluice VERSION (\d+\.\d+)", (ROOT / "CMakeLists.txt").read_text())[1]
LIMIT = 1024
PATIENCE = 60


def framed(message):
    return struct.pack(">I", len(message)) + message


def hello(name, nonce, port="control", session=""):
    message = {"sluice": VERSION, "kind": "hello", "release": RELEASE, "port": port, "node": name, "nonce": nonce}
    if session:
        message["session"] = session
    return msgpack.packb(message)


def signature(token, role, port, session, dialler, acceptor, dialler_nonce, acceptor_nonce):
    text = b"sluice proof of a node"
    for part in (role, str(VERSION), port, session, dialler, acceptor, dialler_nonce, acceptor_nonce):
        part = part.encode() if isinstance(part, str) else part
        text += struct.pack(">I", len(part)) + part
    return hmac.new(token.encode(), text, hashlib.sha256).digest()


def receive(connection, size):
    got = b""
    while len(got) < size:
        more = connection.recv(size - len(got))
        if not more:
            raise ConnectionError("closed")
        got += more
    return got


def receive_message(connection):
    size = struct.unpack(">I", receive(connection, 4))[0]
    if size > LIMIT:
        raise ConnectionError(f"a message of {size} bytes")
    return msgpack.unpackb(receive(connection, size))


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def dial(port, token, name="stranger", kind="control", session=""):
    """A proven connection to a node; raises ConnectionError where the node refuses."""
    connection = connect(port)
    try:
        nonce = os.urandom(32)
        connection.sendall(framed(hello(name, nonce, kind, session)))
        challenge = receive_message(connection)
        if challenge["kind"] != "challenge":
            raise ConnectionError(str(challenge))
        about = (kind, session, name, challenge["node"], nonce, challenge["nonce"])
        answer = {"sluice": VERSION, "kind": "answer", "signature": signature(token, "dial", *about)}
        connection.sendall(framed(msgpack.packb(answer)))
        welcome = receive_message(connection)
        if welcome["kind"] != "welcome" or welcome["signature"] != signature(token, "accept", *about):
            raise ConnectionError(str(welcome))
    except Exception:
        connection.close()
        raise
    return connection


def basp(operation, payload=b"", data=0, source=0, to=0, flags=0, length=None):
    """A message of CAF's protocol, version 3."""
    return struct.pack(">BxxBIQQQ", operation, flags, len(payload) if length is None else length, data, source, to) + payload


def atom(text):
    """How CAF writes a short text as a number."""
    value = 0xF
    for character in text:
        value = value << 6 | " 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz".index(character)
    return struct.pack(">Q", value)


def node_id(process=4711, host=b"h" * 20):
    return atom("default") + struct.pack(">I", process) + host


def message(type_name, fields=b""):
    """The payload of a message without actors on its way."""
    text = b"@<>+" + type_name.encode()
    size = bytes([len(text)]) if len(text) < 128 else bytes([len(text) & 127 | 128, len(text) >> 7])
    return b"\0\0\0" + size + text + fields
