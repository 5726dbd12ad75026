"""Give money back with a decision: of a payment that is rejected, or a part of an accepted one."""

from msgspec import Struct, structs

from service.payments.refunds.documents import Refund
from service.payments.refunds.errors import wrong_field
from service.payments.refunds.operations.request import Wanted, refund_at_once
from service.payments.refunds.operations.rules import RefundRules
from service.payments.refunds.operations.writing import Doing
from service.payments.refunds.sending.now import try_now
from service.payments.refunds.sending.services import RefundServices
from service.reviews.errors import PaymentNotSucceeded
from service.reviews.operations.choices import Case, Choice, Wish
from service.sessions.documents import Session


class DecidedReview(Struct, frozen=True):
    """The session as it stands after a decision, and what is given back, if anything is."""

    session: Session
    refund: Refund | None


async def give_back(doing: Doing, wish: Wish, case: Case, rules: RefundRules) -> Refund | None:
    """Write the refund that belongs to a decision; None where it gives nothing back.

    Raises what says why the payment can't be refunded: then nothing is decided either.
    """
    if wish.choice is not Choice.REJECT_AND_REFUND and wish.refund is None:
        return None
    payment = case.payment
    if payment is None:
        raise PaymentNotSucceeded("Nothing was paid, so there is nothing to refund.")
    if wish.refund is not None and wish.refund >= payment.amount:
        raise wrong_field(
            "refund", f"must be less than the payment's {payment.amount}: reject it to refund all"
        )
    reason = wish.reason or f"accepted in part: {case.doubt.reason}"
    wanted = Wanted(reason, "review", wish.refund)
    return await refund_at_once(doing, str(payment.id), wanted, rules)


async def ask_for(decided: DecidedReview, refunding: RefundServices) -> DecidedReview:
    """Ask the provider for what is given back, once the decision is written."""
    if decided.refund is None:
        return decided
    return structs.replace(decided, refund=await try_now(decided.refund, refunding))
