"""The page of the review queue over HTTP, and its decisions."""

from litestar import Controller, get, post
from litestar.di import Provide

from service.core.errors import InvalidInput
from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope, Principal
from service.dashboard.acting import (
    Answer,
    Form,
    Sheet,
    TheDesk,
    act,
    filled,
    page,
    provide_desk,
)
from service.dashboard.money import minor_of, price
from service.dashboard.reviews.lines import review_lines
from service.dashboard.said import Said
from service.payments.refunds.controllers import refunding_of
from service.payments.refunds.operations.find_payment import find_payment
from service.reviews.operations.browse import list_reviews
from service.reviews.operations.choices import REJECTIONS, Choice, Wish
from service.reviews.operations.decide import decide_review
from service.reviews.operations.give_back import DecidedReview
from service.reviews.schemas import AcceptReview
from service.sessions.controllers import services_of
from service.web.authentication import AnyRequest, require
from service.web.parameters import PAGE_SIZE, PageCursor
from service.web.wire import decode_wire_model

HERE = "/dashboard/reviews"
READ = frozenset({AccessScope.REVIEWS_READ})
DECIDE = frozenset({AccessScope.REVIEWS_DECIDE})


class ReviewPages(Controller):
    """What waits for a person, and the buttons for it."""

    path = HERE
    dependencies = {"desk": Provide(provide_desk, sync_to_thread=False)}

    @get("/")
    async def show(self, request: AnyRequest, desk: TheDesk, cursor: PageCursor = None) -> Answer:
        """List what waits for a decision, newest first, with what each decision would do."""

        async def show(sheet: Sheet) -> Answer:
            place = cursor_of(cursor)
            found, following = await list_reviews(
                sheet.reader.merchant_id, cursor=place, limit=PAGE_SIZE
            )
            lines = [line for one in found for line in review_lines(one, sheet.reader)]
            older = next_cursor(following)
            return filled(sheet, "reviews.html", lines=lines, older=older)

        return await page(request, desk, READ, show)

    @post("/decide", status_code=303)
    async def decide(self, request: AnyRequest, desk: TheDesk) -> Answer:
        """Decide about a payment as the button says that was pressed."""

        async def do(reader: Principal, given: Form) -> Said:
            wish = await _wish(reader, given)
            found = await decide_review(
                given.get("id", ""), wish, reader, services_of(request), refunding_of(request)
            )
            return _said(wish.choice, found)

        return await act(request, desk, DECIDE, HERE, do)


async def _wish(reader: Principal, given: Form) -> Wish:
    """Read a form. Raises `InvalidInput`, and `Forbidden` where money goes back."""
    words = given.get("choice", "")
    if words not in set(Choice):
        raise InvalidInput("Nothing was decided: the form names no decision.")
    choice, about = Choice(words), given.get("about") or None
    sent = decode_wire_model(
        AcceptReview, {"reason": given.get("reason") or None, "paymentId": about}
    )
    if choice in REJECTIONS and sent.reason is None:
        raise InvalidInput("Nothing was decided: say why in the field for the reason.")
    part = given.get("refund", "") if choice is Choice.ACCEPT else ""
    if part or choice is Choice.REJECT_AND_REFUND:
        require(reader, AccessScope.REFUNDS_APPROVE, taken="a key that may refund")
    back = None
    if part:
        back = minor_of(part, await find_payment(reader.merchant_id, about or ""))
    return Wish(choice, sent.reason, sent.payment_id, back)


def _said(choice: Choice, found: DecidedReview) -> Said:
    done = "The payment was rejected" if choice in REJECTIONS else "The payment was accepted"
    if choice is Choice.SAME_MONEY:
        done = "The entry by hand was reversed"
    session, refund = f"its session is {found.session.status}", found.refund
    if refund is None:
        return Said(f"{done}; {session}.")
    amount = price(refund.amount, refund.provider, refund.currency)
    return Said(f"{done}; {session}. The refund of {amount} is {refund.status}.")
