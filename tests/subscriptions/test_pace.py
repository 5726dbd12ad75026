"""Whoever asks for one subscription again and again has its provider asked within bounds."""

from collections import Counter

import pytest

from service.core.clock import ManualClock
from service.payments.subscriptions.sending import pace
from service.storage.database import Database
from tests.sandbox.lab import Lab
from tests.sessions.asking import token_of
from tests.subscriptions.living import USER, Living, begun
from tests.support.api import SECRET

STATUS = "/api/payment/subscription-status"
GENUINE, MOST = pace.MOST_A_MINUTE, 4
AGAIN = MOST + 5


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer a minute: each is two calls of the provider."""
    monkeypatch.setattr(pace, "MOST_A_MINUTE", MOST)


def test_it_is_read_for_a_caller_thirty_times_a_minute() -> None:
    assert GENUINE == 30


async def _active(lab: Lab, database: Database) -> Living:
    living = await begun(lab, database)
    await living.arrive()
    return living


async def _readings(living: Living) -> tuple[int, int]:
    """Return how many readings were begun, and how many events they left in the inbox."""
    events = {"eventId": {"$regex": "^fetch:"}}
    kept = await living.database["webhook_events"].count_documents(events)
    return (await living.row())["asked"], kept


async def test_a_user_has_what_goes_on_read_so_often_and_no_more(
    lab: Lab, database: Database
) -> None:
    living, clock = await _active(lab, database), lab.sandbox.clock
    assert isinstance(clock, ManualClock)
    before, user = await _readings(living), token_of(USER, clock)
    told = [await living.ask("reactivate-subscription", user) for _ in range(AGAIN)]
    assert Counter(one.status_code for one in told) == {200: MOST, 429: 5}
    assert told[-1].headers["retry-after"] == "60"
    assert told[-1].json()["error"] == "rate_limited"
    after = await _readings(living)
    assert {now - then for now, then in zip(after, before, strict=True)} == {MOST}


async def test_control_the_server_may_still_end_what_its_user_asks_for_all_the_time(
    lab: Lab, database: Database
) -> None:
    living, clock = await _active(lab, database), lab.sandbox.clock
    assert isinstance(clock, ManualClock)
    user = token_of(USER, clock)
    for _ in range(AGAIN):
        last = await living.ask("reactivate-subscription", user)
    assert last.status_code == 429
    ended = await living.ask("cancel-subscription", SECRET, atPeriodEnd=False)
    assert ended.json()["subscription"]["status"] == "canceled", ended.text


async def test_who_polls_what_can_not_be_read_is_told_what_is_known(
    lab: Lab, database: Database
) -> None:
    living, clock = await _active(lab, database), lab.sandbox.clock
    assert isinstance(clock, ManualClock)
    user, (before, _) = token_of(USER, clock), await _readings(living)
    for _ in range(AGAIN):
        # Something becomes of it all the time.
        unread = {"unread": True, "wanted": 1_000_000}
        await database["subscriptions"].update_many({}, {"$set": unread})
        answer = await lab.api.call("GET", STATUS, user)
        assert answer.status_code == 200, answer.text
        assert answer.json()["subscription"]["subscriptionId"] == living.id
        assert answer.json()["subscription"]["unread"]
    assert (await _readings(living))[0] - before == MOST
