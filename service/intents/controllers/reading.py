"""Leads in pages, in files, and added up."""

from typing import Annotated, Any

from litestar import Controller, Response, get, post
from litestar.params import JSONBody, QueryParameter

from service.core.paging import decode_cursor
from service.core.principal import Principal
from service.intents.controllers.sharing import PATH, READERS, TAGS, services_of
from service.intents.operations.analytics import analyze, sum_up
from service.intents.operations.browse import (
    LARGEST_OFFSET,
    MOST_DAYS,
    Place,
    Wanted,
    every_intent,
    filter_of,
    list_intents,
)
from service.intents.operations.services import IntentServices
from service.intents.repository import IntentFilter
from service.intents.schemas.answers import (
    IntentsAnswer,
    intents_answer,
)
from service.intents.schemas.exports import TYPES, as_file
from service.intents.schemas.figures import (
    IntentAnalyticsAnswer,
    analytics_answer,
)
from service.intents.schemas.queries import (
    MOST_ROWS,
    PAGE,
    Form,
    Pagination,
    QueryIntents,
    time_parameter,
)
from service.web.authentication import AnyRequest, CurrentPrincipal
from service.web.downloads import Download
from service.web.parameters import PageCursor

TimeFrom = Annotated[str | None, QueryParameter(name="startDate", max_length=40)]
TimeTo = Annotated[str | None, QueryParameter(name="endDate", max_length=40)]
DaysBack = Annotated[int | None, QueryParameter(name="daysBack", ge=1, le=MOST_DAYS)]
CurrencyQuery = Annotated[str | None, QueryParameter(name="currency", pattern="^[A-Z]{3}$")]


class IntentQueries(Controller):
    """Leads that were left."""

    path = PATH
    tags = TAGS

    @get("/query", opt=READERS, operation_id="listLeads", summary="List leads")
    async def browse(
        self,
        request: AnyRequest,
        principal: CurrentPrincipal,
        start_date: TimeFrom = None,
        end_date: TimeTo = None,
        days_back: DaysBack = None,
        plan_name: Annotated[str | None, QueryParameter(name="planName", max_length=255)] = None,
        user_email: Annotated[str | None, QueryParameter(name="userEmail", max_length=254)] = None,
        session_id: Annotated[str | None, QueryParameter(name="sessionId", max_length=40)] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=MOST_ROWS)] = PAGE,
        offset: Annotated[int, QueryParameter(ge=0, le=LARGEST_OFFSET)] = 0,
        cursor: PageCursor = None,
        include_stats: Annotated[bool, QueryParameter(name="includeStats")] = False,
    ) -> IntentsAnswer:
        """Newest first. A day is one of the merchant's zone, and `endDate` takes it in."""
        services = services_of(request)
        wanted = Wanted(
            begin=time_parameter("startDate", start_date),
            end=time_parameter("endDate", end_date),
            days_back=days_back,
            plan_name=plan_name,
            user_email=user_email,
            session_id=session_id,
        )
        found = await filter_of(wanted, principal.merchant_id, services)
        place = Place(limit, offset, decode_cursor(cursor) if cursor is not None else None)
        return await _page(found, place, services, stats=include_stats)

    @post(
        "/query",
        opt=READERS,
        status_code=200,
        operation_id="queryLeads",
        summary="List leads, or download them",
    )
    async def query(
        self, data: JSONBody[QueryIntents], request: AnyRequest, principal: CurrentPrincipal
    ) -> Response[IntentsAnswer]:
        """A page of them; with `download` or as `csv` all of them as one file."""
        services = services_of(request)
        found = await filter_of(data.filters.to_wanted(), principal.merchant_id, services)
        if data.is_file:
            about = {
                "exportedAt": services.clock.now(),
                "from": found.since,
                "until": found.until,
                "filters": data.filters.model_dump(mode="json", exclude_none=True),
            }
            return _file(found, data.format, about, principal)
        place = (data.pagination or Pagination()).to_place()
        return Response(await _page(found, place, services, stats=data.include_stats))

    @get("/analytics", opt=READERS, operation_id="readLeadsAnalytics", summary="Add up leads")
    async def analytics(
        self,
        request: AnyRequest,
        principal: CurrentPrincipal,
        start_date: TimeFrom = None,
        end_date: TimeTo = None,
        days_back: DaysBack = None,
        currency: CurrencyQuery = None,
    ) -> IntentAnalyticsAnswer:
        """In one currency: the merchant's own, unless another one is named."""
        services = services_of(request)
        wanted = Wanted(
            begin=time_parameter("startDate", start_date),
            end=time_parameter("endDate", end_date),
            days_back=days_back,
        )
        found = await filter_of(wanted, principal.merchant_id, services)
        zone = (await services.merchants.of(principal.merchant_id)).zone
        return analytics_answer(await analyze(found, zone, currency, services))


async def _page(
    wanted: IntentFilter, place: Place, services: IntentServices, *, stats: bool
) -> IntentsAnswer:
    page = await list_intents(wanted, place)
    asked = (await sum_up(wanted, None, services))[0] if stats else None
    return intents_answer(page, place.limit, place.offset, asked)


def _file(
    wanted: IntentFilter, form: Form, about: dict[str, object], taker: Principal
) -> Response[Any]:
    content = as_file(every_intent(wanted), form, about)
    return Download(content, f"payment-intents.{form}", TYPES[form], taker)
