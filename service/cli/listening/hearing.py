"""Hear the stream of events of a server, again and again from where it was lost."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import msgspec
from msgspec import Struct

from service.cli.screen import warn
from service.core.errors import TillgateError, Unavailable

PATH = "/api/events/stream"
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 15.0
# A server says something at least every 15 seconds.
_SILENT_S = 45.0


class Heard(Struct, frozen=True):
    """One event: its type, and the body as it goes to a webhook endpoint."""

    type: str
    body: bytes


class _Problem(Struct, frozen=True):
    error: str = ""
    detail: str = ""


class Refused(TillgateError):
    """The server does not let this key listen, or not like this."""

    code = "listening_refused"


async def hear(client: httpx.AsyncClient, params: dict[str, str]) -> AsyncIterator[Heard | None]:
    """Yield events as they come, None once it listens; comes back by itself where it ends.

    Raises `Refused` for what no later try would change.
    """
    place: str | None = None
    wait_s = _FIRST_WAIT_S
    while True:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": place} if place else {})
        try:
            async with client.stream("GET", PATH, params=params, headers=headers) as answer:
                if await _is_refused(answer):
                    place = None
                    continue
                wait_s = _FIRST_WAIT_S
                yield None
                async for told, heard in _events(answer):
                    place = told or place
                    if heard is not None:
                        yield heard
            warn("the server has ended the stream; coming back")
        except (httpx.TransportError, Unavailable) as error:
            warn(f"the server does not answer ({type(error).__name__}); trying again")
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def client_for(url: str, key: str) -> httpx.AsyncClient:
    """Return a client for a server, which waits no longer than its silence lasts."""
    return httpx.AsyncClient(
        base_url=url,
        headers={"Authorization": f"Bearer {key}"},
        timeout=httpx.Timeout(10, read=_SILENT_S),
    )


async def _is_refused(answer: httpx.Response) -> bool:
    """Return whether the place in the stream is lost. Raises `Refused`, `Unavailable`."""
    if answer.status_code == 200:
        return False
    body = await answer.aread()
    if answer.status_code >= 500 or answer.status_code == 429:
        raise Unavailable(f"HTTP {answer.status_code}")
    problem = _problem(body)
    if problem.error == "events_lost":
        warn(problem.detail)
        return True
    says = problem.detail or "Is --url the address of a Tillgate server?"
    raise Refused(f"{answer.url} answers {answer.status_code}: {says}")


def _problem(body: bytes) -> _Problem:
    try:
        return msgspec.json.decode(body, type=_Problem)
    except msgspec.DecodeError:
        return _Problem()


async def _events(answer: httpx.Response) -> AsyncIterator[tuple[str | None, Heard | None]]:
    """Yield what server-sent events say: the place behind each block, and its event if any."""
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
            continue
        data = fields.get("data")
        heard = None if data is None else Heard(fields.get("event", ""), data.encode())
        yield fields.get("id"), heard
        fields = {}
