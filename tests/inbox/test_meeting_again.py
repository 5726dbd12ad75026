"""A try that began with an older row than the one that stands by the time it writes."""

from msgspec import structs

from service.core.errors import Busy
from service.inbox import repository
from service.inbox.operations.inbox import Arrival, Inbox, Outcome
from service.inbox.operations.keeping import stored_event
from service.inbox.operations.receive import take_in
from service.inbox.operations.replay import retry_waiting
from service.inbox.states import InboxStatus
from service.storage.transaction import Transaction
from tests.support.shop import Shop, completions

LATER = {"sessionId": "ps_later", "amount": 1000, "currency": "INR"}


async def _as_it_stands(shop: Shop) -> Arrival:
    """Return the one event of the inbox with its row, as a retry or a replay takes it up."""
    [stored] = await shop.events()
    row = await repository.find(stored["_id"])
    assert row is not None
    event = stored_event(row, shop.api.container.inbox.providers["stripe"])
    return Arrival(event, before=row)


async def test_the_second_of_two_tries_of_one_waiting_event_finds_the_work_done(
    shop: Shop,
) -> None:
    inbox = shop.api.container.inbox
    assert (await shop.api.told(shop.stripe_paid(LATER)))["outcome"] == "parked"
    await shop.api.open(sessionId="ps_later")
    second = await _as_it_stands(shop)
    shop.pass_time(seconds=5)
    assert await retry_waiting(inbox) == 1
    done = await shop.session("ps_later"), await shop.events()
    receipt = await take_in(second, inbox)
    assert (receipt.outcome, receipt.duplicate) == (InboxStatus.PROCESSED, True)
    assert receipt.session_id == "ps_later"
    assert (await shop.session("ps_later"), await shop.events()) == done
    assert completions(done[0]) == 1


async def test_a_replay_that_began_before_a_person_decided_changes_nothing(shop: Shop) -> None:
    session = await shop.api.open(sessionId="s-1")
    assert (await shop.api.told(shop.stripe_paid(session, amount_total=999)))["outcome"] == "review"
    replay = await _as_it_stands(shop)
    [review] = await shop.events()
    answer = await shop.admin("POST", f"/reviews/{review['_id']}/reject", json={"reason": "a test"})
    assert answer.status_code == 200, answer.text
    decided = await shop.session("s-1"), await shop.events()
    assert (await take_in(replay, shop.api.container.inbox)).duplicate
    assert (await shop.session("s-1"), await shop.events()) == decided


async def test_control_a_replay_that_meets_something_else_is_tried_again(shop: Shop) -> None:
    """Its row is done from the start: that alone does not make it another's work."""
    session = await shop.api.open(sessionId="s-1")
    await shop.api.told(shop.stripe_paid(session))
    genuine, tries = shop.api.container.inbox, 0

    async def busy_once(tx: Transaction, arrival: Arrival, inbox: Inbox) -> Outcome:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise Busy("The session is being changed.")
        return await genuine.apply(tx, arrival, inbox)

    replay = await _as_it_stands(shop)
    receipt = await take_in(replay, structs.replace(genuine, apply=busy_once))
    assert (tries, receipt.outcome, receipt.duplicate) == (2, InboxStatus.PROCESSED, False)
    assert receipt.session_id == "s-1"
