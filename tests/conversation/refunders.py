"""Acts of who asks for money back here: customers, merchants, and who decides reviews."""

import asyncio
from typing import Any

from httpx import Response

from service.storage.database import Row
from tests.conversation.picking import pick
from tests.conversation.world import ADMIN, JOBS, SECRET, World

_FAULTS = (
    ["slow_refund"],
    ["failing_refund"],
    ["refused_refund"],
    ["no_balance"],
    ["slow_refund", "failing_refund"],
    ["duplicate", "reorder", "drop"],
    [],
)
_TAKEN = frozenset({200, 201, 403, 404, 409, 422, 400})


async def request_refund(world: World, a: int, b: int, c: int) -> None:
    """Request a refund, as the customer or for one: of a payment or of a session, all or a part."""
    row = pick(await world.rows("payments"), a)
    if row is None:
        return
    key = world.token(str(row["userId"])) if c % 2 else SECRET
    names = {"sessionId": row["sessionId"]} if c % 3 else {"paymentId": str(row["_id"])}
    asked = names | _amount(row, b) | {"reason": "too small"}
    await _called(world, "/api/payment/request-refund", key, asked)


async def process_refund(world: World, a: int, b: int, c: int) -> None:
    """Approve or deny a request, all or a part of it; sometimes two decide at once."""
    rows = await world.rows("refunds")
    row = pick([one for one in rows if one["status"] == "requested"] if c < 8 else rows, a)
    if row is None:
        return
    denied = {"refundId": row["refundId"], "action": "deny", "adminReason": "as it seems"}
    approved = denied | {"action": "approve"} | _amount(row, b)
    path = "/api/payment/admin/process-refund"
    first = denied if b % 4 == 3 else approved
    calls = [_called(world, path, SECRET, first)]
    if c % 3 == 0:
        world.reached.add("two decide about one refund at once")
        calls.append(_called(world, path, ADMIN, denied if c % 2 else approved))
    await asyncio.gather(*calls)


async def refund_now(world: World, a: int, b: int, c: int) -> None:
    """Refund a payment at once, by any id; or two do, by one call that is repeated or by two."""
    row = pick(await world.rows("payments"), a)
    if row is None:
        return
    names = [str(row["_id"]), row["providerPaymentId"], *row["aliases"]]
    named = names[c % len(names)]
    path, asked = f"/api/payments/{named}/refunds", _amount(row, b) | {"reason": "asked"}
    keys = [{"Idempotency-Key": f"again-{len(world.story)}"}] * 2 if c % 4 == 1 else [{}] * 2
    calls = [_called(world, path, SECRET, asked, headers=one) for one in keys]
    again = c % 4 in {0, 1}
    if again:
        world.reached.add("two refund one payment at once")
    for spare in calls[1 + again :]:
        spare.close()
    await asyncio.gather(*calls[: 1 + again])


async def reject_and_refund(world: World, a: int, b: int, c: int) -> None:
    """Reject a payment in review and give its money back, or accept it but for a part."""
    rows = await world.rows("webhook_events", status="review")
    row = pick([one for one in rows if one["decision"] is None] if c < 8 else rows, a)
    if row is None:
        return
    path = f"/api/admin/reviews/{row['_id']}/"
    if b % 3 == 2:
        await _called(world, path + "accept", ADMIN, {"reason": "but for a part", "refund": 100})
        return
    calls = [_called(world, path + "reject-and-refund", ADMIN, {"reason": "paid twice"})]
    if c % 3 == 0:
        calls.append(_called(world, path + ("accept", "reject")[b % 2], ADMIN, {"reason": "fine"}))
    await asyncio.gather(*calls)


async def disturb(world: World, a: int, b: int, c: int) -> None:
    """Have a provider refuse, delay or fail the refunds of a checkout, or lose what it tells."""
    checkout = pick(await world.checkouts(), a)
    if checkout is not None:
        chaos = {"faults": _FAULTS[b % len(_FAULTS)], "copies": 2, "delayMs": 2000, "seed": c}
        await world.database["sandbox_checkouts"].update_one(
            {"_id": checkout.id}, {"$set": {"chaos": chaos}, "$inc": {"version": 1}}
        )


async def ask_about_refunds(world: World, a: int, b: int, c: int) -> None:
    """Run the job that asks about what nobody reports."""
    await world.run_job("refunds", "/api/jobs/refunds", JOBS)


def _amount(row: Row, b: int) -> dict[str, Any]:
    """Return how much is asked for: all that is left, a part, all, or more than there is."""
    amount = row["amount"]
    wanted = (None, amount // 2, amount, amount // 3 + 1, amount + 1)[b % 5]
    return {} if wanted is None else {"amount": max(wanted, 1)}


async def _called(
    world: World, path: str, key: str, body: dict[str, Any], **options: Any
) -> Response:
    answer = await world.call("POST", path, key, json=body, **options)
    # A review's money may be captured first, at a provider that was cut off.
    assert answer.status_code in _TAKEN | {502, 503, 504}, answer.text
    return answer
