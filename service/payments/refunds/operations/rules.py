"""What decides whether a payment may be refunded: its own row, and the rules of the house. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from service.payments.payments.documents import Payment
from service.payments.payments.states import HAND, PaymentStatus
from service.payments.refunds.documents import Refund
from service.payments.refunds.errors import (
    MoreThanLeft,
    NothingPaid,
    NotOffered,
    OtherCurrency,
    PaymentDisputed,
    WindowOver,
)
from service.providers.base import OWN_ACCOUNT
from service.providers.money import check_step
from service.providers.registry import REGISTRY


class RefundRules(Struct, frozen=True):
    """The rules of refunds.

    A refund can be requested within the `window` after its payment. `limits` say by currency what
    one key may refund of a payment at once. `asked` are the providers that can be asked for a
    refund from here, and the mode that our keys for each are for.
    """

    window: timedelta
    limits: Mapping[str, int]
    asked: Mapping[str, bool | None]

    def is_beyond_limit(self, payment: Payment, amount: int) -> bool:
        """Return whether a refund takes what goes back of a payment beyond the limit.

        With what was refunded before: else many small refunds would be one large one.
        """
        limit = self.limits.get(payment.currency)
        return limit is not None and payment.refunded + payment.reserved + amount > limit

    def check_window(self, payment: Payment, now: datetime) -> None:
        """Refuse a request that comes too late. Raises `WindowOver`."""
        if now - payment.created_at > self.window:
            days = f"{self.window / timedelta(days=1):g}"
            raise WindowOver(
                f"A refund can be requested within {days} days of its payment, which was made "
                f"on {payment.created_at:%Y-%m-%d}."
            )

    def check_offered(self, payment: Payment) -> None:
        """Refuse what the provider can't be asked for with our keys. Raises `NotOffered`."""
        name = payment.provider
        if name not in self.asked:
            raise NotOffered(f"{name} is not set up here, so it can't be asked for a refund.")
        modes = {self.asked[name], payment.live} - {None}
        if payment.account != OWN_ACCOUNT or len(modes) > 1:
            raise NotOffered(
                f"The payment was made in another account or mode of {name} than our keys are "
                "for. Refund it there: it is recorded here as well."
            )


def is_by_hand(payment: Payment | Refund) -> bool:
    """Return whether a payment is refunded by hand, as it was made: no provider can do it.

    A refund is asked about its payment.
    """
    row = REGISTRY.get(payment.provider)
    manual = row is not None and row.traits.manual
    return manual or payment.provider_payment_id.startswith(HAND)


def left_of(payment: Payment) -> int:
    """Return what can still be refunded of a payment, in minor units."""
    return max(0, payment.amount - payment.refunded - payment.reserved)


def amount_of(payment: Payment, amount: int | None, currency: str | None = None) -> int:
    """Return what of a payment is to be refunded; `amount` None is all that is left.

    Raises `OtherCurrency`, `NothingPaid`, `PaymentDisputed` and `MoreThanLeft`, and `InvalidInput`
    for a part that the provider can't give back to the last digit.
    """
    if currency not in {None, payment.currency}:
        raise OtherCurrency(payment.currency)
    if payment.status is PaymentStatus.REFUNDED:
        raise MoreThanLeft(amount, 0, payment.currency)
    if payment.status is PaymentStatus.REVERSED:
        raise NothingPaid(
            "The entry by hand was reversed: the payment itself stands in its place; refund that."
        )
    if payment.status is not PaymentStatus.SUCCEEDED:
        raise NothingPaid(
            f"The payment is {payment.status}: its money has not come, so there is none to refund."
        )
    if payment.held > 0:
        raise PaymentDisputed
    left = left_of(payment)
    wanted = left if amount is None else amount
    if wanted > left or left == 0:
        raise MoreThanLeft(amount, left, payment.currency)
    if not is_by_hand(payment):
        check_step(payment.provider, payment.currency, wanted)
    return wanted
