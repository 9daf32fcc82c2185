"""What a node tells: events, runs and how they ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from typing import Any

from .errors import Fault, RunNotSucceeded

_LAST_EVENTS = frozenset({"run.succeeded", "run.partial", "run.failed", "run.cancelled"})


class RunState(str, Enum):
    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    DRAINING = "draining"
    COMMITTING = "committing"
    PAUSED = "paused"
    RESTARTING = "restarting"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (RunState.SUCCEEDED, RunState.PARTIAL, RunState.FAILED, RunState.CANCELLED)


@dataclass(frozen=True)
class Event:
    """Something that happened in a run. `cursor` is its place in the log of all events, `sequence` its number in the run."""

    id: str
    type: str
    run: str
    cursor: int
    sequence: int
    time: datetime
    pipeline: str
    unit: str  #: empty where it concerns no unit
    data: Mapping[str, Any]
    raw: Mapping[str, Any] = field(repr=False)  #: the CloudEvents object as it came

    @property
    def is_last(self) -> bool:
        """No event of its run follows."""
        return self.type in _LAST_EVENTS

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> Event:
        data = json.get("data")
        data = data if isinstance(data, dict) else {}
        time = datetime.fromisoformat(str(json["time"]).replace("Z", "+00:00"))
        return cls(str(json["id"]), str(json["type"]), str(data.get("run", "")), int(data.get("cursor", 0)),
                   int(data.get("sequence", 0)), time, str(data.get("pipeline", "")), str(data.get("unit", "")), data, json)


@dataclass(frozen=True)
class UnitSummary:
    """What a unit of a run has done; rows."""

    unit: str
    role: str
    rows_in: int
    rows_out: int
    rejected: int
    filtered: int
    bytes: int
    target: str  #: load units: what was written, else empty

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> UnitSummary:
        def number(key: str) -> int:
            return int(json.get(key) or 0)

        return cls(str(json.get("unit", "")), str(json.get("role", "")), number("in"), number("out"), number("rejected"),
                   number("filtered"), number("bytes"), str(json.get("target", "")))


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    run: str
    pipeline: str
    state: RunState
    cause: Fault | None
    rejected: int
    duration: float  #: seconds
    units: tuple[UnitSummary, ...]

    @property
    def succeeded(self) -> bool:
        return self.state is RunState.SUCCEEDED

    @property
    def rows_loaded(self) -> int:
        return sum(unit.rows_out for unit in self.units if unit.role == "load")

    def raise_for_state(self) -> Outcome:
        """Gives itself back where the run succeeded. Errors: RunNotSucceeded."""
        if not self.succeeded:
            raise RunNotSucceeded(self)
        return self

    @classmethod
    def from_parts(cls, run: str, pipeline: str, state: str, cause: Any, summary: Any) -> Outcome:
        done = summary if isinstance(summary, dict) else {}
        units = tuple(UnitSummary.from_json(each) for each in done.get("units") or [])
        return cls(run, pipeline, RunState(state), Fault.from_json(cause) if isinstance(cause, dict) and cause else None,
                   int(done.get("rejected") or 0), float(done.get("duration_microseconds") or 0) / 1e6, units)


@dataclass(frozen=True)
class RunInfo:
    """A run as the node shows it now. Times are None where it has not come so far."""

    id: str
    pipeline: str
    state: RunState
    owner: str
    tags: tuple[str, ...]
    created: datetime | None
    started: datetime | None
    ended: datetime | None
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> RunInfo:
        def time(key: str) -> datetime | None:
            value = json.get(key)
            return datetime.fromtimestamp(value / 1e6, timezone.utc) if isinstance(value, int) and value else None

        return cls(str(json["id"]), str(json["pipeline"]), RunState(json["state"]), str(json.get("owner", "")),
                   tuple(json.get("tags") or ()), time("created"), time("started"), time("ended"), json)

    def outcome(self) -> Outcome:
        return Outcome.from_parts(self.id, self.pipeline, self.state.value, self.raw.get("cause"), self.raw.get("summary"))
