"""Requests that are repeated while a node does not answer, and streams of events that go on where they broke off."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from .errors import SluiceError, error_from, unreachable
from .models import Event

_SILENCE = 30.0  #: seconds; a node sends something every ten
_TRY_AGAIN = frozenset({"server_busy", "submission_in_progress", "shutting_down", "request_timed_out"})


class Pause:
    """How long to wait before the next attempt: from 0.1 s, doubled up to 5 s, with jitter; over when `patience` seconds
    have passed since the last progress."""

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.progress()

    def progress(self) -> None:
        self.since = time.monotonic()
        self.next = 0.1

    def is_over(self) -> bool:
        return time.monotonic() - self.since >= self.patience

    async def wait(self) -> None:
        await asyncio.sleep(self.next * random.uniform(0.5, 1.0))
        self.next = min(self.next * 2, 5.0)


class Transport:
    def __init__(self, url: str, token: str, patience: float, timeout: float) -> None:
        self.url = url
        self.patience = patience
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # Nodes are near: a proxy of the environment has no business between.
        self.http = httpx.AsyncClient(base_url=url, headers=headers, timeout=httpx.Timeout(timeout, connect=5.0), trust_env=False,
                                      verify=url.startswith("https:"))

    async def close(self) -> None:
        await self.http.aclose()

    async def ask(self, method: str, path: str, *, safe: bool = True, body: Any = None, params: Mapping[str, Any] | None = None,
                  headers: Mapping[str, str] | None = None) -> httpx.Response:
        """One request, repeated where it is `safe` and the node can't be reached or asks to try again."""
        pause = Pause(self.patience)
        while True:
            try:
                answer = await self.http.request(method, path, json=body, params=params, headers=headers)
                if answer.status_code < 300:
                    return answer
                problem = self._refusal(answer)
            except httpx.TransportError as broken:
                problem = unreachable(self.url, str(broken) or type(broken).__name__)
            again = problem.code in _TRY_AGAIN or problem.code == "node_unreachable"
            if not (safe and again) or pause.is_over():
                raise problem
            await pause.wait()

    async def json(self, method: str, path: str, **more: Any) -> Any:
        answer = await self.ask(method, path, **more)
        try:
            return answer.json()
        except ValueError:
            raise error_from(None) from None

    def _refusal(self, answer: httpx.Response) -> SluiceError:
        try:
            return error_from(answer.json())
        except ValueError:
            return error_from(None)

    async def events(self, path: str, after: int, follow: bool) -> AsyncIterator[Event]:
        """Events above a cursor. Goes on from the last cursor whenever the stream breaks: none is missing, none comes twice.

        Ends after a run's last event; without `follow` also when there are no more. Errors: those of the node;
        NodeUnreachable, where it could not be reached for `patience` seconds.
        """
        pause = Pause(self.patience)
        while True:
            try:
                params: dict[str, Any] = {"after": after, "follow": "true" if follow else "false"}
                async with self.http.stream("GET", path, params=params, headers={"Accept": "text/event-stream"},
                                            timeout=httpx.Timeout(5.0, read=_SILENCE)) as stream:
                    if stream.status_code >= 300:
                        await stream.aread()
                        raise self._refusal(stream)
                    data = ""
                    async for line in stream.aiter_lines():
                        if line.startswith("data: "):
                            data = line[6:]
                        # Only an empty line says that the one before is whole: a connection that breaks may cut it anywhere.
                        if line or not data:
                            continue
                        event = Event.from_json(json.loads(data))
                        data = ""
                        if event.cursor <= after:
                            continue
                        after = event.cursor
                        pause.progress()
                        yield event
                        if event.is_last and path != "/v1/events":
                            return
                if not follow:
                    return
                problem: SluiceError = unreachable(self.url, "the stream of events ended")
                if path != "/v1/events" and await self._has_ended(path, after):
                    return
            except httpx.TransportError as broken:
                problem = unreachable(self.url, str(broken) or type(broken).__name__)
            except SluiceError as refused:
                if refused.code not in _TRY_AGAIN and refused.code != "node_unreachable":
                    raise
                problem = refused
            if pause.is_over():
                raise problem
            await pause.wait()

    async def _has_ended(self, path: str, after: int) -> bool:
        """Whether the run has no event above the cursor, and will have none: a node that stops ends its streams too."""
        try:
            answer = await self.json("GET", path, params={"after": after, "wait": "0s"})
        except SluiceError:
            return False
        return bool(answer.get("ended")) and not answer.get("events")
