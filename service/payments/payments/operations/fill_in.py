"""Fill in what an event says of a payment besides, once it was applied."""

from msgspec import Struct

from service.core.errors import Busy
from service.payments.payments import repository
from service.payments.payments.operations.merging import (
    details_changed,
    failure_of,
    first_told,
    marked,
    standing_of,
)
from service.payments.payments.operations.reported import ReportedPayment
from service.storage.database import Row

_TRIES = 5


class Filled(Struct, frozen=True):
    """Which fields of a payment were filled in, by their stored names: as they were and are."""

    before: Row
    after: Row


async def fill_in(reported: ReportedPayment, *, dry_run: bool) -> Filled:
    """Fill in what an event that was applied says of a payment besides; return what that changes.

    How the payment stands, its money and whose it is stay. The row is compared in the write, so
    nothing that an event has written meanwhile is overwritten. Raises `Busy` where it is written
    again and again.
    """
    key = (reported.provider, reported.account, reported.provider_payment_id)
    for _ in range(_TRIES):
        payment = await repository.find(*key)
        if payment is None:
            return Filled({}, {})
        place, stands = standing_of(reported), standing_of(payment)
        if place > stands:  # a replay's to apply
            return Filled({}, {})
        said: Row = {"firstAt": first_told(payment, reported)}
        if place == stands:
            said |= failure_of(payment, reported)
        changes = payment.differing(details_changed(payment, reported, place, stands) | said)
        written = changes | marked(payment, changes)
        if not changes or dry_run or await repository.change_as_read(payment, written):
            return Filled({name: payment.stored(name) for name in changes}, changes)
    raise Busy("The payment is being written by others.")
