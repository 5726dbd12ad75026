"""What can be wrong with a refund."""

from collections.abc import Sequence

from service.core.errors import Conflict, FieldProblem, Forbidden, InvalidInput, NotFound
from service.core.money import exponent, to_major


class RefundNotFound(NotFound):
    """There is no such refund, or the caller may not know of it."""

    code = "refund_not_found"

    def __init__(self, refund_id: str) -> None:
        """Name the refund."""
        super().__init__(f"There is no refund {refund_id!r}.")


class PaymentNotFound(NotFound):
    """There is no such payment, or the caller may not know of it."""

    code = "payment_not_found"

    def __init__(self, named: str) -> None:
        """Name what was looked for."""
        super().__init__(f"There is no payment {named!r}.")


class NothingPaid(Conflict):
    """No money came, so none can go back."""

    code = "nothing_paid"


class WhichPayment(Conflict):
    """What was named has several payments; the call must say which it means."""

    code = "which_payment"

    def __init__(self, named: str, payment_ids: Sequence[str]) -> None:
        """Name the payments."""
        listed = ", ".join(payment_ids)
        super().__init__(f"{named!r} has several payments; send the paymentId of one: {listed}.")


class RefundOfRefund(Conflict):
    """A refund was named where a payment is meant."""

    code = "refund_of_refund"

    def __init__(self, named: str, payment_id: str) -> None:
        """Name the payment that the refund is of."""
        super().__init__(
            f"{named!r} is a refund, which can't be refunded; its payment is {payment_id}."
        )


class MoreThanLeft(Conflict):
    """More was asked for than is left of a payment."""

    code = "more_than_left"

    def __init__(self, asked: int | None, left: int, currency: str) -> None:
        """Say what is left; `asked` is None where all of it was meant."""
        has, of = _money(left, currency), "of this payment is left to be refunded"
        if left == 0 or asked is None:
            super().__init__(f"Nothing {of}: it was refunded, or is being refunded.")
        else:
            super().__init__(f"Only {has} {of}, and {_money(asked, currency)} was asked for.")


class AlreadyRequested(Conflict):
    """A request is open, and another one would not fit beside it."""

    code = "refund_already_requested"

    def __init__(self, refund_id: str) -> None:
        """Name the open request."""
        super().__init__(
            f"A refund of this payment is requested already ({refund_id}), and what is left "
            "beside it is less than this asks for."
        )


class TooManyRequested(Conflict):
    """As many requests as somebody can look at wait already."""

    code = "too_many_requested"

    def __init__(self, waiting: int) -> None:
        """Say how many there are."""
        super().__init__(
            f"{waiting} refunds of this payment are requested and wait for a decision. Another one "
            "can be requested once one of them is decided."
        )


class PaymentDisputed(Conflict):
    """A dispute holds the money: whoever refunded it, too, would pay twice."""

    code = "payment_disputed"

    def __init__(self) -> None:
        """Say what to do instead."""
        super().__init__(
            "A dispute holds the money of this payment. Accept the dispute at the provider, or "
            "wait for its end."
        )


class WindowOver(Conflict):
    """The time within which a refund can be requested is over."""

    code = "refund_window_over"


class AlreadyDecided(Conflict):
    """The refund was approved or denied before."""

    code = "refund_already_decided"

    def __init__(self, refund_id: str, status: str) -> None:
        """Name the refund and its state."""
        super().__init__(f"Refund {refund_id} is {status}: nothing is left to be decided.")


class OwnRequest(Forbidden):
    """Whoever asked for a refund above the limit can't approve it."""

    code = "own_request"

    def __init__(self) -> None:
        """Say who can."""
        super().__init__("This key requested the refund; another one must approve it.")


class NotOffered(Conflict):
    """The provider can't be asked for a refund from here."""

    code = "refund_not_offered"


class ReferenceUsed(Conflict):
    """The bank reference stands on another refund of the same payment."""

    code = "bank_reference_used"

    def __init__(self, reference: str, refund_id: str) -> None:
        """Name both."""
        super().__init__(f"{reference!r} is the bank reference of refund {refund_id}.")


class OtherCurrency(InvalidInput):
    """A payment is refunded in its own currency."""

    code = "currency_mismatch"

    def __init__(self, currency: str) -> None:
        """Name the payment's currency."""
        problem = FieldProblem("currency", f"must be {currency}, or left out")
        super().__init__(
            f"The payment was made in {currency}, and is refunded in it.", problems=(problem,)
        )


class MoreThanRequested(InvalidInput):
    """An approval may be of less than was requested, never of more."""

    code = "more_than_requested"

    def __init__(self, requested: int, currency: str) -> None:
        """Name what was requested."""
        problem = FieldProblem("amount", f"must be at most {requested}, or left out")
        super().__init__(
            f"{_money(requested, currency)} was requested; more can't be approved.",
            problems=(problem,),
        )


def wrong_field(field: str, message: str) -> InvalidInput:
    """Make the error for one field that is lacking, or has no place."""
    problem = FieldProblem(field, message)
    return InvalidInput(f"The request can't be used: {field} {message}.", problems=(problem,))


def _money(amount: int, currency: str) -> str:
    return f"{to_major(amount, exponent(currency))} {currency}"
