"""One stored event, read anew by the code of today."""

from collections.abc import Sequence

from msgspec import Struct, structs

from service.core.errors import TillgateError
from service.effects.differences import Difference, differences, mean_the_same
from service.effects.entering import enter
from service.effects.ledger import origin_of, reported_of
from service.inbox.documents import WebhookEvent
from service.inbox.operations.inbox import Inbox
from service.inbox.operations.keeping import KEEP_WHOLE, as_json, stored_event
from service.inbox.repository import write_facts
from service.inbox.states import WAITING
from service.payments.payments.operations.fill_in import fill_in
from service.payments.payments.operations.reported import ReportedPayment
from service.providers.base import VerifiedEvent
from service.providers.facts import Fact, InvoiceFact, PaymentFact
from service.storage.answering import answers_in_time

_BOOKKEEPING = "places"


class Reread(Struct, frozen=True):
    """What came of one event. `skipped` says why it was left alone.

    `facts` are the fields that differ of what its row has of it, `rows` those of the ledger, each
    by the payment's id. `replay`: it means something else than it did, so nothing is filled in.
    """

    event_id: str
    facts: Sequence[Difference] = ()
    rows: Sequence[Difference] = ()
    skipped: str | None = None
    replay: bool = False


async def reread(row: WebhookEvent, inbox: Inbox, *, dry_run: bool) -> Reread:
    """Compare one event with what was read of it, and fill in what it says besides.

    The ledger first: whoever is killed in between finds the facts unlike those of today, and does
    it again. Raises `Busy` where a payment is written again and again.
    """
    event = _anew(row, inbox)
    if isinstance(event, str):
        return Reread(row.id, skipped=event)
    now = [as_json(fact) for fact in event.facts]
    found = differences(row.facts, now)
    if not mean_the_same(row.facts, now):
        return Reread(row.id, facts=found, replay=True)
    rows: list[Difference] = []
    origin = origin_of(event)
    origin = structs.replace(origin, account=row.account, occurred_at=row.occurred_at)
    for fact in event.facts:
        payment = _payment_of(event, row, fact)
        if payment is not None:
            rows += await _fill_in(payment, dry_run=dry_run)
        rows += await enter(origin, fact, payment, inbox.clock.now(), dry_run=dry_run)
    async with answers_in_time():
        if found and not dry_run and not await write_facts(row, now):
            return Reread(row.id, rows=rows, skipped="it was applied again meanwhile")
    return Reread(row.id, facts=found, rows=rows)


def _payment_of(event: VerifiedEvent, row: WebhookEvent, fact: Fact) -> ReportedPayment | None:
    """Return what a fact reports of a payment, from the time and the account that were applied."""
    if not isinstance(fact, PaymentFact | InvoiceFact):
        return None
    reported = reported_of(event, row.merchant_id, fact)
    return structs.replace(reported, account=row.account, occurred_at=row.occurred_at)


async def _fill_in(reported: ReportedPayment, *, dry_run: bool) -> list[Difference]:
    async with answers_in_time():
        filled = await fill_in(reported, dry_run=dry_run)
    payment_id = reported.provider_payment_id
    return [
        structs.replace(one, field=f"{payment_id} {one.field}")
        for one in differences(filled.before, filled.after)
        if not one.field.startswith(_BOOKKEEPING)
    ]


def _anew(row: WebhookEvent, inbox: Inbox) -> VerifiedEvent | str:
    """Translate a row's payload anew; return why that is of no use where it is not."""
    provider = inbox.providers.get(row.provider)
    if row.status in WAITING:
        return "waits, and is read anew when it is tried again"
    if row.cut is not None:
        large = row.cut.size > KEEP_WHOLE
        return "its payload was too large to be kept" if large else "its payload was stripped"
    if provider is None:
        return "its provider has no credentials"
    try:
        event = stored_event(row, provider)
    except TillgateError:
        return "can't be read"
    if event.needs_confirmation is not None:
        return "only its provider can confirm what it says"
    return event
