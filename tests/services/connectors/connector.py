"""What the suite asks of a connector, and the columns that all of them carry."""

import datetime
import decimal

COLUMNS = {"id": "bigint", "name": "text", "ok": "boolean", "amount": "decimal(12,2)", "ratio": "double", "day": "date",
           "at": "timestamptz", "note": "text"}


def typed(row):
    """The values of a row as Python has them, whatever text or number a system keeps them as."""
    read = {"id": int, "name": str, "ok": lambda value: str(value).lower() in ("true", "t", "1"),
            "amount": lambda value: decimal.Decimal(str(value)).quantize(decimal.Decimal("0.01")), "ratio": float, "day": str,
            "at": lambda value: datetime.datetime.fromisoformat(str(value).replace("Z", "+00:00")), "note": str}
    return {name: None if row[name] is None else read[name](row[name]) for name in read}


class Connector:
    """`place` is a name that a test has for itself: of a topic, queue, table or file."""

    connected = True        # there is a server, and a unit may have `retry:`
    endless = False         # the source reads on until it is drained
    at_least_once = False   # the sink may write rows again after a failure
    many = 70_000           # rows: more than one batch
    mode = "append"         # of the sink
    columns = COLUMNS       # that the source is told; a system with types of its own is told nothing
    # Cases that do not apply, by role and name, and why.
    not_for = {}

    def __init__(self, stack):
        """Starts the server; it ends with the stack."""

    def make(self, test, place, parts=1):
        """An empty topic, queue, table or folder, in so many partitions where it has them."""

    def put(self, test, place, rows):
        """Adds rows, each a dict of COLUMNS or of `id` alone."""
        raise NotImplementedError

    def rows(self, test, place):
        """What a reader of the system sees now."""
        raise NotImplementedError

    def source(self, place, **how):
        """The component of an extract unit. `parts`: to be read in parallel; `once`: ends with what is there; `through`: a
        port of 127.0.0.1 in the place of the server's."""
        raise NotImplementedError

    def sink(self, place, **how):
        raise NotImplementedError

    def missing(self, role):
        """A component that names what is not there, and the code of the error."""
        raise NotImplementedError

    def unreachable(self, role):
        """A component that names a server that is not there, and the code of the error."""
        raise NotImplementedError

    def cut(self):
        """Ends all connections; the server goes on."""
        raise NotImplementedError

    def restart(self):
        raise NotImplementedError
