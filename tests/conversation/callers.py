"""Acts of the shop's frontend, its users and its server; hostile ones too."""

import asyncio
from typing import Any

from tests.conversation.picking import pick
from tests.conversation.world import EVENT, FREE, PLAN, PRICE, PUBLISHABLE, SECRET, World

USERS = ("ada", "eve")
PROVIDERS = ("stripe", "razorpay", "phonepe", "upi")
CALLERS = ("server", "browser", "user")


async def nothing(world: World, a: int, b: int, c: int) -> None:
    """Do nothing: what a step of a failing conversation shrinks to."""


async def open_checkout(world: World, a: int, b: int, c: int) -> None:
    """Open a session and its checkout: of either kind, by each kind of caller."""
    body, key = _asked(world, a, b, c)
    prices = _prices(world, body)
    answer = await world.call("POST", "/api/payments/create-checkout", key, json=body)
    await _keep(world, answer.status_code, answer.json(), _who(a), body["userId"], prices)


async def open_session(world: World, a: int, b: int, c: int) -> None:
    """Open a session whose checkout is begun later, or at the provider by the caller itself."""
    body, key = _asked(world, a, b, c)
    path = "/api/payment-sessions" if "eventId" in body else "/api/checkout-sessions"
    # A key that anybody might guess, or one of enough random characters, which is its own proof.
    key_of_call = (None, "order-1", "f3b1a9c0d7e2468ba13579bd")[c % 3]
    headers = {"Idempotency-Key": key_of_call} if key_of_call else {}
    prices = _prices(world, body)
    answer = await world.call("POST", path, key, json=body, headers=headers)
    told = answer.json()
    if answer.status_code in {200, 201}:
        assert not (key_of_call == "order-1" and key == PUBLISHABLE), "a key that can be guessed"
        told = {"sessionId": told["session"]["sessionId"], "clientSecret": told["clientSecret"]}
    await _keep(world, answer.status_code, told, _who(a), body["userId"], prices)


async def open_hostile(world: World, a: int, b: int, c: int) -> None:
    """Open, as a browser, a session under an id that somebody else's payment may name."""
    checkouts = await world.checkouts()
    sessions = await world.sessions()
    ids = [one.id for one in checkouts]
    ids += [payment.id for one in checkouts for payment in one.payments]
    ids += [f"{row['sessionId'][:36]}-2" for row in sessions]
    chosen = pick(ids, a)
    if chosen is None or len(chosen) > 40:
        return
    provider = pick(PROVIDERS[:3], b) or "stripe"
    body = {
        "sessionId": chosen,
        "userId": "eve",
        "eventId": EVENT,
        "quantity": 1,
        "paymentMethod": provider,
        "currency": "INR",
        "metadata": {"checkoutSessionId": chosen, "note": "mine"},
    }
    path = ("/api/payment-sessions", "/api/payments/create-checkout")[c % 2]
    answer = await world.call("POST", path, PUBLISHABLE, json=body)
    if answer.status_code in {200, 201}:
        world.opened.setdefault(chosen, answer.json().get("clientSecret"))


async def open_anew(world: World, a: int, b: int, c: int) -> None:
    """Open a session by the id of one that was deleted: its own caller, or anybody else.

    But no server takes its own number anew: it would mean the same order.
    """
    standing = {row["sessionId"] for row in await world.sessions()}
    gone = pick([one for one in world.opened if one not in standing], a)
    if gone is None or len(gone) > 40:
        return
    body, key = _asked(world, b, c, a)
    if world.openers.get(gone) == _who(b) == "server":
        return
    body["sessionId"] = gone
    prices = _prices(world, body)
    answer = await world.call("POST", "/api/payments/create-checkout", key, json=body)
    told = answer.json()
    if answer.status_code == 201 and told["sessionId"] == gone:
        world.forget(gone)
    await _keep(world, answer.status_code, told, _who(b), body["userId"], prices)


async def resume(world: World, a: int, b: int, c: int) -> None:
    """Go on with a session: its open checkout, or a retry; a double click where `c` says so."""
    session_id, key, headers = await _somebodys(world, a, b)
    if session_id is None:
        return
    clicks = [
        world.call(
            "POST",
            "/api/payments/create-checkout",
            key,
            json={"sessionId": session_id},
            headers=headers,
        )
        for _ in range(1 + c % 3)
    ]
    await asyncio.gather(*clicks)


async def cancel(world: World, a: int, b: int, c: int) -> None:
    """Cancel a session, with or without a right to."""
    session_id, key, headers = await _somebodys(world, a, b)
    if session_id is not None:
        await _patch(world, key, headers, sessionId=session_id, status="canceled")


async def patch(world: World, a: int, b: int, c: int) -> None:
    """Write metadata, which never matches anything."""
    session_id, key, headers = await _somebodys(world, a, b)
    other = pick([one.id for one in await world.checkouts()], c) or "none"
    if session_id is not None:
        metadata = {"sessionId": other, "checkoutSessionId": other}
        await _patch(world, key, headers, sessionId=session_id, metadata=metadata)


async def move_by_hand(world: World, a: int, b: int, c: int) -> None:
    """Fail a session by hand, or put it back to pending."""
    session_id, _, _ = await _somebodys(world, a, 0)
    status = ("failed", "pending")[b % 2]
    if session_id is not None:
        await _patch(world, SECRET, {}, sessionId=session_id, status=status, reason="by hand")


async def settle_by_hand(world: World, a: int, b: int, c: int) -> None:
    """Complete a session by hand, perhaps with the id of somebody's real payment."""
    session_id, _, _ = await _somebodys(world, a, 0)
    if session_id is None:
        return
    body: dict[str, Any] = {"sessionId": session_id, "status": "completed", "reason": "bank"}
    ids = [payment.id for one in await world.checkouts() for payment in one.payments]
    named = pick([None, *ids], b)
    if named is not None:
        body["providerPaymentId"] = named
    await _patch(world, SECRET, {}, **body)


async def verify(world: World, a: int, b: int, c: int) -> None:
    """Come back from the provider's page and ask."""
    session_id, key, headers = await _somebodys(world, a, b)
    if session_id is not None:
        await world.call(
            "POST",
            "/api/payment/verify-checkout-session",
            key,
            json={"sessionId": session_id},
            headers=headers,
        )


async def read(world: World, a: int, b: int, c: int) -> None:
    """Read a session, or a user's."""
    session_id, key, headers = await _somebodys(world, a, b)
    if session_id is not None:
        await world.call("GET", f"/api/payment-sessions/{session_id}", key, headers=headers)
    await world.call("GET", f"/api/checkout-sessions?userId={USERS[c % 2]}", SECRET)


def _asked(world: World, a: int, b: int, c: int) -> tuple[dict[str, Any], str]:
    user, provider = USERS[a % 2], PROVIDERS[b % 4]
    who = _who(a)
    body: dict[str, Any] = {"userId": user, "provider": provider, "currency": "INR"}
    if (b // 4) % 2:
        body |= {"eventId": EVENT, "quantity": 1}
    else:
        body |= {"plan": PLAN, "email": f"{user}@example.com"}
    if who == "server":
        body["amount"] = PRICE
    elif c % 7 == 6:
        body["couponCode"] = FREE
    key = {"server": SECRET, "browser": PUBLISHABLE, "user": world.token(user)}[who]
    return body, key


def _who(a: int) -> str:
    return CALLERS[(a // 2) % 3]


def _opener(who: str, user: str) -> str:
    return f"user {user}" if who == "user" else who


def _prices(world: World, body: dict[str, Any]) -> list[int]:
    return [*world.prices[EVENT if "eventId" in body else PLAN]]


async def _keep(
    world: World, status: int, told: dict[str, Any], who: str, user: str, prices: list[int]
) -> None:
    """Keep what was opened; nobody is given what somebody else has opened for them."""
    if status not in {200, 201}:
        return
    session_id = told["sessionId"]
    opener = _opener(who, user)
    first = world.openers.setdefault(session_id, opener)
    by_browser = "browser" in {first, opener} and first != opener
    assert not by_browser, f"{opener} was given {session_id}, which {first} has opened"
    assert {first, opener} != {"user ada", "user eve"}, f"{opener} was given that of {first}"
    secret = told.get("clientSecret") or world.opened.get(session_id)
    new = session_id not in world.opened
    world.opened[session_id] = secret
    [row] = await world.rows("sessions", sessionId=session_id) or [None]
    # Of two at once the other's answer may come first: a server names any amount.
    by_server = row is not None and row["history"][0]["by"].startswith("secret:")
    if new and row is not None and not by_server and row["couponCode"] is None:
        # One may change while it is asked for.
        right = {*prices, *world.prices[EVENT if row["eventId"] else PLAN]}
        assert row["amount"] in right, f"{session_id} was sold at {row['amount']}, not at {right}"


async def _somebodys(world: World, a: int, b: int) -> tuple[str | None, str, dict[str, str]]:
    """Pick a session and somebody who acts on it: its server, its browser, a user, a stranger."""
    session_id = pick(list(world.opened), a)
    if session_id is None:
        return None, SECRET, {}
    who = b % 4
    if who == 1:
        return session_id, PUBLISHABLE, world.proof(session_id)
    if who == 2:
        return session_id, world.token(USERS[(b // 4) % 2]), {}
    return session_id, (SECRET if who == 0 else PUBLISHABLE), {}


async def _patch(world: World, key: str, headers: dict[str, str], **body: Any) -> None:
    await world.call("PATCH", "/api/payment-sessions", key, json=body, headers=headers)
