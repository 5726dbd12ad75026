"""Which of the sessions that an event could mean is the one, and what meeting it writes."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from service.effects.matching import (
    _hold_back,
    _place,
    find_match,
    learn,
    named_by,
    sessions_of,
)
from service.inbox.operations.inbox import Arrival, Named
from service.providers.base import VerifiedEvent
from service.providers.facts import Subject
from service.sessions import repository
from service.sessions.documents import Session
from service.storage.plain import NO_TRANSACTION
from tests.conftest import NOON
from tests.support.shop import Shop

HOUR = timedelta(hours=1)


def _arrival(**subject: Any) -> Arrival:
    fields = dict.fromkeys(VerifiedEvent.__struct_fields__)
    fields |= {"provider": "stripe", "subject": Subject(**subject)}
    return Arrival(VerifiedEvent(**fields))  # type: ignore[arg-type]


async def _opened(shop: Shop, session_id: str, *refs: str, **row: Any) -> Session:
    """Open a session, and write by which ids its provider names its checkouts."""
    await shop.api.open(sessionId=session_id)
    checkouts = [{"ref": ref, "n": 1, "openedAt": NOON, "attemptId": None} for ref in refs]
    changes = {"checkoutIds": list(refs), "checkouts": checkouts, **row}
    await shop.database["sessions"].update_one({"sessionId": session_id}, {"$set": changes})
    found = await shop.database["sessions"].find_one({"sessionId": session_id})
    return Session.model_validate(found)


async def test_the_first_id_of_the_event_that_is_a_sessions_own_is_its_place(shop: Shop) -> None:
    session = await _opened(shop, "s-1", "cs_1", "cs_2")
    assert _place(session, Subject(checkout_refs=("cs_0", "cs_2", "cs_1"))) == 1
    tokens = {"checkout_refs": ("cs_0",), "sent_ids": ("another",)}
    assert _place(session, Subject(**tokens, references=("more", "s-1"))) == 1 + 1 + 1
    assert _place(session, Subject(**tokens)) is None


@pytest.mark.parametrize("order", [("order_1", "pay_1"), ("pay_1", "order_1")])
async def test_of_two_in_one_place_the_lesser_id_is_meant_whatever_was_opened_first(
    shop: Shop, order: tuple[str, str]
) -> None:
    for session_id in order:
        await _opened(shop, session_id)
    arrival = _arrival(object_ids=("pay_1", "order_1"))
    match = await find_match(NO_TRANSACTION, arrival)
    assert match.session is not None
    assert match.session.session_id == "order_1"


async def test_a_checkout_of_another_session_is_not_learned_with_the_meant_ones(
    shop: Shop,
) -> None:
    await _opened(shop, "s-1", "cs_1")
    await _opened(shop, "s-2", "cs_2")
    arrival = _arrival(checkout_refs=("cs_1", "cs_2", "cs_new"))
    match = await find_match(NO_TRANSACTION, arrival)
    assert match.refs == ("cs_1", "cs_new")


async def test_what_can_not_be_applied_is_named_by_a_checkout_that_we_opened(shop: Shop) -> None:
    await _opened(shop, "s-1", "cs_1", merchantId="another")
    assert await named_by(_arrival(checkout_refs=("cs_1",))) == Named("another", "s-1")
    assert await named_by(_arrival(checkout_refs=("cs_2",))) is None
    # An event that names its merchant is nobody else's.
    told = _arrival(checkout_refs=("cs_1",), merchant_id="default")
    assert await named_by(told) is None
    assert (await find_match(NO_TRANSACTION, told)).session is None


async def test_a_group_asks_for_the_sessions_that_any_id_of_the_event_names() -> None:
    asked = sessions_of(_arrival(checkout_refs=("cs_1",), sent_ids=("s-1",)))
    assert asked.collection.name == "sessions"
    assert {value for one in asked.look_ups for value in one.values} == {"cs_1", "s-1"}


@pytest.mark.parametrize(
    ("purged_in", "marked"),
    [
        (None, False),
        (HOUR + timedelta(milliseconds=8), False),
        (HOUR + timedelta(milliseconds=7), True),
        (HOUR / 2, True),
        (-HOUR * 2, True),
    ],
)
async def test_a_session_is_marked_where_a_purge_may_be_looking_at_it(
    shop: Shop, purged_in: timedelta | None, marked: bool
) -> None:
    session = await _opened(shop, "s-1", purgeAt=purged_in and NOON + purged_in, deletableAt=NOON)
    now = NOON + timedelta(milliseconds=7)
    after = await _hold_back(NO_TRANSACTION, session, now)
    assert (after is not session) is marked
    kept = await repository.find("default", "s-1")
    assert kept is not None
    assert kept.deletable_at == (None if marked else NOON)
    assert (kept.updated_at == now) is marked


async def test_a_session_learns_nothing_of_what_is_not_its_own(shop: Shop) -> None:
    session = await _opened(shop, "s-1", "cs_1")
    foreign = Subject(checkout_refs=("cs_foreign",))
    assert await learn(NO_TRANSACTION, session, foreign, ("cs_foreign",)) is session
    assert await learn(NO_TRANSACTION, session, foreign, ("cs_1",)) is session
    own = structs.replace(foreign, checkout_refs=("cs_1", "pi_1"))
    learned = await learn(NO_TRANSACTION, session, own, ("cs_1", "pi_1"))
    assert learned.checkout_ids == ["cs_1", "pi_1"]
