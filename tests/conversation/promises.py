"""What must hold after every step of every conversation, held against the providers' own books."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from service.storage.database import Row
from tests.conversation.books import RealPayment, payable, payments_in
from tests.conversation.reaching import rare_states
from tests.conversation.wires import Captured
from tests.conversation.world import World

_MONEY_MOVED = frozenset({"succeeded", "refunded"})


async def check(world: World) -> None:
    """Hold all promises that need no rest. Raises `AssertionError` that names the one broken."""
    real = await world.payments()
    sessions = await world.sessions()
    ledger = await world.rows("payments")
    reviews = await world.rows("webhook_events", status="review", decision=None)
    _one_row_for_each_payment(ledger)
    _ledger_says_what_the_books_say(ledger, real)
    _no_payment_completes_two(sessions)
    _what_completes_is_claimed(sessions, ledger)
    for session in sessions:
        await _is_completed_by_right(world, session, real)
    _reviews_are_named(sessions, reviews)
    _captures_are_right(world.wires.captured)
    _nothing_is_gone_too_early(world, sessions, ledger, reviews)
    world.reached |= rare_states(sessions, ledger, reviews, real)


def _one_row_for_each_payment(ledger: Iterable[Row]) -> None:
    counts = Counter((row["provider"], row["account"], row["providerPaymentId"]) for row in ledger)
    assert not [key for key, count in counts.items() if count > 1], "two rows for one payment"


def _ledger_says_what_the_books_say(ledger: Iterable[Row], real: dict[str, RealPayment]) -> None:
    for row in ledger:
        key = row["providerPaymentId"]
        if key.startswith("hand:"):
            continue
        found = real.get(key)
        assert found is not None, f"the ledger has {key}, of which no provider knows"
        if row["status"] in _MONEY_MOVED:
            assert found.paid, f"the ledger says that {key} was paid, the provider {found.status}"


def _no_payment_completes_two(sessions: Iterable[Row]) -> None:
    paid_by = [
        row["providerPaymentId"]
        for row in sessions
        if row["status"] == "completed" and row["providerPaymentId"]
    ]
    twice = [key for key, count in Counter(paid_by).items() if count > 1]
    assert not twice, f"{twice} completed two sessions"


def _what_completes_is_claimed(sessions: Iterable[Row], ledger: Iterable[Row]) -> None:
    """The payment that completed a session is in the ledger as that very session's."""
    claims = {
        (row["providerPaymentId"], row["sessionId"], row["sessionOpenedAt"]) for row in ledger
    }
    for row in sessions:
        key, name = row["providerPaymentId"], row["sessionId"]
        if row["status"] == "completed" and key:
            claimed = (key, name, row["createdAt"]) in claims
            assert claimed, f"{name} was completed by {key}, which it has not claimed"


async def _is_completed_by_right(world: World, session: Row, real: dict[str, RealPayment]) -> None:
    """Exactly one of: a real payment of its amount, a hand settlement on record, nothing due."""
    if session["status"] != "completed":
        return
    name, key = session["sessionId"], session["providerPaymentId"]
    moves = [move["to"] for move in session["history"]]
    assert moves.count("completed") == 1, f"{name} was completed {moves.count('completed')} times"
    if key is None:
        assert session["amount"] == 0, f"{name} is completed and nobody paid {session['amount']}"
        return
    if key.startswith("hand:"):
        acts = await world.rows("audit_log", object=f"session:{name}")
        assert any(act["action"] == "session.settled_by_hand" for act in acts), f"{name}: no audit"
        return
    paid = real.get(key)
    assert paid is not None, f"{name} was completed by {key}, of which no provider knows"
    assert paid.paid, f"{name} is completed, {key} is {paid.status} at its provider"
    accepted = any(
        one["paymentId"] == key and one["verdict"] != "rejected" for one in session["decisions"]
    )
    # A person may take money that a server paid elsewhere for the session.
    assert paid.is_of(session) or accepted, (
        f"{name} was completed by the payment of {paid.session_id!r}"
    )
    fits = (paid.amount, paid.currency) == (session["amount"], session["currency"])
    assert fits or accepted, f"{name} of {session['amount']} was completed by {paid.amount}"


def _reviews_are_named(sessions: Iterable[Row], reviews: Iterable[Row]) -> None:
    """A session names an undecided review while there is one, and none otherwise."""
    waiting: dict[str, list[str]] = {}
    for row in reviews:
        waiting.setdefault(row["sessionId"], []).append(row["_id"])
    for session in sessions:
        name, named = session["sessionId"], session["review"]
        ids = waiting.get(name, [])
        if named is None:
            assert not ids, f"{name} names no review, {ids} wait"
        else:
            assert named["eventId"] in ids, f"{name} names {named['eventId']}, {ids} wait"


def _captures_are_right(captured: Iterable[Captured]) -> None:
    """We capture one payment of a session, and ask for no other then; and none of one that is over.

    Another one is asked for only if the one before was refused.
    """
    taken: dict[tuple[str, datetime | None], str] = {}
    for name, payment_id, status, opened_at, done in captured:
        over = done and status in {"canceled", "completed", "gone"}
        assert not over, f"we captured {payment_id} of {name}, which is {status}"
        before = taken.get((name, opened_at), payment_id)
        assert before == payment_id, f"we captured {before} of {name}, and ask for {payment_id}"
        if done:
            taken[name, opened_at] = payment_id


def _nothing_is_gone_too_early(
    world: World, sessions: Iterable[Row], ledger: Iterable[Row], reviews: Iterable[Row]
) -> None:
    """A session that was purged had no payment under way, and nobody had to look at it."""
    standing = {row["sessionId"] for row in sessions}
    gone = (set(world.opened) - standing) - world.purged
    world.purged |= gone
    waiting = {row["sessionId"] for row in reviews}
    told = {row for row in gone if row in waiting}
    assert not told, f"{told} are gone with reviews that nobody decided"
    live = {row["sessionId"] for row in ledger if row["status"] in {"pending", "authorized"}}
    assert not live & gone, f"{live & gone} are gone while payments of theirs are under way"


async def check_at_rest(world: World) -> None:
    """Hold what is true once all is delivered and the outbox has had its time."""
    world.wires.cut = None
    await world.deliver_everything()
    await world.let_the_outbox_end()
    await check(world)
    await _no_money_is_forgotten(world)
    await _nothing_closable_is_left_open(world)


async def _no_money_is_forgotten(world: World) -> None:
    """Each real payment completed its session, or a person sees it, or it waits in the inbox."""
    sessions = await world.sessions()
    events = await world.rows("webhook_events")
    ledger = {row["providerPaymentId"]: row["status"] for row in await world.rows("payments")}
    for key, paid in payments_in(await world.checkouts()).items():
        session = next((row for row in sessions if paid.is_of(row)), None)
        if not (paid.paid and paid.amount) or (session and session["providerPaymentId"] == key):
            continue
        rows = [row for row in events if _is_about(row, key)]
        seen = any(row["status"] in {"review", "parked", "dead", "failed"} for row in rows)
        decided = any(one["paymentId"] == key for row in sessions for one in row["decisions"])
        kept = session is None and ledger.get(key) in _MONEY_MOVED
        assert seen or decided or kept, f"nobody hears of {key}"


def _is_about(row: Row, key: str) -> bool:
    return any((fact.get("payment") or {}).get("providerPaymentId") == key for fact in row["facts"])


async def _nothing_closable_is_left_open(world: World) -> None:
    """No checkout that was handed out, and that we can close, can be paid after its session's end.

    One whose opening was answered by a 5xx after its effect is nobody's: its address is unknown.
    """
    ended = {
        row["sessionId"]
        for row in await world.sessions()
        if row["status"] in {"completed", "canceled", "failed", "expired"}
    }
    known = {ref for row in await world.sessions() for ref in row["checkoutIds"]}
    left = [
        one.id
        for one in await world.checkouts()
        if payable(one) and one.session_id in ended and one.id in known
    ]
    assert not left, f"{left} can be paid, and their sessions have ended"


async def check_no_session_waits_for_ever(world: World) -> None:
    """With the providers silent, clean-ups lead each session to an end or to an open review."""
    world.wires.cut = "before"
    await world.resume_jobs()
    for _ in range(4):
        world.pass_time(timedelta(hours=26))
        await world.clean_up()
        await world.lab.api.settle()
    for row in await world.sessions():
        ended = row["status"] not in {"pending", "processing"}
        assert ended or row["review"], f"{row['sessionId']} waits for ever: {row['status']}"
    await check(world)
