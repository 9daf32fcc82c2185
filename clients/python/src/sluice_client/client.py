"""The client of a node's HTTP API."""

from __future__ import annotations

import asyncio
import os
import re
import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from .errors import Fault, NotStarted
from .models import Event, RunInfo, RunState
from .run import Run
from .settings import base_url, find_token
from .transport import Transport

Param = str | int | float | bool | Decimal | date | datetime | os.PathLike[str]


def param_text(value: Param) -> str:
    """A param as `--set` takes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)


def referred_variables(text: str, params: Mapping[str, Any]) -> dict[str, str]:
    """The variables of the environment that a pipeline refers to (`${NAME}`), as far as they are set and no params."""
    names = set(re.findall(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-[^}]*)?\}", text)) - set(params)
    return {name: os.environ[name] for name in sorted(names) if name in os.environ}


class Client:
    """Talks to one node. `async with Client() as client:` closes it.

    `address`, `token` and `state` are found as the command line finds them: SLUICE_TO, SLUICE_TOKEN, SLUICE_STATE, the settings
    file, 127.0.0.1:7071 and the state folder's token. `patience`: how many seconds a node may be unreachable until an
    operation fails with NodeUnreachable. `timeout`: how long one answer may take, in seconds; planning reads samples of files.
    """

    def __init__(self, address: str | None = None, *, token: str | None = None, state: str | os.PathLike[str] | None = None,
                 patience: float = 30.0, timeout: float = 120.0) -> None:
        self._transport = Transport(base_url(address), find_token(token, state), patience, timeout)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        await self._transport.close()

    async def submit(self, pipeline: str | os.PathLike[str], *, params: Mapping[str, Param] | None = None,
                     environment: Mapping[str, str] | None = None, fresh: bool = False, key: str | None = None) -> Run:
        """Submits a pipeline's file; gives its run as soon as the node has accepted it.

        Relative paths in the pipeline start at the current folder. `environment`: the values of the variables that the file
        refers to; None: those of this process. Sent again while the node can't be reached: a key sees to it that there is one
        run. With `key` of your own there is one run for it, also over restarts of your program (`run.repeated`).
        Errors: PipelineRejected, AlreadyRunning, IdempotencyKeyReused, Unauthorized, NodeUnreachable.
        """
        text = Path(pipeline).read_text(encoding="utf-8")
        return await self.submit_text(text, file=str(pipeline), params=params, environment=environment, fresh=fresh, key=key)

    async def submit_text(self, text: str, *, file: str = "pipeline.yaml", base_folder: str | os.PathLike[str] | None = None,
                          params: Mapping[str, Param] | None = None, environment: Mapping[str, str] | None = None,
                          fresh: bool = False, key: str | None = None) -> Run:
        """The same with the pipeline's text."""
        body = self._submission(text, file, base_folder, params, environment)
        if fresh:
            body["fresh"] = True
        answer = await self._transport.json("POST", "/v1/runs", body=body, headers={"Idempotency-Key": key or str(uuid.uuid4())})
        # A repeat of our own is none that concerns the caller.
        return Run(self._transport, answer["run"], bool(key) and answer["repeated"] is True)

    async def plan(self, pipeline: str | os.PathLike[str], *, params: Mapping[str, Param] | None = None,
                   environment: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The plan of a pipeline, which is not run. Errors: PipelineRejected."""
        text = Path(pipeline).read_text(encoding="utf-8")
        body = self._submission(text, str(pipeline), None, params, environment)
        found: dict[str, Any] = await self._transport.json("POST", "/v1/plan", body=body)
        return found

    async def deploy(self, pipeline: str | os.PathLike[str], *, params: Mapping[str, Param] | None = None,
                     environment: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Deploys a pipeline's file, which the node then runs by its schedule; gives its name, and `replaced` where there was
        one. `params` and `environment` are fixed with it. Errors: PipelineRejected."""
        text = Path(pipeline).read_text(encoding="utf-8")
        body = self._submission(text, str(pipeline), None, params, environment)
        made: dict[str, Any] = await self._transport.json("POST", "/v1/pipelines", body=body)
        return made

    async def pipelines(self) -> list[dict[str, Any]]:
        """Deployed pipelines with schedule, next run, last success and lateness."""
        found: list[dict[str, Any]] = (await self._transport.json("GET", "/v1/pipelines"))["pipelines"]
        return found

    async def trigger(self, pipeline: str, *, params: Mapping[str, Param] | None = None, key: str | None = None) -> Run:
        """Starts a run of a deployed pipeline; gives it when it is there. With a `key` of your own there is one run for it.
        Errors: NotStarted, with why there is no run."""
        body = {"params": {name: param_text(value) for name, value in (params or {}).items()}}
        path = f"/v1/pipelines/{quote(pipeline, safe='')}/trigger"
        answer = await self._transport.json("POST", path, body=body, headers={"Idempotency-Key": key or str(uuid.uuid4())})
        while True:
            found = await self._transport.json("GET", "/v1/starts", params={"pipeline": pipeline, "limit": 1000})
            start = next((each for each in found["starts"] if each["run"] == answer["run"]), {"state": "unknown"})
            if start["state"] == "started":
                return Run(self._transport, answer["run"])
            if start["state"] != "waiting":
                raise NotStarted(Fault("not_started", f"the run was not started ({start['state']}): {start.get('problem', '')}",
                                       f"sluice pipelines starts {pipeline}", blame="user"))
            await asyncio.sleep(0.05)

    def _submission(self, text: str, file: str, base_folder: str | os.PathLike[str] | None, params: Mapping[str, Param] | None,
                    environment: Mapping[str, str] | None) -> dict[str, Any]:
        given = {name: param_text(value) for name, value in (params or {}).items()}
        return {"text": text, "file": file, "base_folder": str(Path(base_folder or ".").absolute()), "params": given,
                "environment": dict(environment) if environment is not None else referred_variables(text, given)}

    async def run(self, reference: str) -> Run:
        """A run by its id, a unique prefix of it, its pipeline's name (the newest run) or `last`. Errors: RunNotFound."""
        found = RunInfo.from_json(await self._transport.json("GET", Run(self._transport, reference)._path))
        return Run(self._transport, found.id)

    async def runs(self, *, pipeline: str | None = None, state: RunState | None = None,
                   page_size: int = 200) -> AsyncIterator[RunInfo]:
        """Runs, the newest first; read page by page, so that there may be any number."""
        params: dict[str, Any] = {"limit": page_size}
        if pipeline is not None:
            params["pipeline"] = pipeline
        if state is not None:
            params["state"] = state.value
        while True:
            page = await self._transport.json("GET", "/v1/runs", params=params)
            for each in page["runs"]:
                yield RunInfo.from_json(each)
            if "next" not in page:
                return
            params["after"] = page["next"]

    def events(self, after: int = 0, *, follow: bool = True) -> AsyncIterator[Event]:
        """The events of all runs above a cursor. Keep the cursor of the last one that you have dealt with: with it your program
        goes on after a restart. `follow=False`: only those that there are."""
        return self._transport.events("/v1/events", after, follow)

    async def nodes(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self._transport.json("GET", "/v1/nodes"))["nodes"]
        return found

    async def components(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self._transport.json("GET", "/v1/components"))["components"]
        return found

    async def functions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self._transport.json("GET", "/v1/functions"))["functions"]
        return found
