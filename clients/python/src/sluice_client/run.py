"""A run on a node."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .models import Event, Outcome, RunInfo
from .tables import read_table
from .transport import Transport

if TYPE_CHECKING:
    import pyarrow


class Run:
    """A run on a node. `await run` waits for its end and gives its Outcome.

    Cancelling the task that waits, or that iterates over events, ends the waiting: the run goes on. `cancel()` cancels the run.
    """

    def __init__(self, transport: Transport, id: str, repeated: bool = False) -> None:
        self._transport = transport
        self.id = id
        self.repeated = repeated  #: an earlier submission with the same key had started it
        self._outcome: Outcome | None = None

    def __repr__(self) -> str:
        return f"Run({self.id!r})"

    def __await__(self) -> Generator[Any, None, Outcome]:
        return self.wait().__await__()

    @property
    def _path(self) -> str:
        return f"/v1/runs/{quote(self.id, safe='')}"

    async def info(self) -> RunInfo:
        """The run as it is now."""
        return RunInfo.from_json(await self._transport.json("GET", self._path))

    def events(self, after: int = 0) -> AsyncIterator[Event]:
        """The run's events above a cursor, old ones first, then as they happen; ends with its last event. Connects again by
        itself. Errors: RunNotFound, Unauthorized, NodeUnreachable."""
        return self._transport.events(f"{self._path}/events", after, True)

    async def wait(self) -> Outcome:
        """Waits for the end. A run that failed is an Outcome too: see `Outcome.raise_for_state`."""
        if self._outcome is None:
            async for _ in self.events():
                pass
            self._outcome = (await self.info()).outcome()
        return self._outcome

    async def cancel(self) -> None:
        """Tells the run to stop: nothing incomplete is published. Returns at once, also where it has ended; `await run` waits."""
        await self._transport.ask("POST", f"{self._path}/cancel")

    async def plan(self) -> dict[str, Any]:
        """The plan: units with their columns, and the edges between them."""
        found: dict[str, Any] = await self._transport.json("GET", f"{self._path}/plan")
        return found

    async def rejects(self) -> AsyncIterator[dict[str, Any]]:
        """The rejected rows, with why."""
        import json

        seen = 0
        while True:
            answer = await self._transport.ask("GET", f"{self._path}/rejects", params={"skip": seen, "limit": 10_000})
            lines = answer.text.split("\n")[:-1]
            if not lines:
                return
            for line in lines:
                yield json.loads(line)
            seen += len(lines)

    async def table(self, unit: str) -> pyarrow.Table:
        """What a load unit wrote to Parquet or Arrow IPC, as a pyarrow table; waits for the end of the run first. The target must
        be readable here. Errors: RunNotSucceeded (but partial is fine), NotATable."""
        outcome = await self.wait()
        plan = await self.plan()
        component = next((each["component"] for each in plan["units"] if each["unit"] == unit), "")
        return await read_table(outcome, unit, component)
