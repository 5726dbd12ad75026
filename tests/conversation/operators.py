"""Acts of operators, of the jobs, of the clock, and of what breaks."""

from datetime import timedelta

from service.core.clock import EARLIEST
from service.core.principal import Kind, Principal
from service.effects.backfill import Chosen, Doing, backfill
from tests.conversation.picking import pick
from tests.conversation.world import EVENT, PLAN, World
from tests.sessions.asking import put_price

_JUMPS = (
    timedelta(minutes=1),
    timedelta(minutes=31),
    timedelta(hours=2),
    timedelta(hours=25),
    timedelta(days=8),
    timedelta(days=31),
)


async def decide(world: World, a: int, b: int, c: int) -> None:
    """Decide a review, open or decided, by its event's id or by its session's."""
    rows = await world.rows("webhook_events", status="review")
    row = pick([one for one in rows if one["decision"] is None] if c < 6 else rows, a)
    if row is None:
        return
    verb = ("accept", "reject", "same-money")[b % 3]
    name = row["_id"] if c % 2 else row["sessionId"]
    await world.admin("POST", f"/reviews/{name}/{verb}", json={"reason": "as it seems"})


async def replay(world: World, a: int, b: int, c: int) -> None:
    """Replay any event of the inbox."""
    row = pick(await world.rows("webhook_events"), a)
    if row is not None:
        await world.admin("POST", f"/webhook-events/{row['_id']}/replay")


async def read_anew(world: World, a: int, b: int, c: int) -> None:
    """Backfill all events of a type that is there; what they mean is not theirs to change."""
    row = pick(await world.rows("webhook_events"), a)
    if row is not None:
        chosen = Chosen(row["type"], since=EARLIEST)
        by = Principal(Kind.ADMIN, row["merchantId"], key_id="cli", name="cli:ada")
        await backfill(chosen, by, world.lab.api.container.inbox, Doing(dry_run=c % 4 == 0))


async def clean_up(world: World, a: int, b: int, c: int) -> None:
    """Run the clean-up."""
    await world.clean_up()


async def run_loop(world: World, a: int, b: int, c: int) -> None:
    """Let the server's loop have a round."""
    await world.lab.api.settle()


async def pass_time(world: World, a: int, b: int, c: int) -> None:
    """Let minutes, hours or weeks pass."""
    world.pass_time(_JUMPS[a % len(_JUMPS)])


async def outlive(world: World, a: int, b: int, c: int) -> None:
    """Let as much time pass as it takes until what has ended is deleted."""
    for days in (0, 1, 8, 91)[: 3 + a % 2]:
        world.pass_time(timedelta(days=days))
        await world.clean_up()


async def change_price(world: World, a: int, b: int, c: int) -> None:
    """Put another price on what is sold."""
    item, amount = (PLAN, EVENT)[a % 2], (900, 1000, 1100)[b % 3]
    known = world.prices[item]
    known.append(amount)
    await put_price(world.lab.api, item, amount, "INR")
    if len(known) == 2:  # of two changes at once nobody knows which is the last
        world.prices[item] = [amount]


async def suspend(world: World, a: int, b: int, c: int) -> None:
    """Suspend the merchant: from now on its keys and tokens open nothing, and all else goes on."""
    resumptions = world.resumptions
    answer = await world.admin("POST", "/merchants/default/suspend", json={"reason": "asked"})
    assert answer.status_code == 200, answer.text
    if resumptions == world.resumptions and resumptions % 2 == 0:  # else nobody knows which is last
        world.suspended = True
        world.reached.add("a suspended merchant")


async def end_suspension(world: World, a: int = 0, b: int = 0, c: int = 0) -> None:
    """Let the merchant's keys open again what they did."""
    world.suspended = False
    world.resumptions += 1
    answer = await world.admin("POST", "/merchants/default/resume")
    assert answer.status_code == 200, answer.text
    world.resumptions += 1


async def cut(world: World, a: int, b: int, c: int) -> None:
    """Cut the providers off: before they have done what they are asked, or after; or mend it."""
    world.wires.cut = (None, "before", "after")[a % 3]  # type: ignore[assignment]


async def mend(world: World, a: int, b: int, c: int) -> None:
    """Let the providers be reached again."""
    world.wires.cut = None
