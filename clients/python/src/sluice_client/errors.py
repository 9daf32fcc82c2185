"""What can go wrong, as typed exceptions that carry the node's own code, message and hint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .models import Outcome


@dataclass(frozen=True)
class Fault:
    """An error as Sluice reports it. `sluice help CODE` explains the code."""

    code: str
    message: str
    hint: str = ""
    where: str = ""
    file: str = ""
    line: int = 0  #: from 1; 0: unknown
    column: int = 0
    blame: str = ""  #: user, external or internal; empty: not said
    retry: bool = False  #: trying again can help

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> Fault:
        def text(key: str) -> str:
            value = json.get(key)
            return value if isinstance(value, str) else ""

        def number(key: str) -> int:
            value = json.get(key)
            return value if isinstance(value, int) else 0

        return cls(text("code"), text("message"), text("hint"), text("where"), text("file"), number("line"),
                   number("column"), text("blame"), json.get("retry") is True)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else ""
        where = f"{self.where}: " if self.where else ""
        return f"[{self.code}] {place}{where}{self.message}" + (f" ({self.hint})" if self.hint else "")


class SluiceError(Exception):
    """Base of all errors of this package. `code`, `message`, `hint`, `where`, `file`, `line` and `column` are the fault's."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.code = fault.code
        self.message = fault.message
        self.hint = fault.hint
        self.where = fault.where
        self.file = fault.file
        self.line = fault.line
        self.column = fault.column


class NotStarted(SluiceError):
    """A deployed pipeline was triggered, but there is no run: the pipeline can't be planned, or another run is in its way."""


class NodeUnreachable(SluiceError):
    """Nobody listens there, or the connection broke and did not come back in time. Whether a request took effect is unknown."""


class Unauthorized(SluiceError):
    """The token is missing or wrong."""


class RunNotFound(SluiceError):
    """There is no such run."""


class AlreadyRunning(SluiceError):
    """A run of the pipeline is active, and it reads incremental sources."""


class IdempotencyKeyReused(SluiceError):
    """The key of a submission was used for another one."""


class PipelineRejected(SluiceError):
    """The pipeline can't be run. `faults` has all its faults, each with its place in the file."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(faults[0])
        self.faults = list(faults)

    def __str__(self) -> str:
        return "\n".join(str(each) for each in self.faults)


class RunNotSucceeded(SluiceError):
    """Raised by `Outcome.raise_for_state`: the run failed, was cancelled, or loaded with more rejects than allowed."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.cause or Fault(f"run_{outcome.state.value}", f"run {outcome.run} ended as {outcome.state.value}"))
        self.outcome = outcome


class NotATable(SluiceError):
    """The unit has no Parquet or Arrow IPC target that can be read here."""


_BY_CODE: dict[str, type[SluiceError]] = {
    "unauthorized": Unauthorized,
    "run_not_found": RunNotFound,
    "already_running": AlreadyRunning,
    "idempotency_key_reused": IdempotencyKeyReused,
    "node_unreachable": NodeUnreachable,
}


def error_from(json: Any) -> SluiceError:
    """The exception for the body of a refusal: {"error": {...}, "faults": [...]}."""
    body = json if isinstance(json, dict) else {}
    faults = [Fault.from_json(each) for each in body.get("faults") or [] if isinstance(each, dict)]
    if faults:
        return PipelineRejected(faults)
    found = body.get("error")
    fault = Fault.from_json(found) if isinstance(found, dict) else Fault("", "")
    if not fault.code:
        fault = Fault("invalid_answer", "the node's answer is not one of a Sluice node", "check the address")
    return _BY_CODE.get(fault.code, SluiceError)(fault)


def unreachable(address: str, why: str) -> NodeUnreachable:
    return NodeUnreachable(Fault("node_unreachable", f"no answer from {address}: {why}",
                                 "check that a `sluice node` is running there; the address is its --http one", blame="external",
                                 retry=True))
