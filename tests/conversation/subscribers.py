"""Acts of subscribers: they begin, are charged again, can't pay, change their minds, and end."""

import asyncio
from datetime import timedelta
from typing import Any

from httpx import Response

from service.core.clock import from_unix
from service.core.errors import ProviderFailed
from service.inbox.operations.inbox import Arrival
from service.inbox.operations.receive import take_in
from service.payments.subscriptions import repository as subscriptions
from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.sending.services import SubscriptionServices
from service.providers.base import OWN_ACCOUNT
from service.storage.plain import NO_TRANSACTION
from tests.conversation.callers import USERS
from tests.conversation.memberships import RealSubscription, subscriptions_in
from tests.conversation.payers import let
from tests.conversation.picking import pick
from tests.conversation.portals import act_at, pay_with
from tests.conversation.world import ADMIN, JOBS, PUBLISHABLE, SECRET, World
from tillgate_sandbox import lives, repository
from tillgate_sandbox.razorpay import subscriptions as at_razorpay
from tillgate_sandbox.states import Happening
from tillgate_sandbox.stripe import subscriptions as at_stripe

COSTS = {
    "stripe": {"basic": (999, "USD"), "premium": (2999, "USD")},
    "razorpay": {"basic": (79900, "INR"), "premium": (249900, "INR")},
}
_TRIES = 4


async def subscribe(world: World, a: int, b: int, c: int) -> None:
    """Open a subscription as a server does, and mostly pay it."""
    user, provider = USERS[a % 2], ("stripe", "razorpay")[b % 2]
    plan = ("basic", "premium")[a // 2 % 2]
    amount, currency = COSTS[provider][plan]
    body = {"userId": user, "email": f"{user}@example.com", "plan": plan, "provider": provider}
    asked = {**body, "currency": currency, "mode": "subscription", "amount": amount}
    opened = await world.call("POST", "/api/payments/create-checkout", SECRET, json=asked)
    if opened.status_code not in {200, 201}:
        return
    told = opened.json()
    world.opened.setdefault(told["sessionId"], told.get("clientSecret"))
    world.openers.setdefault(told["sessionId"], "server")
    checkout = await repository.find_checkout(told["providerSessionId"])
    if checkout is not None and c % 4:
        await let(world, 0, Happening.PAID, [checkout])
    if c % 3 == 2:
        await world.lab.api.settle()


async def renew(world: World, a: int, b: int, c: int) -> None:
    """Let the time come at which something happens to a subscription by itself; often several."""
    real = await _alive(world, a)
    if real is not None:
        await _go_on(world, real, (1, 1, 2, _TRIES)[b % 4])


async def change_card(world: World, a: int, b: int, c: int) -> None:
    """Have the card refuse what is tried from now on, or take it again."""
    real = await _alive(world, a)
    if real is not None:
        await pay_with(world, real, good=b % 3 == 2)


async def dun(world: World, a: int, b: int, c: int) -> None:
    """Have a renewal be refused again and again, to the end or until the card is good again."""
    real = await _alive(world, a)
    if real is None:
        return
    await pay_with(world, real, good=False)
    await _go_on(world, real, 1 + b % _TRIES)
    if c % 2:
        await pay_with(world, real, good=True)
        await _go_on(world, real, 1)


async def change_plan(world: World, a: int, b: int, c: int) -> None:
    """Change to another plan, or to the same; twice at once where `c` says so."""
    real = pick(await _begun(world), a)
    if real is None:
        return
    plan = ("premium", "basic")[b % 2]
    asks = [_ask(world, real, "change-plan", b, plan=plan) for _ in range(1 + c % 2)]
    answers = await asyncio.gather(*asks)
    if any(one.status_code == 200 for one in answers):
        world.reached.add("a plan was changed")


async def cancel_subscription(world: World, a: int, b: int, c: int) -> None:
    """Have it end with its period, or now: who is told so is charged no more."""
    real = pick(await _begun(world), a)
    if real is None:
        return
    now, restarts = c % 3 == 2, world.restarts
    answer = await _ask(world, real, "cancel-subscription", b, atPeriodEnd=not now)
    if answer.status_code != 200:
        return
    world.reached.add("a subscription was canceled")
    after = subscriptions_in(await world.checkouts())[real.id].life
    if after.ended_at is None and (restarts % 2 or restarts != world.restarts):
        return  # it was told to go on meanwhile
    ends = after.cancel_at_period_end and not now
    assert after.ended_at is not None or ends, f"{real.id} was to end, and goes on"
    world.ends[real.id] = after.period_end if after.ended_at is None else after.ended_at + 1


async def reactivate(world: World, a: int, b: int, c: int) -> None:
    """Let go on what was to end."""
    real = pick(await _begun(world), a)
    if real is None:
        return
    _restart(world, real)
    answer = await _ask(world, real, "reactivate-subscription", b)
    world.restarts += 1
    if answer.status_code == 200 and real.life.cancel_at_period_end:
        world.reached.add("a subscription was reactivated")


async def act_there(world: World, a: int, b: int, c: int) -> None:
    """End it at the provider, past the service; or have it end, go on, or be another plan."""
    real = await _alive(world, a)
    if real is None:
        return
    act = pick(("end", "end later", "go on", "change"), b) or "end"
    _restart(world, real)
    await act_at(world, real, act)
    world.restarts += 1
    world.story.append(f"  {real.id} at its provider: {act}")


async def lose(world: World, a: int, b: int, c: int) -> None:
    """Have events of subscriptions never come, all or some; not those that begin one.

    Without these a session is not paid, and nobody looks for what becomes of it.
    """
    begun = {one.checkout_id: one for one in await _begun(world)}
    second = timedelta(seconds=1)  # a life has no parts of them
    began = {name: from_unix(one.life.started) + second for name, one in begun.items()}
    rows = await world.rows("sandbox_deliveries", status="pending")
    later = [
        row for row in rows if row["createdAt"] > began.get(row["checkoutId"], world.clock.now())
    ]
    for row in later[:: 1 + a % 2]:
        # Nor a refund's or a dispute's.
        if not row["type"].startswith(("refund.", "charge.", "payment.dispute.")):
            await world.database["sandbox_deliveries"].delete_one({"_id": row["_id"]})
            world.unheard.add(begun[row["checkoutId"]].id)
            world.story.append(f"  {row['type']} of {row['checkoutId']} is lost")
            world.reached.add("an event of a subscription was lost")


async def ask_how_it_stands(world: World, a: int, b: int, c: int) -> None:
    """Ask how a user's subscription stands: a server, the user, another one, a browser."""
    user, other = USERS[a % 2], USERS[(a + 1) % 2]
    key = (SECRET, world.token(user), world.token(other), PUBLISHABLE)[b % 4]
    path = f"/api/payment/subscription-status?userId={user}"
    answer = await world.call("GET", path, key)
    assert answer.status_code == 403 or b % 4 < 2, f"told to another: {answer.text}"


async def read_overdue(world: World, a: int, b: int, c: int) -> None:
    """Run the job that reads what was not told, or could not be read."""
    await world.run_job("subscriptions", "/api/jobs/subscriptions", (JOBS, ADMIN)[b % 2])


async def read_crosswise(world: World, a: int, b: int, c: int) -> None:
    """Have two processes read it at once: of the later number is the older answer.

    In between something becomes of it, which is told then or later; the answers come in any order.
    """
    real = await _alive(world, a)
    known = await _known(real) if real is not None else None
    if real is None or known is None:
        return
    services: SubscriptionServices = world.lab.app.state.subscribing
    provider = services.provider_of(known)
    numbers = [await subscriptions.begin_reading(known) for _ in range(2)]
    try:
        older = await provider.read_subscription(real.id, numbers[1])
        await act_there(world, a, b, c)
        if c % 2:
            await world.lab.deliver()
        newer = await provider.read_subscription(real.id, numbers[0])
    except ProviderFailed:
        return
    for event in ((newer, older), (older, newer))[c // 2 % 2]:
        claimed = known.merchant_id if known.session_id else None
        await take_in(Arrival(event, "fetch", asked_for=claimed), services.inbox)
    world.reached.add("two readings crossed")


async def _known(real: RealSubscription) -> Subscription | None:
    key = (real.provider, OWN_ACCOUNT, real.id)
    return await subscriptions.find(*key, NO_TRANSACTION)


async def live_on(world: World) -> None:
    """Have all that is due by now happen to every subscription."""
    now = int(world.clock.now().timestamp())
    for real in await _begun(world):
        at = lives.next_at(real.life)
        checkout = await repository.find_by_object(real.id)
        if at is None or at > now or checkout is None:
            continue
        play = at_stripe.advance if real.provider == "stripe" else at_razorpay.advance
        await play(checkout, now, world.lab.sandbox)
        world.story.append(f"  {real.id} lives on")


async def _go_on(world: World, real: RealSubscription, times: int) -> None:
    for _ in range(times):
        at = lives.next_at(subscriptions_in(await world.checkouts())[real.id].life)
        if at is None:
            return
        world.pass_time(max(from_unix(at) - world.clock.now(), timedelta(0)))
        await live_on(world)


async def _begun(world: World) -> list[RealSubscription]:
    return list(subscriptions_in(await world.checkouts()).values())


async def _alive(world: World, a: int) -> RealSubscription | None:
    return pick([one for one in await _begun(world) if one.life.ended_at is None], a)


def _restart(world: World, real: RealSubscription) -> None:
    world.restarts += 1
    world.ends.pop(real.id, None)


async def _ask(world: World, real: RealSubscription, act: str, who: int, **body: Any) -> Response:
    """Ask the service for a change: a server, or a user whose it may be."""
    key = (SECRET, SECRET, world.token(USERS[0]), world.token(USERS[1]))[who // 2 % 4]
    sent = {"subscriptionId": real.id, **body}
    return await world.call("POST", f"/api/payment/{act}", key, json=sent)
