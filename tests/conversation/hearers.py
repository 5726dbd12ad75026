"""Acts of the merchant's own servers: added, broken, disabled, and sent again what they missed."""

from datetime import timedelta
from typing import Any

from tests.conversation.ears import Behaves, Ear, send_all
from tests.conversation.picking import pick
from tests.conversation.world import ADMIN, World

MOST = 3
HOOKS = "/api/webhook-endpoints"
FILTERS: tuple[list[str], ...] = (
    ["*"],
    ["session.*"],
    ["session.completed", "payment.*"],
    ["*"],
)
_BEHAVIOUR: tuple[Behaves, ...] = ("hears", "fails", "falls silent", "hears", "fails", "is gone")


async def add_ear(world: World, a: int, b: int, c: int) -> None:
    """Add an endpoint. It counts once every process knows it: ten seconds later."""
    hearing = world.hearing
    if hearing.receiver is None or hearing.added >= MOST:
        return
    path, filters = f"/ear/{hearing.added}", FILTERS[a % len(FILTERS)]
    hearing.added += 1
    await world.lab.api.settle()  # who makes deliveries has been there before any endpoint
    body: dict[str, Any] = {"url": hearing.receiver.url().replace("/hook", path)}
    body |= {"events": filters, "ordered": b % 2 == 1, "thin": c % 3 != 0}
    added = await world.call("POST", HOOKS, ADMIN, json=body)
    assert added.status_code == 201, added.text
    name = added.json()["endpoint"]["id"]
    hearing.ears[path] = Ear(path, name, frozenset(filters), b % 2 == 1, hearing.step)
    world.pass_time(timedelta(seconds=10))


async def break_ear(world: World, a: int, b: int, c: int) -> None:
    """Have one hear, fail, fall silent after it has taken something, or be gone."""
    ear = _one(world, a)
    if ear is not None:
        ear.behaves = _BEHAVIOUR[b % len(_BEHAVIOUR)]
        world.story.append(f"  {ear.path} {ear.behaves}")


async def send_events(world: World, a: int, b: int, c: int) -> None:
    """Let a process send what is due; before that, mostly, the loop makes deliveries of it."""
    if a % 3:
        await world.lab.api.settle()
    if world.hearing.ears:
        await send_all(world.lab.api.container.endpoints)


async def switch_ear(world: World, a: int, b: int, c: int) -> None:
    """Disable or enable one by hand."""
    ear = _one(world, a)
    if ear is None:
        return
    enabled = b % 3 != 0
    ear.was_off |= not enabled
    answer = await world.call("PATCH", f"{HOOKS}/{ear.id}", ADMIN, json={"enabled": enabled})
    assert answer.status_code == 200, answer.text


async def resend(world: World, a: int, b: int, c: int) -> None:
    """Have one sent again what it missed, or one event whatever became of it."""
    ear = _one(world, a)
    if ear is None:
        return
    if b % 2 and (row := pick(await world.rows("webhook_deliveries"), c)) is not None:
        await _ask(world, ear, {"eventId": row["eventId"]})
    else:
        await resend_all(world, ear)


async def resend_all(world: World, ear: Ear) -> None:
    """Have one sent all that it missed since it was added, call by call."""
    [row] = await world.rows("webhook_endpoints", _id=ear.id)
    body = {"since": row["createdAt"].isoformat()}
    while (following := (await _ask(world, ear, body)).get("nextCursor")) is not None:
        body["cursor"] = following


async def _ask(world: World, ear: Ear, body: dict[str, str]) -> dict[str, Any]:
    answer = await world.call("POST", f"{HOOKS}/{ear.id}/resend", ADMIN, json=body)
    assert answer.status_code in {202, 404, 409}, answer.text
    if answer.status_code == 202:
        world.reached.add("events are sent again")
    found: dict[str, Any] = answer.json()
    return found


def _one(world: World, a: int) -> Ear | None:
    return pick(list(world.hearing.ears.values()), a)
