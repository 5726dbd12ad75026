"""What the merchant's servers must have heard: all that sessions and ledger came to, each once."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from service.notifications.endpoints.states import GONE, WAITS
from service.storage.database import Row
from tests.conversation.ears import Ear, send_all
from tests.conversation.hearers import HOOKS, resend_all
from tests.conversation.world import ADMIN, World

_TRIES = len(WAITS) + 1
_OVER = timedelta(hours=11)
"""No event waits longer than ten hours for its next try."""


async def hush(world: World, a: int, b: int, c: int) -> None:
    """Be quiet until all is heard that is on its way; an act of its own, at any time."""
    if world.hearing.ears:
        await be_quiet(world)
        await check_heard(world)


async def be_quiet(world: World) -> None:
    """Have all ears hear, and send until nothing waits."""
    for ear in world.hearing.ears.values():
        ear.behaves = "hears"
    for _ in range(_TRIES):
        await world.lab.api.settle()
        await send_all(world.lab.api.container.endpoints)
        if not await world.rows("webhook_deliveries", status="pending"):
            break
        world.pass_time(_OVER)
    await world.note()


async def check_heard(world: World) -> None:
    """Hold what is true of each ear once nothing is on its way to it."""
    hearing = world.hearing
    assert not hearing.wrong, hearing.wrong
    assert not await world.rows("webhook_deliveries", status="pending"), "what is due never ends"
    for ear in hearing.ears.values():
        rows = await world.rows("webhook_deliveries", endpointId=ear.id)
        _is_given_up_by_right(ear, rows)
        if not ear.was_off and all(row["status"] == "delivered" for row in rows):
            await _has_heard_all(world, ear)
            _has_heard_what_stood(world, ear)
            _has_heard_in_order(world, ear)
            world.reached.add("an endpoint has heard all by itself")


async def check_all_is_heard(world: World) -> None:
    """Have each ear enabled and sent what it missed: then it has heard exactly what happened."""
    if not world.hearing.ears:
        return
    await be_quiet(world)
    await check_heard(world)
    for ear in world.hearing.ears.values():
        enabled = {"enabled": True}
        assert (await world.call("PATCH", f"{HOOKS}/{ear.id}", ADMIN, json=enabled)).is_success
        await resend_all(world, ear)
    await be_quiet(world)
    assert not world.hearing.wrong, world.hearing.wrong
    for ear in world.hearing.ears.values():
        await _has_heard_all(world, ear, missed_too=True)
        world.tally["events heard"] += len(ear.taken)


def _is_given_up_by_right(ear: Ear, rows: Iterable[Row]) -> None:
    """An event is given up after its tries or a 410, and canceled with its endpoint alone."""
    for row in rows:
        gone = bool(row["attempts"]) and row["attempts"][-1]["status"] == GONE
        if row["status"] == "failed":
            assert row["tries"] == _TRIES or gone, f"{row['_id']} was given up early"
        if row["status"] == "canceled":
            assert ear.was_off, f"{row['_id']} was canceled, and {ear.path} was never disabled"
        for one in row["attempts"]:
            taken = one["error"] is None and 200 <= (one["status"] or 0) < 300
            assert taken or one["error"], f"{row['_id']}: a try that failed says nothing"


async def _has_heard_all(world: World, ear: Ear, *, missed_too: bool = False) -> None:
    """Each move of each session since then was heard once, and none that was not made."""
    moves = [told for told in await _moves_for(world, ear, missed_too=missed_too)]
    asked = Counter(told for told in moves if _hears(ear, told[1]))
    heard = Counter(
        (event["sessionId"], event["type"])
        for event in ear.taken.values()
        if event["type"].startswith("session.")
    )
    assert heard == asked, f"{ear.path}: not heard {asked - heard}, too much {heard - asked}"


async def _moves_for(world: World, ear: Ear, *, missed_too: bool) -> list[tuple[str, str]]:
    [row] = await world.rows("webhook_endpoints", _id=ear.id)
    since = row["createdAt"] if missed_too else row["activeFrom"]
    moves = world.hearing.moves
    return [(name, to) for name, to, at in (moves[key] for key in moves) if at >= since]


def _has_heard_what_stood(world: World, ear: Ear) -> None:
    """However a payment or a refund was seen to stand since, it was told; money came once."""
    heard: Counter[tuple[str, str]] = Counter()
    for event in ear.taken.values():
        data = event["data"]
        heard[event["type"], data.get("refundId") or data.get("providerPaymentId") or ""] += 1
    for ((_, key), how), step in world.hearing.stood.items():
        if step <= ear.step or not _hears(ear, how):
            continue
        times = heard[how, key]
        assert times, f"{ear.path}: {key} stands as {how}, and nobody was told"
        assert times == 1 or how != "payment.succeeded", f"{ear.path}: {key} came {times} times"
    known = {key for (_, key), _ in world.hearing.stood}
    strange = {key for (how, key) in heard if how.startswith("payment.") and key not in known}
    assert not strange, f"{ear.path}: heard of {strange}, which nobody paid"


def _has_heard_in_order(world: World, ear: Ear) -> None:
    """Where the endpoint asked for it, each session's moves came one after the other."""
    if not ear.ordered:
        return
    asked: dict[str, list[str]] = {}
    for key in sorted(world.hearing.moves):
        name, to, _ = world.hearing.moves[key]
        asked.setdefault(name, []).append(to)
    heard: dict[str, list[str]] = {}
    for event in ear.taken.values():
        if event["type"].startswith("session."):
            heard.setdefault(event["sessionId"], []).append(event["type"])
    for name, types in heard.items():
        all_of_it = [to for to in asked[name] if _hears(ear, to)]
        assert types == all_of_it[-len(types) :], f"{ear.path}: {name} was heard as {types}"


def _hears(ear: Ear, event_type: str) -> bool:
    family = f"{event_type.partition('.')[0]}.*"
    return bool(ear.filters & {"*", family, event_type})
