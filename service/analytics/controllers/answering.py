"""Parameters that all routes of figures share, and how an answer is computed, kept and tagged."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlencode

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation
from litestar.status_codes import HTTP_304_NOT_MODIFIED
from msgspec import Struct
from msgspec.structs import replace

from service.analytics.errors import WrongQuestion
from service.analytics.operations.caching import Question
from service.analytics.operations.services import FiguresServices, Shown, shown_as
from service.core.errors import InvalidInput
from service.core.json_text import to_json
from service.merchants.schemas import is_zone
from service.web.authentication import AnyRequest, CurrentPrincipal
from service.web.parameters import moment_parameter

MOST_DAYS: Final = 366
_WANTED: Final = "must be a day as 2026-11-22, or a moment with an offset as 2026-11-22T12:00:00Z"
_FOREVER_S: Final = 3600
_LENGTH_OF_A_DAY, _FIRST_YEAR, _LAST_YEAR = 10, 2000, 2200

CurrencyQuery = Annotated[
    str | None,
    QueryParameter(
        name="currency", pattern="^[A-Z]{3}$", description="The merchant's own, unless named."
    ),
]
ZoneQuery = Annotated[
    str | None,
    QueryParameter(
        name="timezone", max_length=64, description="IANA; the merchant's own, unless named."
    ),
]
StartQuery = Annotated[
    str | None,
    QueryParameter(
        name="startDate",
        max_length=40,
        description="A day, or a moment with an offset; 30 days before the end, unless named.",
    ),
]
EndQuery = Annotated[
    str | None,
    QueryParameter(
        name="endDate",
        max_length=40,
        description="A day (all of it), or a moment with an offset; now, unless named.",
    ),
]
DaysQuery = Annotated[
    int, QueryParameter(ge=1, le=MOST_DAYS, description="How many days, today included.")
]


def day_or_moment(name: str, text: str | None) -> datetime | date | None:
    """Read a day (`2026-11-22`), or a moment with an offset. Raises `WrongQuestion`."""
    if text is None:
        return None
    is_day = len(text) == _LENGTH_OF_A_DAY
    try:
        found = date.fromisoformat(text) if is_day else moment_parameter(name, text)
    except (ValueError, InvalidInput) as error:
        raise WrongQuestion(name, _WANTED) from error
    if found is not None and not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise WrongQuestion(name, f"must be between {_FIRST_YEAR} and {_LAST_YEAR}")
    return found


def services_of(request: AnyRequest) -> FiguresServices:
    """Return what the routes of figures share, from the application's state."""
    services: FiguresServices = request.app.state.figures
    return services


async def shown_to(
    request: AnyRequest,
    principal: CurrentPrincipal,
    timezone: ZoneQuery = None,
    currency: CurrencyQuery = None,
) -> Shown:
    """Return as what figures are shown to a caller. Raises `WrongQuestion` for an unknown zone."""
    if timezone is not None and not is_zone(timezone):
        raise WrongQuestion("timezone", "must be a time zone of the IANA database")
    return await shown_as(services_of(request), principal.merchant_id, timezone, currency)


ShownFigures = NamedDependency[SkipValidation[Shown]]
"""Annotation of a handler's parameter `shown`, which `shown_to` provides."""


async def respond(
    request: AnyRequest,
    shown: Shown,
    lasts: timedelta,
    compute: Callable[[Shown], Awaitable[Struct]],
) -> Response[Any]:
    """Return an answer as it is kept, or computed now; 304 to whoever has it already.

    Kept by merchant, route with its parameters, zone, currency and language: keys of one merchant
    that may read figures may read all of them. What is computed ahead is asked anew, as of then.
    """
    services, url = services_of(request), request.url
    merchant = shown.merchant
    # One question, in whatever order and writing its parameters come; none may come twice.
    asked = urlencode(sorted(parse_qsl(url.query, keep_blank_values=True)))
    key = (merchant.id, url.path, asked, shown.timezone, shown.currency, merchant.language)

    async def encoded() -> bytes:
        return to_json(await compute(replace(shown, as_of=services.clock.now())))

    answer = await services.cache.answer(Question(key, lasts, encoded))
    left = max(int((answer.until - services.clock.now()).total_seconds()), 0)
    headers = {"ETag": answer.tag, "Cache-Control": f"private, max-age={left}"}
    if answer.tag in _tags(request):
        return Response(b"", status_code=HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(answer.body, media_type="application/json", headers=headers)


def unchanging(request: AnyRequest, body: bytes, hashed: str) -> Response[Any]:
    """Return an answer that is the same for ever; 304 to whoever has it already."""
    headers = {"ETag": f'"{hashed}"', "Cache-Control": f"private, max-age={_FOREVER_S}"}
    if headers["ETag"] in _tags(request):
        return Response(b"", status_code=HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _tags(request: AnyRequest) -> set[str]:
    sent = request.headers.get("if-none-match", "")
    return {one.strip().removeprefix("W/") for one in sent.split(",")}
