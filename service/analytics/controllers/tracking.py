"""Events that a merchant's own server tracks."""

from datetime import timedelta

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.params import JSONBody

from service.analytics.controllers.answering import (
    DaysQuery,
    ShownFigures,
    respond,
    services_of,
    shown_to,
)
from service.analytics.operations.beside import read_series
from service.analytics.operations.periods import last_days
from service.analytics.operations.services import Shown
from service.analytics.operations.tracking import track
from service.analytics.schemas.tracking import (
    SeriesAnswer,
    TrackedAnswer,
    TrackEvent,
    events_answer,
)
from service.analytics.states import Part
from service.core.principal import AccessScope
from service.web.authentication import AnyRequest, CurrentPrincipal, requires


class TrackedEvents(Controller):
    """A series of its own: none of it adds to money."""

    tags = ["Figures"]
    path = "/api/v1/analytics/events"
    dependencies = {"shown": Provide(shown_to)}

    @post(
        "/",
        opt=requires(AccessScope.ANALYTICS_WRITE),
        operation_id="trackEvent",
        summary="Track an event",
    )
    async def track(
        self, data: JSONBody[TrackEvent], request: AnyRequest, principal: CurrentPrincipal
    ) -> TrackedAnswer:
        """Of a payment, a resource or a payer, by the time at which it arrives."""
        clock = services_of(request).clock
        event_id = await track(principal.merchant_id, data.fields(), data.client_address, clock)
        return TrackedAnswer(event_id=event_id)

    @get(
        "/",
        opt=requires(AccessScope.ANALYTICS_READ),
        operation_id="readTrackedEvents",
        summary="Add up tracked events",
    )
    async def events(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        days: DaysQuery = 30,
    ) -> Response[SeriesAnswer]:
        """By type, status and currency, and the resources that were accessed most."""

        async def compute(shown: Shown) -> SeriesAnswer:
            span = last_days(days, shown.as_of, shown.zone)
            parts = (Part.TRACKED, Part.RESOURCE)
            found = await read_series(shown.merchant.id, span, shown.timezone, parts)
            return events_answer(shown, days, found)

        return await respond(request, shown, timedelta(), compute)
