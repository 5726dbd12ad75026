"""What is done to a subscription at its provider, past the service: its dashboard, its portal."""

from typing import Any

from service.providers.razorpay.settings import RazorpaySettings
from tests.conversation.memberships import RealSubscription
from tests.conversation.world import World
from tests.sandbox.lab import GENERATED, STRIPE_KEY
from tillgate_sandbox import repository
from tillgate_sandbox.stripe.billing import item_id


async def pay_with(world: World, real: RealSubscription, *, good: bool) -> None:
    """Have the card of a subscription take what is tried from now on, or refuse it."""
    if real.provider == "stripe":
        card = "pm_card_visa" if good else "pm_card_chargeCustomerFail"
        await _post(world, real, {"default_payment_method": card})
    else:
        await _tell(world, real, "POST", "/advance", {"until": 0, "declines": not good})
    world.story.append(f"  {real.id} has a card that {'pays' if good else 'declines'}")


async def act_at(world: World, real: RealSubscription, act: str) -> None:
    """Do something to a subscription at its provider."""
    if real.provider == "stripe":
        await _at_stripe(world, real, act)
    else:
        await _at_razorpay(world, real, act)


async def _at_stripe(world: World, real: RealSubscription, act: str) -> None:
    if act == "end":
        path = f"/sandbox/stripe/v1/subscriptions/{real.id}"
        await world.lab.api.call("DELETE", path, STRIPE_KEY)
    elif act == "change":
        checkout = await repository.find_by_object(real.id)
        assert checkout is not None
        price = f"price_sandbox_{'2999' if '_999_' in real.life.price else '999'}_usd"
        item = {"items[0][id]": item_id(checkout), "items[0][price]": price}
        await _post(world, real, item)
    else:
        ends = "true" if act == "end later" else "false"
        await _post(world, real, {"cancel_at_period_end": ends})


async def _post(world: World, real: RealSubscription, form: dict[str, str]) -> None:
    path = f"/sandbox/stripe/v1/subscriptions/{real.id}"
    await world.lab.api.call("POST", path, STRIPE_KEY, data=form)


async def _at_razorpay(world: World, real: RealSubscription, act: str) -> None:
    if act == "change":
        plan = "plan_sandbox_249900_inr_premium"
        await _tell(world, real, "PATCH", "", {"plan_id": plan})
    else:
        later = {"cancel_at_cycle_end": int(act != "end")}
        await _tell(world, real, "POST", "/cancel", later)


async def _tell(
    world: World, real: RealSubscription, method: str, path: str, body: dict[str, Any]
) -> None:
    secret = world.lab.sandbox.settings.of(RazorpaySettings).key_secret
    where = f"/sandbox/razorpay/v1/subscriptions/{real.id}{path}"
    key = (GENERATED["RAZORPAY_KEY_ID"], secret)
    await world.lab.api.http.request(method, where, json=body, auth=key)
