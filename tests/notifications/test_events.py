"""What leaves the house: which messages, under which id, and which of them a filter hears."""

import re
from datetime import UTC, datetime

import msgspec
import pytest

from service.core.strict_json import JsonObject
from service.notifications.events.operations import encoded, event_of
from service.notifications.events.states import EVENT_TYPES, hears, is_filter, types_heard
from service.outbox.documents import OutboxMessage
from service.outbox.operations.messages import message

NOW = datetime(2026, 11, 22, 9, 30, 0, 250000, tzinfo=UTC)


def _message(topic: str, key: str = "m1:1") -> OutboxMessage:
    payload: JsonObject = {"status": "completed", "amount": 4999, "currency": "EUR"}
    made = message(topic, key, merchant_id="m1", session_id="s1", payload=payload, now=NOW)
    stored: OutboxMessage = OutboxMessage.model_validate(made)
    return stored


def test_an_event_says_what_its_message_says() -> None:
    event = event_of(_message("session.completed"))
    assert event is not None
    assert msgspec.json.decode(encoded(event)) == {
        "id": event.id,
        "type": "session.completed",
        "createdAt": "2026-11-22T09:30:00.250000Z",
        "merchantId": "m1",
        "sessionId": "s1",
        "data": {"status": "completed", "amount": 4999, "currency": "EUR"},
    }


def test_the_same_message_is_the_same_event_and_another_is_another() -> None:
    first, again = (event_of(_message("session.completed")) for _ in range(2))
    other = event_of(_message("session.completed", "m1:2"))
    assert first is not None
    assert again is not None
    assert other is not None
    assert encoded(first) == encoded(again)
    assert re.fullmatch("evt_[0-9a-f]{24}", first.id)
    assert other.id != first.id


@pytest.mark.parametrize("topic", ["provider.capture", "provider.refund", "session.unheard_of"])
def test_a_command_is_no_event(topic: str) -> None:
    assert event_of(_message(topic)) is None


@pytest.mark.parametrize(
    "word", ["*", "session.*", "subscription.*", "intent.*", "payment.succeeded", "review.opened"]
)
def test_filters_name_all_a_family_or_a_type(word: str) -> None:
    assert is_filter(word)


@pytest.mark.parametrize(
    "word", ["", "**", "session", "session.", "session.paid", "provider.*", "*.completed", "*.*"]
)
def test_what_names_no_event_is_no_filter(word: str) -> None:
    assert not is_filter(word)


def test_a_filter_hears_its_own() -> None:
    assert hears(["*"], "refund.failed")
    assert hears(["session.*", "refund.failed"], "refund.failed")
    assert hears(["session.*"], "session.completed")
    assert not hears(["session.*"], "refund.failed")
    assert not hears([], "refund.failed")
    assert types_heard(["review.*", "refund.failed"]) == {
        "review.opened",
        "review.decided",
        "refund.failed",
    }
    assert types_heard(["*"]) == EVENT_TYPES
