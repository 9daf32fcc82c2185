"""A PostgreSQL of a test's own (tests/services/postgres.sh), and a connection to it through libpq."""

import ctypes
import ctypes.util
import pathlib
import shutil
import socket
import subprocess
import tempfile

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "services/postgres.sh"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """Runs while the `with` lasts; `port` on 127.0.0.1, user and database postgres."""

    def __enter__(self):
        # The server runs as another user than root, who must be able to enter the folder.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-postgres-"))
        self.folder.chmod(0o755)
        for _ in range(5):  # another process may take the port first
            self.port = free_port()
            started = subprocess.run([SCRIPT, "start", self.folder, str(self.port)], capture_output=True, text=True)
            if started.returncode == 0:
                return self
        shutil.rmtree(self.folder, ignore_errors=True)
        raise RuntimeError(f"PostgreSQL did not start:\n{started.stderr}")

    def __exit__(self, *_):
        subprocess.run([SCRIPT, "stop", self.folder, str(self.port)], check=True, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, settings=""):
        return Connection(f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres {settings}")


class DatabaseError(Exception):
    """What the server answered; `state` is its SQLSTATE."""

    def __init__(self, state, message):
        super().__init__(f"{state} {message.strip()}")
        self.state = state


def _library():
    library = ctypes.CDLL(ctypes.util.find_library("pq") or "libpq.so.5")
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    for name, result, arguments in (("PQconnectdb", pointer, [text]), ("PQstatus", number, [pointer]),
                                    ("PQerrorMessage", text, [pointer]), ("PQfinish", None, [pointer]),
                                    ("PQexec", pointer, [pointer, text]), ("PQresultStatus", number, [pointer]),
                                    ("PQresultErrorField", text, [pointer, number]),
                                    ("PQresultErrorMessage", text, [pointer]), ("PQclear", None, [pointer]),
                                    ("PQntuples", number, [pointer]), ("PQnfields", number, [pointer]),
                                    ("PQgetisnull", number, [pointer, number, number]),
                                    ("PQgetvalue", text, [pointer, number, number])):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class Connection:
    COMMAND_OK, TUPLES_OK, SQLSTATE = 1, 2, ord("C")

    def __init__(self, where):
        self.library = _library()
        self.handle = self.library.PQconnectdb((where + " client_encoding=UTF8").encode())
        if self.library.PQstatus(self.handle) != 0:
            raise RuntimeError(self.library.PQerrorMessage(self.handle).decode())
        self.run("set client_min_messages = error")

    def run(self, sql):
        """Runs SQL; the rows of the last statement, values as text or None. Raises DatabaseError."""
        made = self.library.PQexec(self.handle, sql.encode())
        try:
            if self.library.PQresultStatus(made) not in (self.COMMAND_OK, self.TUPLES_OK):
                state = self.library.PQresultErrorField(made, self.SQLSTATE)
                raise DatabaseError((state or b"").decode(), self.library.PQresultErrorMessage(made).decode())
            columns = range(self.library.PQnfields(made))
            return [tuple(None if self.library.PQgetisnull(made, row, column)
                          else self.library.PQgetvalue(made, row, column).decode() for column in columns)
                    for row in range(self.library.PQntuples(made))]
        finally:
            self.library.PQclear(made)

    def close(self):
        self.library.PQfinish(self.handle)
        self.handle = None
