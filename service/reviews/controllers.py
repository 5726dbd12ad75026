"""The review queue over HTTP."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.params import JSONBody, PathParameter

from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope, Principal
from service.payments.refunds.controllers import refunding_of
from service.reviews.operations.browse import list_reviews
from service.reviews.operations.choices import Choice, Wish
from service.reviews.operations.decide import decide_review
from service.reviews.schemas import (
    AcceptReview,
    DecidedAnswer,
    RejectReview,
    ReviewsAnswer,
    SameMoney,
    decided,
    review_item,
)
from service.sessions.controllers import services_of
from service.web.authentication import (
    AnyRequest,
    CurrentPrincipal,
    on_behalf_of,
    require,
    requires,
)
from service.web.parameters import PAGE_SIZE, MerchantQuery, PageCursor, PageLimit

EventIdPath = Annotated[str, PathParameter(max_length=400, description="The event's inbox id.")]


class AdminReviews(Controller):
    """Events that wait for a person's decision."""

    path = "/api/admin"
    tags = ["Admin"]

    @get(
        "/reviews",
        opt=requires(AccessScope.REVIEWS_READ),
        operation_id="listReviews",
        summary="List what waits for a decision",
    )
    async def reviews(
        self,
        principal: CurrentPrincipal,
        merchant: MerchantQuery = None,
        limit: PageLimit = PAGE_SIZE,
        cursor: PageCursor = None,
    ) -> ReviewsAnswer:
        """Events that did not fit their session, newest first, and what each decision would do.

        Operators list and decide those of any merchant, including a suspended one.
        """
        whose = on_behalf_of(principal, merchant).merchant_id
        place = cursor_of(cursor)
        found, following = await list_reviews(whose, cursor=place, limit=limit)
        return ReviewsAnswer([review_item(one) for one in found], next_cursor(following))

    @post(
        "/reviews/{event_id:str}/accept",
        opt=requires(AccessScope.REVIEWS_DECIDE),
        status_code=200,
        operation_id="acceptReview",
        summary="Accept a payment as it is",
    )
    async def accept(
        self,
        event_id: EventIdPath,
        principal: CurrentPrincipal,
        request: AnyRequest,
        data: JSONBody[AcceptReview | None] = None,
        merchant: MerchantQuery = None,
    ) -> DecidedAnswer:
        """Complete the session with it; money that is held is captured first.

        The id is the event's or the session's. Only money that came, or is held, can be accepted.
        What is not accepted of it is refunded, which takes `refunds:approve`, too.
        """
        body = data or AcceptReview()
        if body.refund is not None:
            require(principal, AccessScope.REFUNDS_APPROVE, taken="a key that may refund")
        wish = Wish(Choice.ACCEPT, body.reason, body.payment_id, body.refund)
        return await _decided(event_id, wish, on_behalf_of(principal, merchant), request)

    @post(
        "/reviews/{event_id:str}/reject",
        opt=requires(AccessScope.REVIEWS_DECIDE),
        status_code=200,
        operation_id="rejectReview",
        summary="Reject a payment",
    )
    async def reject(
        self,
        event_id: EventIdPath,
        data: JSONBody[RejectReview],
        principal: CurrentPrincipal,
        request: AnyRequest,
        merchant: MerchantQuery = None,
    ) -> DecidedAnswer:
        """Leave the session without it; the money's ledger row stays."""
        wish = Wish(Choice.REJECT, data.reason, data.payment_id)
        return await _decided(event_id, wish, on_behalf_of(principal, merchant), request)

    @post(
        "/reviews/{event_id:str}/reject-and-refund",
        opt=requires(AccessScope.REVIEWS_DECIDE, AccessScope.REFUNDS_APPROVE),
        status_code=200,
        operation_id="rejectAndRefund",
        summary="Reject a payment and give it back",
    )
    async def reject_and_refund(
        self,
        event_id: EventIdPath,
        data: JSONBody[RejectReview],
        principal: CurrentPrincipal,
        request: AnyRequest,
        merchant: MerchantQuery = None,
    ) -> DecidedAnswer:
        """Leave the session without it, and refund what is left of it.

        Never money of another session, which belongs to a completed sale.
        """
        wish = Wish(Choice.REJECT_AND_REFUND, data.reason, data.payment_id)
        return await _decided(event_id, wish, on_behalf_of(principal, merchant), request)

    @post(
        "/reviews/{event_id:str}/same-money",
        opt=requires(AccessScope.REVIEWS_DECIDE),
        status_code=200,
        operation_id="takeSameMoney",
        summary="Take a payment for the money that was entered by hand",
    )
    async def same_money(
        self,
        event_id: EventIdPath,
        principal: CurrentPrincipal,
        request: AnyRequest,
        data: JSONBody[SameMoney | None] = None,
        merchant: MerchantQuery = None,
    ) -> DecidedAnswer:
        """Reverse the entry by hand; the session is then completed by the payment itself."""
        body = data or SameMoney()
        wish = Wish(Choice.SAME_MONEY, body.reason, body.payment_id)
        return await _decided(event_id, wish, on_behalf_of(principal, merchant), request)


async def _decided(
    review_id: str, wish: Wish, principal: Principal, request: AnyRequest
) -> DecidedAnswer:
    services, refunding = services_of(request), refunding_of(request)
    found = await decide_review(review_id, wish, principal, services, refunding)
    return decided(found, principal, services.clock.now())
