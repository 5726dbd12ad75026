"""Streams of events over HTTP, as server-sent events."""

from functools import partial
from typing import Annotated, cast

from litestar import Controller, Response, get
from litestar.params import QueryParameter
from litestar.response import Stream

from service.core.principal import AccessScope
from service.notifications.events.states import ALL, is_filter
from service.notifications.stream.errors import wrong_filter
from service.notifications.stream.operations.streams import Streams, Wanted
from service.web.authentication import AnyRequest, CurrentPrincipal, on_behalf_of, requires
from service.web.parameters import MerchantQuery
from service.web.requests import header_of

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

FiltersQuery = Annotated[
    str | None,
    QueryParameter(name="events", max_length=500, description="As `session.*,refund.succeeded`."),
]


def streams_of(request: AnyRequest) -> Streams:
    """Return the streams of this process, from the application's state."""
    streams: Streams = request.app.state.streams
    return streams


class EventStream(Controller):
    """Events as they happen."""

    tags = ["Events"]

    @get(
        "/api/events/stream",
        opt=requires(AccessScope.EVENTS_READ),
        media_type="text/event-stream",
        operation_id="streamEvents",
        summary="Listen to events as they happen",
    )
    async def listen(
        self,
        request: AnyRequest,
        principal: CurrentPrincipal,
        events: FiltersQuery = None,
        merchant: MerchantQuery = None,
    ) -> Response[str]:
        """Server-sent events until one side ends it; `Last-Event-ID` goes on behind an event.

        It ends with the key, and with the server: come back with the last id that was told.
        """
        whose = on_behalf_of(principal, merchant).merchant_id
        place = header_of(request.scope, b"last-event-id")
        wanted = Wanted(whose, _filters(events), place)
        may_still = partial(request.app.state.gate.ask_again, request.scope)
        pieces = await streams_of(request).listen(wanted, may_still)
        stream = Stream(pieces, media_type="text/event-stream; charset=utf-8", headers=_HEADERS)
        # As it is documented: a text, and not whatever a `Stream` may hold.
        return cast(Response[str], stream)


def _filters(events: str | None) -> list[str]:
    words = [ALL] if events is None else [word.strip() for word in events.split(",")]
    for word in words:
        if not is_filter(word):
            raise wrong_filter(word)
    return words
