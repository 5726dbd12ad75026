"""All that a provider may tell of a session, some at a time: no order of them shows in the end."""

import asyncio
import itertools
import json
import secrets
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pytest
from bson import ObjectId

from service.core.errors import Unavailable
from service.effects import checkouts
from service.inbox.operations.inbox import Receipt
from service.inbox.operations.replay import retry_waiting
from service.inbox.states import InboxStatus
from service.sessions.operations.moving import by_facts
from service.sessions.states import ENDED
from service.storage.database import Row
from tests.effects.meetings import MEETINGS, Meeting, refs_of
from tests.support.shop import Shop, a_few_at_once, kept_of


class Told(NamedTuple):
    """A session of its own for one order of a set of facts; `ours`: we opened its checkouts."""

    session_id: str
    order: tuple[int, ...]
    ours: bool


async def _template(shop: Shop, provider: str) -> Row:
    opened = await shop.api.open(paymentMethod=provider)
    row = await shop.session(opened["sessionId"])
    await shop.database["sessions"].delete_many({})
    return row


def _clone(shop: Shop, row: Row, provider: str, session_id: str, *, ours: bool) -> Row:
    cloned = {**row, "_id": ObjectId(), "sessionId": session_id}
    cloned |= {"checkouts": [], "checkoutIds": [], "providerSessionId": None}
    if not ours:
        return cloned
    refs, ids = refs_of(provider, session_id)
    opened = {"openedAt": shop.clock.now(), "expiresAt": None, "url": None, "qrCode": None}
    opened |= {"attemptId": None, "closedAt": None, "ended": None}
    checkouts = [{"ref": ref, "n": n, **opened} for n, ref in enumerate(refs, 1)]
    return cloned | {
        "checkouts": checkouts,
        "checkoutIds": ids,
        "providerSessionId": refs[-1],
        "attempts": 2,
    }


async def _tell(shop: Shop, facts: Sequence[Meeting], told: Told) -> None:
    session = {"sessionId": told.session_id, "amount": 1000, "currency": "INR", "ours": told.ours}
    for number in told.order:
        receipt = await _until_taken(shop, facts[number], session)
        waits = {InboxStatus.PARKED} if "refunded" not in facts[number].name else set()
        assert receipt.outcome not in {InboxStatus.FAILED, *waits}, (facts[number].name, receipt)


async def _until_taken(shop: Shop, fact: Meeting, session: dict[str, Any]) -> Receipt:
    """Tell again what met too many others, or a database that was busy, as a provider does."""
    for _ in range(99):
        try:
            return await fact.tell(shop, session)
        except Unavailable:
            await asyncio.sleep(0)
    return await fact.tell(shop, session)


def _new_id(provider: str) -> str:
    return ("order_" if provider == "razorpay" else "s") + secrets.token_hex(7)


async def differing(
    shop: Shop, provider: str, sizes: Sequence[int], *, ours: bool, most: int | None = None
) -> tuple[int, list[str]]:
    """Tell every set of facts in all orders; return how many sets there are, and which differ."""
    facts = MEETINGS[provider][:most]
    row = await _template(shop, provider)
    sets = [chosen for size in sizes for chosen in itertools.combinations(range(len(facts)), size)]
    bad = []
    for some in _batches(sets, 120):
        told = [
            Told(_new_id(provider), order, ours)
            for chosen in some
            for order in itertools.permutations(chosen)
        ]
        rows = [_clone(shop, row, provider, one.session_id, ours=ours) for one in told]
        await shop.database["sessions"].insert_many(rows)
        await a_few_at_once((_tell(shop, facts, one) for one in told), most=24)
        # A refund that came before its payment is due since that came.
        await retry_waiting(shop.api.container.inbox, limit=len(told))
        bad += _compared(facts, told, await _outcomes(shop, [one.session_id for one in told]))
    return len(sets), bad


def _batches(sets: list[tuple[int, ...]], size: int) -> Iterator[list[tuple[int, ...]]]:
    for start in range(0, len(sets), size):
        yield sets[start : start + size]


async def _outcomes(shop: Shop, ids: list[str]) -> dict[str, Row]:
    """Return what must be equal in any order: session, ledger, and which events are in review."""
    found: dict[str, Row] = {}
    named = {"sessionId": {"$in": ids}}
    for row in await shop.database["sessions"].find(named).to_list():
        found[row["sessionId"]] = {"session": row, "payments": [], "reviews": [], "events": {}}
    payments = shop.database["payments"].find(named).sort("providerPaymentId", 1)
    for row in await payments.to_list():
        found[row["sessionId"]]["payments"].append(row)
    for row in await shop.database["webhook_events"].find(named).to_list():
        found[row["sessionId"]]["events"][row["_id"]] = row
        if row["status"] != "review":
            continue
        found[row["sessionId"]]["reviews"].append(f"{row['type']} {row['facts']} {row['reason']}")
    return found


def _text(outcome: Row, session_id: str) -> str:
    session = dict(outcome["session"])
    review = session.pop("review")
    # Which of them it names depends on their ids, which are others in each session.
    assert bool(review) == bool(outcome["reviews"])
    rows = [session, *outcome["payments"]]
    kept: list[Any] = [kept_of(row, outcome["events"]) for row in rows]
    kept.append(sorted(outcome["reviews"]))
    return json.dumps(kept, default=str, sort_keys=True, indent=1).replace(session_id, "ID")


def _compared(
    facts: Sequence[Meeting], told: list[Told], outcomes: dict[str, Row]
) -> Iterator[str]:
    """Compare the orders of each set; of two payments either may be the first, and stay so."""
    sets: dict[tuple[int, ...], dict[tuple[str, str], dict[str, str]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for one in told:
        outcome = outcomes[one.session_id]
        session = outcome["session"]
        chosen = tuple(sorted(one.order))
        paid = str(session["providerPaymentId"]).replace(one.session_id, "ID")
        capturing = session.get("capturing") or {}
        claimed = str(capturing.get("paymentId")).replace(one.session_id, "ID")
        rivals = [
            paid if len({facts[n].pays for n in chosen} - {None}) > 1 else "",
            claimed if len({facts[n].holds for n in chosen} - {None}) > 1 else "",
        ]
        text = _text(outcome, one.session_id)
        sets[chosen][rivals[0], rivals[1]].setdefault(
            text, " > ".join(facts[n].name for n in one.order)
        )
    for by_rivals in sets.values():
        for texts in by_rivals.values():
            if len(texts) > 1:
                yield f"{list(texts.values())}\n{_differences(list(texts))}"


def _differences(texts: list[str]) -> str:
    lines = [set(text.splitlines()) for text in texts]
    return "\n".join(str(sorted(one - set.intersection(*lines))) for one in lines)


OURS = pytest.mark.parametrize("ours", [True, False], ids=["our checkouts", "the caller's"])
PROVIDERS = pytest.mark.parametrize("provider", sorted(MEETINGS))
# Of each provider's facts, so many are told in `make test`; `make soak` tells all, and fours.
THE_FIRST = 7


@OURS
@PROVIDERS
async def test_all_twos_and_threes_of_a_provider_s_facts_end_alike(
    shop: Shop, provider: str, *, ours: bool
) -> None:
    many, bad = await differing(shop, provider, (2, 3), ours=ours, most=THE_FIRST)
    assert many == 56
    assert not bad, f"{len(bad)} of {many} sets:\n" + "\n".join(bad[:9])


@pytest.mark.soak
@OURS
@PROVIDERS
async def test_all_sets_of_up_to_four_end_alike(shop: Shop, provider: str, *, ours: bool) -> None:
    many, bad = await differing(shop, provider, (2, 3, 4), ours=ours)
    assert not bad, f"{len(bad)} of {many} sets:\n" + "\n".join(bad[:9])


async def test_control_where_an_end_is_heard_by_open_sessions_only_the_order_shows(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_facts, "FINAL", ENDED)
    _, bad = await differing(shop, "razorpay", (2,), ours=True, most=THE_FIRST)
    assert any("2 held" in one and "2 link expired" in one for one in bad)


async def test_control_where_the_first_word_on_a_checkout_stands_the_order_shows(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkouts, "is_more_final", lambda word, than: than is None)
    _, bad = await differing(shop, "stripe", (2,), ours=True, most=THE_FIRST)
    assert any("2 expired" in one and "2 bounced for good" in one for one in bad)
