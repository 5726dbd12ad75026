"""Acts of customers who leave and come back: they agree to be written to, hear, and press on."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from bson import Timestamp

from service.core.principal import DEFAULT_MERCHANT
from service.storage.database import Row
from tests.conversation.picking import pick
from tests.conversation.world import ADMIN, JOBS, SECRET, World

POLICY = "/api/admin/recovery/policy"
_A_WEEK = timedelta(days=7)
_NEVER_QUIET = {"heldOut": 0, "quietFrom": 0, "quietUntil": 0}


async def agree(world: World, a: int, b: int, c: int) -> None:
    """Have a customer agree to be written to, or take that back; reminders are wanted from now."""
    await world.call("PUT", POLICY, ADMIN, json=_NEVER_QUIET)
    await world.database["recovery_policies"].update_one(
        {"_id": DEFAULT_MERCHANT}, {"$set": {"reached": 0}}
    )
    session = pick(await world.sessions(), a)
    if session is not None:
        agreed = {"mailConsent": b % 4 != 3}
        body = {"sessionId": session["sessionId"], "metadata": agreed}
        await world.call("PATCH", "/api/payment-sessions", SECRET, json=body)


async def leave(world: World, a: int, b: int, c: int) -> None:
    """Agree to be written to, leave for over an hour, and hear of it."""
    left = [row for row in await world.sessions() if _may_be_left(row)]
    session = pick(left, a)
    if session is None:
        return
    await world.call("PUT", POLICY, ADMIN, json=_NEVER_QUIET)
    body = {"sessionId": session["sessionId"], "metadata": {"mailConsent": True}}
    await world.call("PATCH", "/api/payment-sessions", SECRET, json=body)
    world.pass_time(timedelta(minutes=(70, 100, 400)[b % 3]))
    await remind(world, a, 0, c)


def _may_be_left(row: Row) -> bool:
    unpaid = row["status"] in {"pending", "expired"}
    return unpaid and row["emailVouched"]


async def remind(world: World, a: int, b: int, c: int) -> None:
    """Run the job, as the CronJob does; the database's times are those of everybody's clock."""
    await _age(world)
    for _ in range(1 + c % 2):
        await world.run_job("reminders", "/api/jobs/reminders", (JOBS, ADMIN)[b % 2])


async def remind_by_hand(world: World, a: int, b: int, c: int) -> None:
    """Remind a customer now."""
    left = pick(await world.rows("recoveries"), a)
    if left is not None:
        path = f"/api/admin/recovery/{left['sessionId']}/send"
        answer = await world.call("POST", path, ADMIN)
        assert answer.status_code in {200, 404, 409}, answer.text


async def come_back(world: World, a: int, b: int, c: int) -> None:
    """Follow the link of a reminder, an old one perhaps, and press its button."""
    told = pick(await world.rows("outbox", topic="recovery.reminder"), a)
    if told is None:
        return
    parts = urlsplit(told["payload"]["link"])
    path = f"{parts.path}?{parts.query}"
    before = await world.sessions()
    page = await world.call("GET", path, None)
    if await world.sessions() == before:
        world.reached.add("a reminder's link was followed")
    shown = page.text.partition('name="amount" value="')[2].partition('"')[0]
    if shown:
        await world.call("POST", path, None, data={"amount": shown})
        world.reached.add("a reminder's button was pressed")


async def check_reminders(world: World) -> None:
    """Hold what is promised of reminders. Raises `AssertionError` that names what was broken."""
    told = await world.rows("outbox", topic="recovery.reminder")
    sessions = {(row["sessionId"], row["createdAt"]): row for row in await world.sessions()}
    numbers: dict[tuple[str, datetime], list[int]] = {}
    heard: dict[str, list[datetime]] = {}
    for row in told:
        session = next((one for key, one in sessions.items() if _is_about(row, key)), None)
        if session is None:
            continue
        key = (session["sessionId"], session["createdAt"])
        numbers.setdefault(key, []).append(row["payload"]["number"])
        heard.setdefault(session["userId"], []).append(row["createdAt"])
        _was_wanted(row, session, sessions.values())
    for (name, _), found in numbers.items():
        assert len(found) <= 3, f"{name} was reminded of {len(found)} times"
        assert len(set(found)) == len(found), f"{name} was reminded of twice as number {found}"
    for user, at in heard.items():
        most = max(sum(timedelta() <= other - one < _A_WEEK for other in at) for one in at)
        assert most <= 3, f"{user} was sent {most} reminders in a week"
    if told:
        world.reached.add("somebody was reminded")


def _is_about(row: Row, key: tuple[str, datetime]) -> bool:
    name, opened_at = key
    return row["sessionId"] == name and opened_at.isoformat() in row["_id"]


def _was_wanted(row: Row, session: Row, others: Any) -> None:
    """Nobody is reminded who had paid by then, for this or for the same by another way."""
    name, at = session["sessionId"], row["createdAt"]
    assert session["owner"] == "trusted", f"{name} was opened by a browser, and reminded of"
    opener = session["history"][0]["by"]
    assert not opener.startswith("user:"), f"{name} has an address of which {opener} has no proof"
    for one in others:
        same = one["userId"] == session["userId"] and _item(one) == _item(session)
        done = one["completedAt"]
        if same and done is not None and session["createdAt"] <= done < at:
            raise AssertionError(
                f"{name} was reminded of at {at}, {one['sessionId']} paid at {done}"
            )


def _item(row: Row) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("kind", "plan", "eventId", "passId"))


async def _age(world: World) -> None:
    for row in await world.sessions():
        at = Timestamp(int(row["updatedAt"].timestamp()), 1)
        await world.database["sessions"].update_one(
            {"_id": row["_id"]}, {"$set": {"writtenAt": at}}
        )
