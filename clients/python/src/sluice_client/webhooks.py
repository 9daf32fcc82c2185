"""Receives the webhooks that Sluice sends, and checks their signatures by Standard Webhooks (https://www.standardwebhooks.com)."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any

from .errors import Fault, SluiceError
from .models import Event

_MOST_BODY = 1024 * 1024
_TIME_LIMIT = 15.0  #: seconds for a request; a sender waits no longer either
_REMEMBERED = 10_000


class InvalidSignature(SluiceError):
    """The signature, or its time, is wrong: the webhook is not from who has the key."""


def verify(keys: Sequence[str], headers: Mapping[str, str], body: bytes) -> Event:
    """Checks a webhook; any of the keys ("whsec_...") will do, so that they can be changed. For a web framework of your own.
    Errors: InvalidSignature, SluiceError not_an_event."""
    from standardwebhooks import Webhook, WebhookVerificationError

    lower = {name.lower(): value for name, value in headers.items()}
    problem = "there is no key"
    for key in keys:
        try:
            Webhook(key).verify(body, lower)
            break
        except WebhookVerificationError as wrong:
            problem = str(wrong)
        except Exception as wrong:  # the library lets errors of foreign headers through
            problem = f"the headers can't be read: {wrong}"
    else:
        raise InvalidSignature(Fault("invalid_signature", f"the webhook is not signed with this key: {problem}",
                                     "compare signing_key of the channel", blame="external"))
    try:
        return Event.from_json(json.loads(body))
    except (ValueError, KeyError, TypeError) as wrong:
        raise SluiceError(Fault("not_an_event", f"the webhook is signed, but is no event: {wrong}",
                                "a channel with a body template sends other bodies", blame="user")) from None


class WebhookReceiver:
    """A small HTTP server whose events are iterated over.

        async with WebhookReceiver(keys=["whsec_..."], port=8080) as receiver:
            async for event in receiver: ...

    An event that is sent again is given once. 204 is answered when the event is in the queue; when that is full, 503, and the
    sender comes again. Requests without a right signature get 401.
    """

    def __init__(self, keys: Sequence[str], *, host: str = "127.0.0.1", port: int = 0, queue: int = 1000) -> None:
        if not keys:
            raise ValueError("a receiver needs at least one key")
        self._keys = list(keys)
        self._where = (host, port)
        self._queue: asyncio.Queue[Event] = asyncio.Queue(queue)
        self._known: OrderedDict[str, None] = OrderedDict()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> WebhookReceiver:
        self._server = await asyncio.start_server(self._serve, *self._where)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}/"

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        return await self._queue.get()

    def _take(self, headers: Mapping[str, str], body: bytes) -> int:
        """Gives the status of the answer."""
        try:
            event = verify(self._keys, headers, body)
        except InvalidSignature:
            return 401
        except SluiceError:
            return 422
        if event.id in self._known:
            return 204
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            return 503
        self._known[event.id] = None
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return 204

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.wait_for(self._answer(reader, writer), _TIME_LIMIT)
        except (OSError, TimeoutError, asyncio.TimeoutError):
            pass  # it has gone, or is too slow
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        import h11

        connection = h11.Connection(h11.SERVER)
        method, headers, body = "", {}, b""
        try:
            while True:
                event: Any = connection.next_event()
                if event is h11.NEED_DATA:
                    connection.receive_data(await reader.read(65536))
                elif isinstance(event, h11.Request):
                    method = event.method.decode()
                    headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                    if len(body) > _MOST_BODY:
                        status = 413
                        break
                elif isinstance(event, h11.EndOfMessage):
                    status = self._take(headers, body) if method == "POST" else 405
                    break
                else:
                    return
        except h11.RemoteProtocolError:
            status = 400
        answer = h11.Response(status_code=status, headers=[("Content-Length", "0"), ("Connection", "close")])
        if connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            writer.write(connection.send(answer) + connection.send(h11.EndOfMessage()))
            await writer.drain()

