"""All tries at paying for one thing, numbered: what failed, and what stands. Pure."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct, structs

from service.core.strict_json import JsonObject
from service.core.views import view_of
from service.payments.attempts.documents import Attempt
from service.payments.attempts.states import AttemptStatus
from service.payments.payments.documents import Payment
from service.payments.payments.states import PaymentStatus

# Of these a try stands; what failed, lapsed or was voided has its own row, or none.
_STANDS = {
    PaymentStatus.PENDING: AttemptStatus.PENDING,
    PaymentStatus.AUTHORIZED: AttemptStatus.AUTHORIZED,
    PaymentStatus.SUCCEEDED: AttemptStatus.SUCCEEDED,
    PaymentStatus.REFUNDED: AttemptStatus.SUCCEEDED,
}


class Try(Struct, frozen=True):
    """One try at paying. `number` counts from 1 among those that are shown together.

    `attempt_id` is the provider's id of it, `provider_payment_id` the key of its payment.
    """

    attempt_id: str
    provider_payment_id: str
    number: int
    status: AttemptStatus
    amount: int
    currency: str
    failure_code: str | None
    decline_code: str | None
    failure_message: str | None
    failure_details: JsonObject | None
    method: str | None
    method_id: str | None
    method_details: JsonObject | None
    country: str | None
    made_at: datetime


def tries_of(payments: Iterable[Payment], failed: Iterable[Attempt]) -> list[Try]:
    """Return all tries at some payments in the order in which they were made.

    What stands of a payment is made of its row here: to store it too would cost each success a
    write. A try that failed and came back is shown as it stands now.
    """
    found = {one.attempt_id: view_of(Try, one, number=0) for one in failed}
    for payment in payments:
        if payment.status in _STANDS:
            standing = _standing(payment)
            found[standing.attempt_id] = standing
    made = sorted(found.values(), key=lambda one: (one.made_at, one.attempt_id))
    return [structs.replace(one, number=number) for number, one in enumerate(made, 1)]


def _standing(payment: Payment) -> Try:
    details = payment.details
    return view_of(
        Try,
        payment,
        attempt_id=details.get("chargeId") or payment.provider_payment_id,
        number=0,
        status=_STANDS[payment.status],
        failure_code=None,
        decline_code=None,
        failure_message=None,
        failure_details=None,
        method=payment.payment_method,
        method_id=details.get("methodId"),
        method_details=details.get("methodDetails"),
        country=details.get("country"),
        made_at=details.get("madeAt") or payment.status_at,
    )
