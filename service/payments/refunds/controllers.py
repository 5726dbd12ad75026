"""Refunds over HTTP: requested, decided, made at once, read."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope, Principal
from service.payments.payments.documents import Payment
from service.payments.refunds.errors import wrong_field
from service.payments.refunds.operations.approve import Approval
from service.payments.refunds.operations.browse import list_refunds, read_refund, sweep_refunds
from service.payments.refunds.operations.find_payment import find_paid, find_payment
from service.payments.refunds.operations.request import Wanted
from service.payments.refunds.repository import RefundFilter
from service.payments.refunds.schemas import (
    MakeRefund,
    ProcessRefund,
    RefundAction,
    RefundAnswer,
    RefundsAnswer,
    RequestRefund,
    refund_view,
    swept_answer,
)
from service.payments.refunds.sending.now import (
    approve_now,
    deny_now,
    refund_now,
    request_now,
)
from service.payments.refunds.sending.services import RefundServices
from service.payments.refunds.states import RefundStatus
from service.web.authentication import AnyRequest, CurrentPrincipal, on_behalf_of, requires
from service.web.idempotency.middleware import IDEMPOTENT
from service.web.parameters import (
    PAGE_SIZE,
    MerchantQuery,
    PageCursor,
    PageLimit,
    UpdatedSinceQuery,
    moment_parameter,
)

AnyId = Annotated[
    str, PathParameter(max_length=255, description="Any id of the payment, ours or a provider's.")
]


def refunding_of(request: AnyRequest) -> RefundServices:
    """Return what all that refunds shares, from the application's state."""
    services: RefundServices = request.app.state.refunding
    return services


class Refunds(Controller):
    """Refunds of payments."""

    tags = ["Refunds"]

    @post(
        "/api/payment/request-refund",
        opt={**requires(AccessScope.REFUNDS_REQUEST), IDEMPOTENT: True},
        operation_id="requestRefund",
        summary="Request a refund",
    )
    async def request(
        self, data: JSONBody[RequestRefund], principal: CurrentPrincipal, request: AnyRequest
    ) -> RefundAnswer:
        """201 with the request, which somebody approves or denies. A user's own payments only."""
        payment = await _named(data, principal)
        wanted = Wanted(data.reason, "customer", data.amount, data.currency, seed=_seed_of(request))
        made = await request_now(str(payment.id), wanted, principal, refunding_of(request))
        return RefundAnswer(refund_view(made))

    @post(
        "/api/payments/{any_id:str}/refunds",
        opt={**requires(AccessScope.REFUNDS_APPROVE), IDEMPOTENT: True},
        operation_id="refundPayment",
        summary="Refund a payment at once",
    )
    async def make(
        self,
        any_id: AnyId,
        data: JSONBody[MakeRefund],
        principal: CurrentPrincipal,
        request: AnyRequest,
        merchant: MerchantQuery = None,
    ) -> RefundAnswer:
        """201 with the refund as it stands after 2 s at most; beyond the limit, with a request."""
        by = on_behalf_of(principal, merchant)
        payment = await find_payment(by.merchant_id, any_id)
        wanted = Wanted(
            data.reason,
            "merchant",
            data.amount,
            data.currency,
            data.bank_reference,
            _seed_of(request),
        )
        made = await refund_now(str(payment.id), wanted, by, refunding_of(request))
        return RefundAnswer(refund_view(made))

    @post(
        "/api/payment/admin/process-refund",
        opt=requires(AccessScope.REFUNDS_APPROVE),
        status_code=200,
        operation_id="processRefund",
        summary="Approve or deny a requested refund",
    )
    async def process(
        self,
        data: JSONBody[ProcessRefund],
        principal: CurrentPrincipal,
        request: AnyRequest,
        merchant: MerchantQuery = None,
    ) -> RefundAnswer:
        """Approving takes an amount of less; denying gives up what waits for a person, too."""
        by, services = on_behalf_of(principal, merchant), refunding_of(request)
        if data.action is RefundAction.DENY:
            _refuse_what_approves(data)
            decided = await deny_now(data.refund_id, data.admin_reason, by, services)
        else:
            approval = Approval(data.amount, data.admin_reason, data.bank_reference)
            decided = await approve_now(data.refund_id, approval, by, services)
        return RefundAnswer(refund_view(decided))

    @get(
        "/api/refunds",
        opt=requires(AccessScope.REFUNDS_READ),
        operation_id="listRefunds",
        summary="List refunds",
    )
    async def list_all(
        self,
        principal: CurrentPrincipal,
        status: Annotated[RefundStatus | None, QueryParameter(name="status")] = None,
        payment_id: Annotated[str | None, QueryParameter(name="paymentId", max_length=255)] = None,
        user_id: Annotated[str | None, QueryParameter(name="userId", max_length=255)] = None,
        needs_person: Annotated[bool, QueryParameter(name="needsPerson")] = False,
        updated_since: UpdatedSinceQuery = None,
        merchant: MerchantQuery = None,
        limit: PageLimit = PAGE_SIZE,
        cursor: PageCursor = None,
    ) -> RefundsAnswer:
        """Newest first; `paymentId` is any id of a payment, ours or a provider's.

        `needsPerson=true` lists those of which nobody can tell whether they were made.
        With `updatedSince` those that were changed since, the oldest change first, up to five
        seconds ago; `nextUpdatedSince` is where the next sweep begins.
        """
        merchant_id = on_behalf_of(principal, merchant).merchant_id
        wanted = RefundFilter(status, user_id=user_id, needs_person=needs_person)
        since = moment_parameter("updatedSince", updated_since)
        place = cursor_of(cursor)
        if since is not None:
            swept = await sweep_refunds(
                merchant_id, wanted, since, payment=payment_id, cursor=place, limit=limit
            )
            return swept_answer(swept)
        found, following = await list_refunds(
            merchant_id, wanted, payment=payment_id, cursor=place, limit=limit
        )
        views = [refund_view(one) for one in found]
        return RefundsAnswer(views, next_cursor(following))

    @get(
        "/api/refunds/{refund_id:str}",
        opt=requires(AccessScope.REFUNDS_READ),
        operation_id="readRefund",
        summary="Read a refund",
    )
    async def read(
        self, refund_id: AnyId, principal: CurrentPrincipal, merchant: MerchantQuery = None
    ) -> RefundAnswer:
        """By our id, or by its provider's."""
        by = on_behalf_of(principal, merchant)
        return RefundAnswer(refund_view(await read_refund(by.merchant_id, refund_id)))


async def _named(data: RequestRefund, by: Principal) -> Payment:
    """Find the payment that a request names; of a user only an own one."""
    if (data.payment_id is None) == (data.session_id is None):
        raise wrong_field("paymentId", "or sessionId is required, and not both")
    if data.session_id is not None:
        return await find_paid(by.merchant_id, data.session_id, by.user_id)
    return await find_payment(by.merchant_id, data.payment_id or "", by.user_id)


def _refuse_what_approves(data: ProcessRefund) -> None:
    named = {"amount": data.amount, "bankReference": data.bank_reference}
    for name, value in named.items():
        if value is not None:
            raise wrong_field(name, "is only for what is approved")


def _seed_of(request: AnyRequest) -> str | None:
    seed: str | None = request.scope["state"].get("idempotency_seed")
    return seed
