"""What a merchant answers to a dispute: all that we know of what was bought, by whom, and when."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct, structs

from service.audit import repository as audit
from service.audit.documents import AuditEntry
from service.audit.operations import Act, record
from service.core.strict_json import JsonObject
from service.outbox import repository as outbox
from service.outbox.documents import Delivery
from service.payments.disputes.documents import Dispute
from service.payments.history.operations.browse import read_dispute
from service.payments.history.operations.gather import Told, find_whole
from service.sessions.documents import Session
from service.sessions.operations.caller import Caller
from service.storage.answering import answers_in_time
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction
from service.timeline.operations.entry import Entry
from service.timeline.operations.find_named import session_of
from service.timeline.operations.gather import timeline


class Acted(Struct, frozen=True):
    """What somebody did with the session, from where: `client` is a keyed hash of an address.

    The first is its opening, where a customer's browser did that.
    """

    at: datetime
    action: str
    actor: str
    client: str | None


class Evidence(Struct, frozen=True, kw_only=True):
    """What is known about a disputed payment at `made_at`.

    `session` is None once it was deleted after its time; the payment still says what was bought.
    """

    made_at: datetime
    dispute: Dispute
    told: Told | None
    session: Session | None
    acts: Sequence[Acted]
    deliveries: Sequence[Delivery]
    timeline: Sequence[Entry]


async def gather_evidence(any_id: str, caller: Caller, now: datetime) -> Evidence:
    """Gather the evidence about a dispute, on the record: it holds what is known of a customer.

    Raises `DisputeNotFound`, and `Unavailable`.
    """
    merchant_id = caller.principal.merchant_id
    dispute = await read_dispute(merchant_id, any_id)
    found = await find_whole(merchant_id, dispute.payment_id)
    told = next((one.told for one in found if str(one.told.payment.id) == dispute.payment_id), None)
    session = None if told is None else await session_of(told.payment, caller)
    evidence = Evidence(
        made_at=now,
        dispute=dispute,
        told=told,
        session=session,
        acts=await _acts(session),
        deliveries=await _deliveries(session),
        timeline=await _timeline(session, caller, now),
    )

    async def work(tx: Transaction) -> None:
        act = Act("dispute.evidence_read", f"dispute:{dispute.id}")
        await record(tx, caller.principal, act, now)

    await in_transaction(work)
    return evidence


async def _timeline(session: Session | None, caller: Caller, now: datetime) -> list[Entry]:
    """Return what touched the session, without the provider's fee: the bundle goes to others."""
    if session is None:
        return []
    entries = (await timeline(session.session_id, caller, now)).entries
    return [structs.replace(one, detail=_without_fee(one.detail)) for one in entries]


def _without_fee(detail: JsonObject) -> JsonObject:
    return {name: value for name, value in detail.items() if not name.startswith("fee")}


async def _acts(session: Session | None) -> list[Acted]:
    """Return what was done with a session from a known address, oldest first."""
    if session is None:
        return []
    async with answers_in_time():
        found = await audit.of_object(session.merchant_id, f"session:{session.session_id}")
    acts = [_acted(one) for one in _since(session, found) if one.client is not None]
    return [*_opening(session), *acts]


def _opening(session: Session) -> Iterable[Acted]:
    """Return who opened a session from which address; none where a server did, or it is older."""
    if session.opened_from is not None:
        by = session.history[0].by
        yield Acted(session.created_at, "session.opened", by, session.opened_from)


def _since(session: Session, found: Iterable[AuditEntry]) -> Iterable[AuditEntry]:
    """Leave out what was done with an earlier session of the same id."""
    return (one for one in found if one.at >= session.created_at)


def _acted(entry: AuditEntry) -> Acted:
    return Acted(entry.at, entry.action, entry.actor, entry.client)


async def _deliveries(session: Session | None) -> list[Delivery]:
    if session is None:
        return []
    async with answers_in_time():
        _, found = await outbox.of_session(session.merchant_id, session.session_id)
    made = [one for one in found if one.created_at >= session.created_at]
    return sorted(made, key=lambda one: (one.created_at, one.id))
