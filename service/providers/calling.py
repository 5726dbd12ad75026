"""One HTTP call to a provider: bounded in time, its failures reported as our own errors.

ProviderUnreachable   no answer, or one that can't be read: whether it acted is unknown
ProviderFailed        a 5xx: it says itself that it failed
└── Refused           a 3xx or 4xx: it understood and did nothing
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache

import httpx

from service.core.errors import MalformedBody, ProviderFailed, ProviderUnreachable
from service.core.measures import PROVIDER_CALLS
from service.core.strict_json import JsonObject, parse
from service.providers.reading import inner, text, word

# Opening may wait for the provider's own systems; the other calls stand between a webhook and its
# answer, which providers await for 3 to 5 seconds.
OPEN_SECONDS = 8.0
CALL_SECONDS = 2.0

_LONGEST_DESCRIPTION = 300


class Refused(ProviderFailed):
    """A provider understood a call and did nothing.

    `status` is the HTTP status, `reason` and `description` what the provider says in its own words.
    """

    def __init__(
        self,
        message: str,
        status: int,
        retry_after: int | None = None,
        *,
        reason: str | None = None,
        description: str | None = None,
    ) -> None:
        """Keep the status beside the provider's own description."""
        super().__init__(message, definite=True, retry_after=retry_after)
        self.status = status
        self.reason = reason
        self.description = description


@cache
def trusted() -> ssl.SSLContext:
    """Return whom calls over TLS trust: read once, for all connections to providers."""
    return httpx.create_ssl_context()


@asynccontextmanager
async def within(provider: str, seconds: float) -> AsyncIterator[None]:
    """Bound several calls together in time. Raises `ProviderUnreachable` when it is over."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        message = f"{provider} did not answer within {seconds:g} seconds."
        raise ProviderUnreachable(message) from error


async def ask(provider: str, http: httpx.AsyncClient, request: httpx.Request) -> JsonObject:
    """Send a request and return the JSON object that comes back.

    Raises `ProviderUnreachable`, `ProviderFailed` and `Refused`, as drawn above.
    """
    with measured(provider):
        return await _ask(provider, http, request)


@contextmanager
def measured(provider: str) -> Iterator[None]:
    """Measure a call to a provider, by how it ends."""
    began, outcome = time.perf_counter(), "failed"
    try:
        yield
        outcome = "ok"
    except ProviderUnreachable:
        outcome = "unreachable"
        raise
    except ProviderFailed as error:
        outcome = "refused" if isinstance(error, Refused) else "failed"
        raise
    finally:
        PROVIDER_CALLS.observe(time.perf_counter() - began, provider.lower(), outcome)


async def _ask(provider: str, http: httpx.AsyncClient, request: httpx.Request) -> JsonObject:
    try:
        answer = await http.send(request)
    except httpx.RequestError as error:
        raise ProviderUnreachable(f"{provider} did not answer.") from error
    if answer.is_server_error:
        message = f"{provider} failed with status {answer.status_code}."
        raise ProviderFailed(message, retry_after=2)
    content = _json_object(answer)
    if not answer.is_success:
        said = content or {}
        described = _description(said)
        raise Refused(
            f"{provider} refused: {described or f'status {answer.status_code}'}",
            answer.status_code,
            _retry_after(answer),
            reason=word(inner(said, "error"), "reason") or word(said, "code"),
            description=described,
        )
    if content is None:
        raise ProviderUnreachable(f"{provider} gave an answer that is not a JSON object.")
    return content


def _json_object(answer: httpx.Response) -> JsonObject | None:
    try:
        content = parse(answer.content)
    except MalformedBody:
        return None
    return content if isinstance(content, dict) else None


def _description(content: JsonObject) -> str | None:
    """Razorpay says `error.description`, PhonePe `message` and `code`."""
    described = (
        text(inner(content, "error"), "description")
        or text(content, "message")
        or text(content, "code")
    )
    return described and described[:_LONGEST_DESCRIPTION]


def _retry_after(answer: httpx.Response) -> int | None:
    given = answer.headers.get("retry-after", "")
    return min(int(given), 3600) if given.isascii() and given.isdigit() else None
