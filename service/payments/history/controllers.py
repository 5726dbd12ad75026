"""What has become of payments, over HTTP: each handler translates and calls one operation."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

from litestar import Controller, Response, get
from litestar.params import PathParameter, QueryParameter

from service.core.money import LARGEST_AMOUNT
from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope, Kind, Principal
from service.payments.disputes.states import DisputeStatus
from service.payments.history.errors import PaymentsOfAnother, TooMuch, wrong_parameter
from service.payments.history.operations.analytics import analyze, last_days
from service.payments.history.operations.browse import list_disputes, read_dispute, sweep_payments
from service.payments.history.operations.downloads import (
    Format,
    as_csv,
    as_json,
    count_file,
    note_taken,
    pages,
)
from service.payments.history.operations.gather import list_payments
from service.payments.history.operations.services import HistoryServices
from service.payments.history.repository import DisputeFilter, PaymentFilter
from service.payments.history.schemas.analytics import AnalyticsAnswer, analytics_answer
from service.payments.history.schemas.ledger import (
    DisputeAnswer,
    DisputesAnswer,
    PaymentsAnswer,
    csv_header,
    csv_row,
    dispute_view,
    payment_view,
    payments_answer,
    swept_answer,
)
from service.payments.payments.documents import TRUSTED_OWNERS
from service.payments.payments.states import PaymentStatus
from service.providers.registry import ProviderName
from service.web.authentication import AnyRequest, CurrentPrincipal, requires
from service.web.downloads import Download, Noted
from service.web.parameters import (
    PAGE_SIZE,
    PageCursor,
    PageLimit,
    UpdatedSinceQuery,
    UserQuery,
    moment_parameter,
)

LeastQuery = Annotated[int | None, QueryParameter(name="minAmount", ge=0, le=LARGEST_AMOUNT)]
MostQuery = Annotated[int | None, QueryParameter(name="maxAmount", ge=0, le=LARGEST_AMOUNT)]
FromMoment = Annotated[
    str | None, QueryParameter(name="from", max_length=40, description="A moment with an offset.")
]
ToMoment = Annotated[
    str | None, QueryParameter(name="to", max_length=40, description="A moment with an offset.")
]
DisputePath = Annotated[
    str, PathParameter(max_length=255, description="The dispute's id, ours or its provider's.")
]

_MOST_SESSIONS = 200
_TYPES = {"csv": "text/csv", "json": "application/json"}


def history_of(request: AnyRequest) -> HistoryServices:
    """Return what the routes of the ledger share, from the application's state."""
    services: HistoryServices = request.app.state.history
    return services


class PaymentHistory(Controller):
    """Payments with what has become of them."""

    tags = ["Payments"]

    @get(
        "/api/payment/payment-history",
        opt=requires(AccessScope.PAYMENTS_READ),
        operation_id="listPayments",
        summary="List payments with their refunds and attempts",
    )
    async def history(
        self,
        request: AnyRequest,
        principal: CurrentPrincipal,
        user_id: UserQuery = None,
        updated_since: UpdatedSinceQuery = None,
        limit: PageLimit = PAGE_SIZE,
        cursor: PageCursor = None,
        format_: Annotated[Format | None, QueryParameter(name="format")] = None,
    ) -> Response[PaymentsAnswer]:
        """A user's own; to a secret or admin key those of a user, or all.

        With `updatedSince` those that were changed since, the oldest change first, up to five
        seconds ago; `nextUpdatedSince` is where the next sweep begins. With `format` all pages as
        one file; one that a key takes is on the record.
        """
        to_user = principal.kind is Kind.USER
        wanted, since = _of(principal, user_id), moment_parameter("updatedSince", updated_since)
        if format_ is not None:
            if cursor is not None:
                raise wrong_parameter("cursor", "can't be combined with format: a file has all")
            if since is not None:
                raise wrong_parameter("updatedSince", "can't be combined with format")
            file = format_, await count_file(wanted)
            now = history_of(request).clock.now()
            noted = partial(note_taken, wanted, file, principal, now)
            return _file(wanted, format_, principal, noted, to_user=to_user)
        if since is not None:
            swept = await sweep_payments(wanted, since, cursor=cursor_of(cursor), limit=limit)
            return Response(swept_answer(swept, to_user=to_user))
        found, following = await list_payments(wanted, cursor=cursor_of(cursor), limit=limit)
        return Response(payments_answer(found, following, to_user=to_user))

    @get(
        "/api/payment/admin/payments",
        opt=requires(AccessScope.PAYMENTS_SEARCH),
        operation_id="searchPayments",
        summary="Search payments",
    )
    async def search(
        self,
        request: AnyRequest,
        principal: CurrentPrincipal,
        status: Annotated[PaymentStatus | None, QueryParameter(name="status")] = None,
        provider: Annotated[ProviderName | None, QueryParameter(name="provider")] = None,
        plan: Annotated[str | None, QueryParameter(name="plan", max_length=255)] = None,
        user_id: UserQuery = None,
        email: Annotated[str | None, QueryParameter(name="email", max_length=254)] = None,
        from_: FromMoment = None,
        to: ToMoment = None,
        min_amount: LeastQuery = None,
        max_amount: MostQuery = None,
        limit: PageLimit = PAGE_SIZE,
        cursor: PageCursor = None,
    ) -> PaymentsAnswer:
        """Newest first; `to` is excluded, amounts are in minor units and included."""
        sessions = None if email is None else await sessions_of_email(request, principal, email)
        wanted = PaymentFilter(
            merchant_id=principal.merchant_id,
            user_id=user_id,
            status=status,
            provider=provider,
            plan=plan,
            session_ids=sessions,
            since=moment_parameter("from", from_),
            until=moment_parameter("to", to),
            least=min_amount,
            most=max_amount,
        )
        return payments_answer(*await list_payments(wanted, cursor=cursor_of(cursor), limit=limit))

    @get(
        "/api/payment/admin/analytics",
        opt=requires(AccessScope.ANALYTICS_READ),
        operation_id="readAnalytics",
        summary="Add up the last days",
    )
    async def analytics(
        self,
        request: AnyRequest,
        principal: CurrentPrincipal,
        days: Annotated[int, QueryParameter(ge=1, le=92)] = 30,
        currency: Annotated[
            str | None, QueryParameter(name="currency", pattern="^[A-Z]{3}$")
        ] = None,
    ) -> AnalyticsAnswer:
        """By day and by plan, in one currency: the merchant's own, unless another one is named.

        Days begin in the merchant's zone; the last one is today.
        """
        services = history_of(request)
        merchant = await services.merchants.of(principal.merchant_id)
        own = merchant.default_currency or services.default_currency
        within = last_days(merchant.id, merchant.zone, days, services.clock.now())
        return analytics_answer(await analyze(within, currency or own))


class Disputes(Controller):
    """Payments that customers dispute with their banks."""

    tags = ["Disputes"]
    path = "/api/disputes"
    opt = requires(AccessScope.DISPUTES_READ)

    @get("/", operation_id="listDisputes", summary="List disputes")
    async def disputes(
        self,
        principal: CurrentPrincipal,
        status: Annotated[DisputeStatus | None, QueryParameter(name="status")] = None,
        limit: PageLimit = PAGE_SIZE,
        cursor: PageCursor = None,
    ) -> DisputesAnswer:
        """Newest first."""
        wanted = DisputeFilter(merchant_id=principal.merchant_id, status=status)
        found, following = await list_disputes(wanted, cursor=cursor_of(cursor), limit=limit)
        begins_at = next_cursor(following)
        return DisputesAnswer([dispute_view(one) for one in found], begins_at)

    @get("/{dispute_id:str}", operation_id="readDispute", summary="Read a dispute")
    async def dispute(self, dispute_id: DisputePath, principal: CurrentPrincipal) -> DisputeAnswer:
        """404 where there is none."""
        return DisputeAnswer(dispute_view(await read_dispute(principal.merchant_id, dispute_id)))


def _of(principal: Principal, user_id: str | None) -> PaymentFilter:
    """Return which payments a caller lists: of a user, or for keys all.

    A user is not shown what a browser paid in their name: it may have named anybody.
    """
    if principal.kind is not Kind.USER:
        return PaymentFilter(merchant_id=principal.merchant_id, user_id=user_id)
    if user_id not in {None, principal.user_id}:
        raise PaymentsOfAnother
    return PaymentFilter(
        merchant_id=principal.merchant_id, user_id=principal.user_id, owners=TRUSTED_OWNERS
    )


async def sessions_of_email(request: AnyRequest, principal: Principal, email: str) -> list[str]:
    """Return the sessions with an email address. Raises `TooMuch` for one with very many."""
    find = history_of(request).sessions_of_email
    found = await find(principal.merchant_id, email, _MOST_SESSIONS + 1)
    if len(found) > _MOST_SESSIONS:
        words = f"has more than {_MOST_SESSIONS} sessions of a server or of users, or completed"
        raise TooMuch("email", f"{words}: search by userId")
    return [*found]


def _file(
    wanted: PaymentFilter, format_: Format, taker: Principal, noted: Noted, *, to_user: bool
) -> Response[Any]:
    lists = pages(wanted)
    content: AsyncIterator[bytes]
    if format_ == "csv":
        content = as_csv(lists, csv_header(to_user=to_user), partial(csv_row, to_user=to_user))
    else:
        content = as_json(lists, partial(payment_view, to_user=to_user))
    return Download(content, f"payments.{format_}", _TYPES[format_], taker, noted)
