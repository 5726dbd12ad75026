"""What the inbox keeps of an event, and how the event is read again from that."""

import msgspec

from service.core.errors import MalformedBody, TillgateError
from service.core.ids import digest
from service.core.lateness import is_late
from service.core.strict_json import JsonObject
from service.inbox.documents import Cut, WebhookEvent
from service.inbox.errors import ReplayFailed
from service.inbox.operations.inbox import Arrival, Inbox, Outcome
from service.inbox.operations.stripping import strip_payload
from service.inbox.states import DONE, InboxStatus
from service.providers.base import Provider, SendsWebhooks, VerifiedEvent, restored
from service.providers.facts import Fact, Subject, Unreadable
from service.providers.learned import with_learned
from service.storage.database import Row

# A provider's event has a few kB. What is larger is applied as every other one, and not kept whole:
# thirty-two of them share a transaction, and a page of them an answer.
KEEP_WHOLE = 256_000
KEEP_OF_CUT = 64_000

# What was ignored may be of use to a later version, and wait for its session then. What is in
# review is in a person's hands: were it to wait, no list would show it any more.
_NEVER_WAITS_AGAIN = frozenset({InboxStatus.PROCESSED, InboxStatus.REVIEW})

# What a fact is about, by the names of their ids: a refund names its payment too.
_OBJECTS = (
    *("provider_refund_id", "provider_dispute_id", "provider_subscription_id"),
    *("provider_payment_id", "checkout_ref"),
)


def row_of(arrival: Arrival, outcome: Outcome, inbox: Inbox) -> Row:
    """Make the inbox row of an event and its outcome.

    Each event leaves one: a `WebhookEvent` would be made only to be taken apart again. Raises
    `ReplayFailed` where what was done would have to wait now: there is nothing that it waits for.
    """
    event, before = arrival.event, arrival.before
    if before is not None and before.status in _NEVER_WAITS_AGAIN and outcome.waits:
        raise ReplayFailed(outcome.reason or outcome.status)
    now = inbox.clock.now()
    received = before.received_at if before is not None else outcome.at or now
    done = outcome.status in DONE and outcome.status is not InboxStatus.REVIEW
    payload, cut = _kept_of(event, before)
    if done and inbox.strip:
        payload, cut = _stripped(payload, cut, event, inbox.strip)
    given: Row = {
        "_id": event.inbox_id,
        "merchantId": outcome.merchant_id,
        "source": arrival.source,
        "status": outcome.status.value,
        "sessionId": outcome.session_id,
        "userId": outcome.user_id,
        "objectId": _object_of(event),
        "waitsFor": list(outcome.waits_for),
        "reason": outcome.reason,
        "error": outcome.error,
        "doubts": [
            {"about": about, "reason": why, "decision": None} for about, why in outcome.doubts
        ],
        "facts": [as_json(fact) for fact in event.facts],
        "learned": msgspec.to_builtins(event.learned) if event.learned is not None else None,
        "payload": payload,
        "cut": cut,
        "receivedAt": received,
        "processedAt": now if outcome.status in DONE else None,
        "nextAttemptAt": outcome.next_attempt_at,
        "purgeAt": now + inbox.keep_for if done or outcome.status is InboxStatus.DEAD else None,
        "recount": is_late(received, now),
    }
    return WebhookEvent.new_row(given if before is None else given | _of_before(before), event)


def _object_of(event: VerifiedEvent) -> str | None:
    """Return the provider's id of what an event is about; of several facts the first one's."""
    for fact in event.facts:
        about = getattr(fact, "payment", fact)
        for name in _OBJECTS:
            if isinstance(found := getattr(about, name, None), str):
                return found
    return next(iter((*event.subject.checkout_refs, *event.subject.object_ids)), None)


def _of_before(before: WebhookEvent) -> Row:
    """Return what an event's row keeps of the one that an earlier try left."""
    return {
        "_id": before.id,
        "providerEventId": before.provider_event_id,
        "source": before.source,
        "attempts": before.attempts,
    }


def _kept_of(event: VerifiedEvent, before: WebhookEvent | None) -> tuple[bytes, Row | None]:
    """Return what a row keeps of a payload, and what stands in for the rest of a large one."""
    payload = event.payload
    if len(payload) <= KEEP_WHOLE:
        earlier = before.cut if before is not None and before.payload == payload else None
        if earlier is None:
            return payload, None
        size, sha256 = earlier.size, earlier.sha256
    else:
        size, sha256 = len(payload), digest(payload)
    return payload[:KEEP_OF_CUT], _instead(event, size, sha256)


def _instead(event: VerifiedEvent, size: int, sha256: str) -> Row:
    """Return what stands in for a payload: with it, and the row's facts, the event is applied."""
    subject: Row = msgspec.to_builtins(event.subject)
    return {"size": size, "sha256": sha256, "subject": subject, "asks": event.needs_confirmation}


def _stripped(
    payload: bytes, cut: Row | None, event: VerifiedEvent, names: tuple[str, ...]
) -> tuple[bytes, Row | None]:
    """Strip what is kept of a payload; a replay takes what was read before instead of the rest."""
    left = strip_payload(payload, names)
    if left is None:
        return payload, cut
    return left, cut or _instead(event, len(payload), digest(payload))


def strip_row(row: WebhookEvent, inbox: Inbox) -> WebhookEvent:
    """Return a review without the fields that are stripped, if all of it is decided and done.

    One that can't be read any more, since its provider has no credentials, stays as it is until it
    is purged.
    """
    provider = inbox.providers.get(row.provider)
    waits = any(one.decision is None or one.decision.awaiting for one in row.doubts)
    if not inbox.strip or provider is None or waits:
        return row
    cut: Row | None = row.cut.model_dump(by_alias=True) if row.cut else None
    try:
        event = stored_event(row, provider)
    except TillgateError:
        return row
    payload, cut = _stripped(row.payload, cut, event, inbox.strip)
    kept = {"payload": payload, "cut": Cut(**cut) if cut else None}
    changed: WebhookEvent = row.model_copy(update=kept)
    return changed


def stored_event(row: WebhookEvent, provider: Provider) -> VerifiedEvent:
    """Translate a row's payload anew; where that was cut, take what was read when it came.

    With what its provider said of its checkout since. Raises `MalformedBody` for what can't be
    read, and for a part of what could not be read.
    """
    if row.cut is None:
        if not isinstance(provider, SendsWebhooks):
            raise MalformedBody(f"{row.provider} sends no events: nothing can read one of it.")
        event = provider.translate_stored(row.event_id, row.payload)
    else:
        event = _from_parts(row, row.cut)
    return (
        event if row.learned is None else with_learned(event, msgspec.convert(row.learned, Subject))
    )


def _from_parts(row: WebhookEvent, cut: Cut) -> VerifiedEvent:
    event = restored(row, subject=cut.subject, asks=cut.asks)
    if any(isinstance(fact, Unreadable) for fact in event.facts) and cut.asks is None:
        raise MalformedBody(
            f"Only the first {len(row.payload)} of its {cut.size} bytes were kept: "
            "it could not be read when it came, and can't be read anew."
        )
    return event


def as_json(fact: Fact) -> JsonObject:
    """Return a fact as it is stored: its type in `type`, times as ISO text."""
    stored: JsonObject = msgspec.to_builtins(fact)
    return stored
