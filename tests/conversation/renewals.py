"""What must hold of subscriptions, held against the providers' own books."""

from collections.abc import Collection
from datetime import timedelta

from service.storage.database import Row
from tests.conversation.memberships import RealSubscription, subscriptions_in
from tests.conversation.world import JOBS, World

_MONEY_MOVED = frozenset({"succeeded", "refunded"})
_A_PERIOD = timedelta(days=31)


async def check_subscriptions(world: World) -> None:
    """Hold what needs no rest: nothing is charged or told twice, and no end is made up."""
    real = subscriptions_in(await world.checkouts())
    ledger = await world.rows("payments", providerSubscriptionId={"$ne": None})
    for row in await world.rows("outbox", topic="subscription.inactive"):
        named = world.told_inactive.setdefault(row["payload"]["subscriptionId"], set())
        named.add(row["_id"])
    for name, ids in world.told_inactive.items():
        assert len(ids) == 1, f"{name} was told to be inactive {len(ids)} times"
        assert real[name].is_inactive, f"{name} was told to be inactive, and is {real[name].status}"
    for name, at in world.ends.items():
        later = [one for one in real[name].life.invoices if one.created >= at]
        assert not later, f"{name} was told to end, and is charged after that: {later}"
    for row in ledger:
        _is_a_real_invoice(row, real)


def _is_a_real_invoice(row: Row, real: dict[str, RealSubscription]) -> None:
    """What the ledger has as paid is one paid invoice of that very subscription."""
    if row["status"] not in _MONEY_MOVED:
        return
    key, named = row["providerPaymentId"], row["providerSubscriptionId"]
    found = real[named].paid.get(key) if named in real else None
    assert found is not None, f"the ledger has {key} of {named}, which no invoice of it is"
    assert row["amount"] == found.amount, f"{key} is {row['amount']}, its invoice {found.amount}"


async def check_subscriptions_at_rest(world: World) -> None:
    """Hold what is true once all was read: each stands as at its provider, each charge is known.

    First of those of which all was told; once their periods are over, of those of which it was not.
    """
    world.wires.cut = None
    await world.resume_jobs()
    await _let_all_be_read(world)
    await _check_standing(world, world.unheard)
    for _ in range(2):
        world.pass_time(_A_PERIOD)
        await world.run_job("subscriptions", "/api/jobs/subscriptions", JOBS)
        await _let_all_be_read(world)
    await _check_standing(world, frozenset())


async def _let_all_be_read(world: World) -> None:
    """Deliver everything, and have what waits for its next try be tried now."""
    await world.deliver_everything()
    for _ in range(3):
        now = world.clock.now()
        waits = {"status": "pending", "nextAttemptAt": {"$gt": now}}
        await world.database["deliveries"].update_many(waits, {"$set": {"nextAttemptAt": now}})
        await world.database["outbox"].update_many(
            {"status": "pending"}, {"$set": {"heldUntil": None}}
        )
        await world.lab.api.settle()


async def _check_standing(world: World, unheard: Collection[str]) -> None:
    await check_subscriptions(world)
    rows = {row["providerSubscriptionId"]: row for row in await world.rows("subscriptions")}
    ledger = {row["providerPaymentId"]: row for row in await world.rows("payments")}
    for real in subscriptions_in(await world.checkouts()).values():
        if real.id in unheard:
            continue
        row = rows.get(real.id)
        assert row is not None, f"nobody heard of {real.id}"
        _stands_as_there(row, real)
        _each_charge_is_known(row, real, ledger)
        told = len(world.told_inactive.get(real.id, ()))
        assert told == real.is_inactive, f"{real.id} is {real.status}, told inactive: {told}"
        world.reached.add(f"a subscription came to be {real.status}")


def _stands_as_there(row: Row, real: RealSubscription) -> None:
    life = real.life
    ours = {"status": row["status"], "unread": row["unread"]}
    theirs = {"status": real.status, "unread": False}
    if life.ended_at is None:
        ours |= {
            "ends": row["cancelAtPeriodEnd"],
            "until": int(row["currentPeriodEnd"].timestamp()),
            "price": row["providerPlanId"],
        }
        theirs |= {"ends": life.cancel_at_period_end, "until": life.period_end, "price": life.price}
    assert ours == theirs, f"{real.id} stands {ours} here, {theirs} there"


def _each_charge_is_known(row: Row, real: RealSubscription, ledger: dict[str, Row]) -> None:
    """Each paid invoice is one payment of its amount, linked to its subscription."""
    for key, invoice in real.paid.items():
        paid = ledger.get(key)
        assert paid is not None, f"{key} of {real.id} was paid, and the ledger knows nothing"
        assert paid["status"] in _MONEY_MOVED, f"{key} was paid, and is {paid['status']} here"
        said = (paid["amount"], paid["providerSubscriptionId"], key in row["paymentIds"])
        assert said == (invoice.amount, real.id, True), f"{key} of {real.id}: {said}"
