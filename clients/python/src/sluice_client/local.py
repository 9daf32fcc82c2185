"""Runs a pipeline with the program on this machine, without a node."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Generator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .client import Param, param_text
from .errors import Fault, PipelineRejected, SluiceError
from .models import Event, Outcome
from .tables import read_table

if TYPE_CHECKING:
    import pyarrow

_LONGEST_LINE = 64 * 1024 * 1024
_KEPT_STDERR = 64 * 1024
_GRACE = 20.0  #: seconds that a run may take to stop at the end of `async with`


class LocalRun:
    """A `sluice run` that this process has started.

    `outcome = await run_local("p.yaml")` runs to the end; if that task is cancelled, so is the run. In `async with run_local(...) as
    run` several tasks may follow its events and wait: cancelling one of them ends only its waiting; what still runs at the end
    of the block is cancelled.
    """

    def __init__(self, words: list[str], folder: str | os.PathLike[str] | None, environment: Mapping[str, str] | None) -> None:
        self._words = words
        self._folder = folder
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self._seen: list[Event] = []
        self._faults: list[Fault] = []
        self._stderr = b""
        self._complete = False  # nothing more comes

    def __await__(self) -> Generator[Any, None, Outcome]:
        return self._run_whole().__await__() if self._process is None else self.wait().__await__()

    async def _run_whole(self) -> Outcome:
        async with self:
            return await self.wait()

    async def __aenter__(self) -> LocalRun:
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._words, cwd=self._folder, env=self._environment, stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, limit=_LONGEST_LINE)
        except OSError as problem:
            raise SluiceError(Fault("program_not_found", f"{self._words[0]} can't be started: {problem}",
                                    "install sluice, or give its path as program=", blame="user")) from None
        self._reading = asyncio.create_task(self._read(self._process))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process is not None and self._reading is not None
        if self._process.returncode is None:
            await self.cancel()
            try:
                await asyncio.wait_for(asyncio.shield(self._process.wait()), _GRACE)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
        await self._reading

    @property
    def id(self) -> str:
        """The run's id; empty until its first event has come."""
        return self._seen[0].run if self._seen else ""

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None and process.stderr is not None
        stderr = asyncio.create_task(self._keep_stderr(process.stderr))
        async for line in process.stdout:
            found = json.loads(line)
            async with self._changed:
                if found.get("type") == "pipeline.rejected":
                    self._faults = [Fault.from_json(each) for each in found["data"]["errors"]]
                else:
                    self._seen.append(Event.from_json(found))
                self._changed.notify_all()
        await stderr
        await process.wait()
        async with self._changed:
            self._complete = True
            self._changed.notify_all()

    async def _keep_stderr(self, stream: asyncio.StreamReader) -> None:
        while chunk := await stream.read(65536):
            self._stderr = (self._stderr + chunk)[-_KEPT_STDERR:]

    def _end(self) -> SluiceError:
        """Why there are no more events, though no last one came."""
        if self._faults:
            return PipelineRejected(self._faults)
        code = self._process.returncode if self._process else None
        for line in self._stderr.decode(errors="replace").splitlines():
            with contextlib.suppress(ValueError, AttributeError):
                if found := json.loads(line).get("error"):
                    return SluiceError(Fault.from_json(found))
        return SluiceError(Fault("outcome_unknown", f"sluice ended with code {code} and did not say how the run ended",
                                 self._stderr.decode(errors="replace")[-500:], blame="external"))

    async def events(self) -> AsyncIterator[Event]:
        """The run's events from the first one; any number of tasks may read them. Errors: PipelineRejected."""
        assert self._reading is not None, "use `async with run_local(...) as run`"
        at = 0
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: at < len(self._seen) or self._complete)
                if at == len(self._seen):
                    raise self._end()
                event = self._seen[at]
            at += 1
            yield event
            if event.is_last:
                return

    async def wait(self) -> Outcome:
        """Waits for the end. Errors: PipelineRejected."""
        async for event in self.events():
            if event.is_last:
                data = event.data
                return Outcome.from_parts(event.run, event.pipeline, event.type.removeprefix("run."), data.get("cause"), data)
        raise self._end()

    async def cancel(self) -> None:
        """Tells the run to stop: nothing incomplete is published. `await run` waits for its end."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    async def table(self, unit: str) -> pyarrow.Table:
        """What a load unit wrote to a .parquet, .arrow, .ipc or .feather file or folder of that name; waits for the end first."""
        return await read_table(await self.wait(), unit, "")


def run_local(pipeline: str | os.PathLike[str], *, params: Mapping[str, Param] | None = None, fresh: bool = False,
              state: str | os.PathLike[str] | None = None, folder: str | os.PathLike[str] | None = None,
              environment: Mapping[str, str] | None = None, program: str | os.PathLike[str] | None = None) -> LocalRun:
    """Runs a pipeline's file in a `sluice run` of its own: `await` it, or use it in `async with`.

    `folder`: where relative paths start. `program`: the path of sluice; None: SLUICE_BINARY, else from PATH.
    """
    found = str(program) if program else os.environ.get("SLUICE_BINARY") or shutil.which("sluice") or "sluice"
    words = [found, "run", str(pipeline), "--json"]
    for name, value in (params or {}).items():
        words += ["--set", f"{name}={param_text(value)}"]
    if fresh:
        words.append("--fresh")
    if state is not None:
        words += ["--state", str(state)]
    return LocalRun(words, folder, environment)
