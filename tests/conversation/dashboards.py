"""Acts at the providers' dashboards, of banks and networks: money goes back, or is disputed."""

from datetime import timedelta

from service.core.errors import Conflict
from tests.conversation.picking import pick
from tests.conversation.world import World
from tillgate_sandbox import repository as sandbox
from tillgate_sandbox.aftermath import made_id, payment_that_moves, possible_in
from tillgate_sandbox.documents import SandboxCheckout, SandboxRefund
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import Happening

_OF_REFUNDS = (Happening.REFUND_SETTLED, Happening.REFUND_FAILED)
_OF_DISPUTES = (
    Happening.DISPUTED,
    Happening.DISPUTE_LOST,
    Happening.DISPUTE_WON,
    Happening.INQUIRED,
    Happening.DISPUTE_ANSWERED,
    Happening.INQUIRY_CLOSED,
)
# What happens to one dispute, and to one refund and that dispute, is never of the same second.
_BETWEEN = timedelta(minutes=2)
_PREFIX = {"stripe": "re_3", "razorpay": "rfnd_", "phonepe": "OMR"}


async def refund_there(world: World, a: int, b: int, c: int) -> None:
    """Refund all that is left of a payment in its provider's dashboard, or a part; now or later."""
    checkout = await _paid(world, a)
    if checkout is None:
        return
    payment = payment_that_moves(checkout.payments, Happening.REFUNDED)
    left = payment.amount - payment.refunded if payment else 0
    amount = (left, left // 2, left // 3, 1)[b % 4]
    what = (Happening.REFUNDED, Happening.REFUND_STARTED)[c % 2]
    now = world.clock.now()
    made = SandboxRefund(id=made_id(_PREFIX[checkout.provider]), amount=amount, at=now)
    await _let(world, checkout, what, made)


async def end_refund(world: World, a: int, b: int, c: int) -> None:
    """Let a refund come, or fail: also one that has come before, when a bank sends it back."""
    checkout = await _paid(world, a)
    if checkout is not None:
        await _let(world, checkout, _OF_REFUNDS[b % 2])


async def dispute(world: World, a: int, b: int, c: int) -> None:
    """Let go on what a bank does about a payment, whatever is possible of it now."""
    checkout = await _paid(world, a)
    if checkout is None:
        return
    world.pass_time(_BETWEEN)
    possible = possible_in(checkout, world.clock.now())
    what = pick([one for one in _OF_DISPUTES if one in possible], b)
    if what is not None:
        await _let(world, checkout, what)


async def void(world: World, a: int, b: int, c: int) -> None:
    """Let go of money that was held, as Razorpay does by itself where nobody captures it."""
    found = [one for one in await world.checkouts() if one.provider == "razorpay"]
    checkout = pick([one for one in found if one.status in {"open", "processing"}], a)
    if checkout is None:
        return
    if checkout.status == "open":
        await _let(world, checkout, Happening.AUTHORIZED)
    await _let(world, checkout, Happening.VOIDED)


async def _paid(world: World, a: int) -> SandboxCheckout | None:
    return pick([one for one in await world.checkouts() if one.status == "paid"], a)


async def _let(
    world: World, checkout: SandboxCheckout, what: Happening, refund: SandboxRefund | None = None
) -> None:
    fresh = await sandbox.find_checkout(checkout.id)
    if fresh is None:
        return
    try:
        await happen(fresh, what, world.lab.sandbox, refund=refund)
        world.story.append(f"  {checkout.id} of {checkout.session_id}: {what}")
    except Conflict as refusal:
        world.story.append(f"  {checkout.id} can't be {what}: {refusal.message}")
