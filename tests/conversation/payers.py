"""Acts of payers at the pay page, of the providers' deliveries, and of who forges them."""

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta

from service.core.errors import Conflict
from service.providers.phonepe.settings import PhonePeSettings
from tests.conversation.picking import pick
from tests.conversation.world import World
from tillgate_sandbox import repository as sandbox
from tillgate_sandbox.base import MadeEvent
from tillgate_sandbox.documents import SandboxCheckout, SandboxDelivery
from tillgate_sandbox.playing import expire_due, happen
from tillgate_sandbox.states import Happening, possible_now

# Without what a provider has no hand in: REFUNDED and DISPUTED move no session yet.
_LIKELY = (
    Happening.PAID,
    Happening.AUTHORIZED,
    Happening.DELAYED,
    Happening.SETTLED,
    Happening.BOUNCED,
    Happening.DECLINED,
    Happening.EXPIRED,
    Happening.CAPTURED,
    Happening.REFUNDED,
)


async def pay(world: World, a: int, b: int, c: int) -> None:
    """Pay at any checkout that was ever handed out, as far as its provider still lets one."""
    await let(world, a, Happening.PAID, await world.checkouts())


async def pay_late(world: World, a: int, b: int, c: int) -> None:
    """Pay at one of the first checkouts, which all others may have forgotten."""
    await let(world, a, Happening.PAID, (await world.checkouts())[::-1])


async def act_at_page(world: World, a: int, b: int, c: int) -> None:
    """Do at a checkout whatever is possible there now."""
    checkout = pick(await world.checkouts(), a)
    if checkout is None:
        return
    possible = possible_now(checkout.status, checkout.provider)
    likely = [one for one in _LIKELY if one in possible]
    chosen = pick(likely, b)
    if chosen is not None:
        await let(world, 0, chosen, [checkout])


async def authorize(world: World, a: int, b: int, c: int) -> None:
    """Have money held at Razorpay, which waits for our capture."""
    held = [one for one in await world.checkouts() if one.provider == "razorpay"]
    await let(world, a, Happening.AUTHORIZED, held)


async def begin_everywhere(world: World) -> None:
    """Begin to pay at every checkout that is still open: the money is under way, or held."""
    for checkout in await world.checkouts():
        possible = possible_now(checkout.status, checkout.provider)
        for what in (Happening.DELAYED, Happening.AUTHORIZED):
            if what in possible:
                await let(world, 0, what, [checkout])
                break
    await world.lab.deliver()


async def hold_again(world: World, a: int, b: int, c: int) -> None:
    """Have money held twice for one session at Razorpay: in each of its orders, or twice in one."""
    held = [one for one in await world.checkouts() if one.provider == "razorpay"]
    last = pick(held, a)
    of_one = [one for one in held if last is not None and one.session_id == last.session_id]
    for one in of_one if len(of_one) > 1 else of_one * 2:
        await let(world, 0, Happening.AUTHORIZED, [one])


async def pay_other_amount(world: World, a: int, b: int, c: int) -> None:
    """Pay at a checkout whose amount was changed at the provider: at once, held, or later."""
    checkout = await _changed(world, a)
    if checkout is not None:
        what = (Happening.PAID, Happening.AUTHORIZED, Happening.DELAYED)[b % 3]
        await let(world, 0, what, [checkout])


async def doubt(world: World, a: int, b: int, c: int) -> None:
    """Pay another amount that has not come, and have it told: a person sees it too early."""
    checkout = await _changed(world, a)
    if checkout is not None:
        at_razorpay = checkout.provider == "razorpay"  # which tells only of what it holds
        what = Happening.AUTHORIZED if at_razorpay else Happening.DELAYED
        await let(world, 0, what, [checkout])
        await world.lab.deliver()


async def go_on(world: World, a: int, b: int, c: int) -> None:
    """Let what is under way come, or fall through."""
    under_way = [one for one in await world.checkouts() if one.status == "processing"]
    await let(world, a, (Happening.SETTLED, Happening.BOUNCED)[b % 2], under_way)


async def deliver(world: World, a: int, b: int, c: int) -> None:
    """Deliver everything that is due."""
    await world.lab.deliver()


async def deliver_one(world: World, a: int, b: int, c: int) -> None:
    """Deliver one of those that wait, out of turn; its place in the queue stays: it comes again."""
    waiting = [one for one in await _deliveries(world) if one.status == "pending"]
    chosen = pick(waiting, a)
    if chosen is not None:
        await _post(world, chosen)


async def deliver_again(world: World, a: int, b: int, c: int) -> None:
    """Deliver once more what was delivered before, as providers do at will."""
    chosen = pick([one for one in await _deliveries(world) if one.attempts], a)
    if chosen is not None:
        await _post(world, chosen)


async def hold_back(world: World, a: int, b: int, c: int) -> None:
    """Hold back what is on its way: it comes hours late."""
    late = world.clock.now() + timedelta(hours=(1, 5, 30)[a % 3])
    await world.database["sandbox_deliveries"].update_many(
        {"status": "pending"}, {"$set": {"dueAt": late}}
    )


async def forge(world: World, a: int, b: int, c: int) -> None:
    """Post a PhonePe v2 webhook under its genuine header, which covers nothing of the body."""
    orders = [one for one in await world.checkouts() if one.provider == "phonepe"]
    order = pick(orders, a)
    if order is None:
        return
    settings = world.lab.sandbox.settings.of(PhonePeSettings)
    state = ("COMPLETED", "FAILED")[b % 2]
    payload = {
        "merchantId": settings.merchant_id,
        "orderId": f"OMO{order.id[-10:]}",
        "merchantOrderId": order.id,
        "state": state,
        "amount": order.amount,
        "metaInfo": {"udf1": order.session_id, "udf2": "default"},
        "paymentDetails": [],
    }
    event = ("checkout.order.completed", "checkout.order.failed")[b % 2]
    if c % 3 == 2:
        event = "pg.refund.completed"
        payload |= {"originalMerchantOrderId": order.id, "merchantRefundId": f"r{a}"}
    login = f"{settings.webhook_username}:{settings.webhook_password}"
    headers = {"Authorization": hashlib.sha256(login.encode()).hexdigest()}
    body = json.dumps({"event": event, "payload": payload})
    await world.call("POST", "/api/webhooks/phonepe", None, content=body, headers=headers)


async def _changed(world: World, a: int) -> SandboxCheckout | None:
    """Put another amount on a checkout that is open."""
    checkout = pick([one for one in await world.checkouts() if one.status == "open"], a)
    if checkout is not None:
        await world.database["sandbox_checkouts"].update_one(
            {"_id": checkout.id}, {"$set": {"amount": 500}, "$inc": {"version": 1}}
        )
    return checkout


async def let(world: World, a: int, what: Happening, among: Sequence[SandboxCheckout]) -> None:
    checkout = pick(among, a)
    if checkout is None:
        return
    await expire_due(world.lab.sandbox)
    fresh = await sandbox.find_checkout(checkout.id)
    if fresh is None:
        return
    try:
        await happen(fresh, what, world.lab.sandbox)
        world.story.append(f"  {checkout.id} of {checkout.session_id}: {what}")
    except Conflict as refusal:
        world.story.append(f"  {checkout.id} can't be {what}: {refusal.message}")


async def _deliveries(world: World) -> list[SandboxDelivery]:
    rows = await world.rows("sandbox_deliveries")
    return [SandboxDelivery.model_validate(row) for row in rows]


async def _post(world: World, delivery: SandboxDelivery) -> None:
    event = MadeEvent(delivery.type, delivery.event_id, delivery.body)
    played = world.lab.sandbox.played[delivery.provider]
    headers = played.sign(event, world.clock.now(), None)
    await world.call("POST", delivery.path, None, content=delivery.body, headers=headers)
