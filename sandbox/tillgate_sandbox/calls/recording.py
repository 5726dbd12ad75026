"""Record calls, around the whole application: including refused and unknown ones.

Development only: in production nobody calls `recording`, and the application is not wrapped.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, ReceiveMessage, Scope, Send

from service.core.clock import Clock
from service.core.ids import new_id
from service.providers.registry import ProviderName
from service.storage.answering import answers_in_time
from service.web.authentication import PUBLIC, principal_of
from tillgate_sandbox.calls.documents import SandboxCall
from tillgate_sandbox.calls.hearing import Heard, has_gone
from tillgate_sandbox.calls.reading import Exchange, read_api, read_wire
from tillgate_sandbox.calls.repository import keep_call, session_of
from tillgate_sandbox.repository import KEEP_FOR

_WIRES: tuple[tuple[str, ProviderName], ...] = (
    ("/sandbox/stripe/", "stripe"),
    ("/sandbox/razorpay/", "razorpay"),
    ("/sandbox/phonepe/", "phonepe"),
)
_KEPT_WITHIN_S = 1.0
_LONGEST_PATH = 300

log = structlog.get_logger(__name__)


@contextmanager
def recording(app: Litestar, clock: Clock) -> Iterator[None]:
    """Record the calls that an application gets, for as long as the block lasts."""
    inner = app.asgi_handler
    app.asgi_handler = _recorder(inner, clock)
    try:
        yield
    finally:
        app.asgi_handler = inner


def _recorder(next_app: ASGIApp, clock: Clock) -> ASGIApp:
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or not _is_of_interest(scope):
            await next_app(scope, receive, send)
            return
        heard = Heard(clock.now())

        async def receiving() -> ReceiveMessage:
            message = await receive()
            heard.take_request(message)
            return message

        async def sending(message: Message) -> None:
            heard.take_answer(message)
            # Stored before the caller gets the answer: whoever looks then finds the call.
            if heard.ended:
                await over()
            await send(message)

        async def over() -> None:
            heard.listens = not await has_gone(receiving)
            await _keep(scope, heard)

        try:
            await next_app(scope, receiving, sending)
        except Exception:
            if not heard.ended:
                heard.end()
                await over()
            raise

    return handle


def _is_of_interest(scope: HTTPScope) -> bool:
    path = scope["path"]
    return scope["method"] != "OPTIONS" and path.startswith(
        ("/api/", *(prefix for prefix, _ in _WIRES))
    )


async def _keep(scope: HTTPScope, heard: Heard) -> None:
    """Store a call. Whatever goes wrong here, the call itself goes on."""
    try:
        async with answers_in_time(_KEPT_WITHIN_S):
            call = await _call(scope, heard)
            if call is not None:
                await keep_call(call)
    except Exception:
        log.exception("a call was not recorded", path=scope["path"])


async def _call(scope: HTTPScope, heard: Heard) -> SandboxCall | None:
    """Make the row of a call; None for one to the service that touches no session, or a webhook.

    A webhook is a delivery of the sandbox's, which records its tries itself.
    """
    provider, path = _asked(scope["path"])
    if provider is None and _is_webhook(scope):
        return None
    exchange = Exchange(
        parameters=scope.get("path_params", {}),
        query=scope["query_string"],
        headers=dict(scope["headers"]),
        path=path,
        body=heard.body,
        status=heard.status,
        answer=heard.answer,
    )
    details = read_wire(provider, exchange) if provider else read_api(exchange)
    session_id = details.session_id or await session_of(details.ids) or details.asked_for
    if provider is None and session_id is None:
        return None
    principal = principal_of(scope)
    return SandboxCall(
        id=new_id("call"),
        provider=provider,
        method=scope["method"],
        path=path[:_LONGEST_PATH],
        status=heard.status,
        error=details.error,
        heard=heard.listens,
        latency_ms=heard.latency_ms,
        at=heard.at,
        session_id=session_id,
        caller=principal.kind.value if principal else None,
        request_id=scope["state"].get("request_id"),
        idempotency_key=details.idempotency_key,
        grant=details.grant,
        purge_at=heard.at + KEEP_FOR,
    )


def _asked(path: str) -> tuple[ProviderName | None, str]:
    """Return which provider is called, None for the service itself, and the path there."""
    for prefix, provider in _WIRES:
        if path.startswith(prefix):
            return provider, path[len(prefix) - 1 :]
    return None, path


def _is_webhook(scope: HTTPScope) -> bool:
    opt = getattr(scope.get("route_handler"), "opt", {})  # unknown paths have none
    return bool(opt.get(PUBLIC))
