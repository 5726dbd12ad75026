"""What keeps subscriptions right, taken out: a conversation must miss each."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from msgspec import structs

from service.payments.subscriptions import repository
from service.payments.subscriptions.operations import hint, record
from service.providers.stripe import ledger


@contextmanager
def _any_reading_answers() -> Iterator[None]:
    """A reading that was sent before an event came answers it: its number is taken after it."""
    marked = hint.marked

    def met(known: Any, now: Any) -> Any:
        return {**marked(known, now), "wanted": known.asked}

    with patch.object(hint, "marked", met):
        yield


@contextmanager
def _ends_like_any_state() -> Iterator[None]:
    """What has ended does not outrank: the greatest number alone does."""
    with patch.object(record, "outranks", lambda new, read, known, seq: read > seq):
        yield


@contextmanager
def _an_invoice_of_each_event() -> Iterator[None]:
    """A paid invoice is called by what paid it, where that is said."""
    invoice_payment = ledger._invoice_payment

    def called(invoice: Any, amount: int) -> Any:
        payment = invoice_payment(invoice, amount)
        paid_by = [one for one in payment.aliases if one.startswith("pi_")]
        return structs.replace(
            payment, provider_payment_id=[*paid_by, payment.provider_payment_id][0]
        )

    with patch.object(ledger, "_invoice_payment", called):
        yield


@contextmanager
def _nobody_looks() -> Iterator[None]:
    """What nobody tells of a subscription is looked for by nobody."""
    with patch.object(repository, "_untold", lambda now: {"_id": None}):
        yield


SUBSCRIBING_GUARDS: dict[str, Callable[[], Any]] = {
    "numbered before it is read": _any_reading_answers,
    "an end outranks": _ends_like_any_state,
    "an invoice is one payment": _an_invoice_of_each_event,
    "lost events are looked for": _nobody_looks,
}
