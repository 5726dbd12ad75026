"""A service that is killed in the midst of a conversation, and the one that goes on after it.

Reads jobs as JSON lines, `{"uri", "database", "now", "steps", "kill", "without"}` and what was
handed on; tells its state as a JSON line after each step, and once more at rest. `kill` is
`[step, command]`: the process ends before that command of that step is sent to the database.
`without` names a guard of what merchants hear, or of subscriptions, that is taken out. Each job has
a process of its own, forked after the imports: a whole start for each would take seconds.
"""

import json
import sys
from contextlib import nullcontext
from dataclasses import asdict
from datetime import datetime
from typing import Any

from service.core.clock import ManualClock
from service.storage.database import connect
from service.storage.documents import bind
from service.stored import DOCUMENTS
from tests.conversation.acts import Act, Step, Together
from tests.conversation.books import RealPayment
from tests.conversation.ears import Ear
from tests.conversation.heard_guards import HEARD_GUARDS
from tests.conversation.playing import take
from tests.conversation.promises import check, check_at_rest, check_no_session_waits_for_ever
from tests.conversation.renewals import check_subscriptions_at_rest
from tests.conversation.subscribing_guards import SUBSCRIBING_GUARDS
from tests.conversation.world import World, conversation
from tests.support.killing import Killer, run_jobs
from tillgate_sandbox.states import PaymentStatus


def as_json(steps: list[Step]) -> list[Any]:
    """Return steps as JSON: an act is a list that begins with its name."""
    return [list(map(list, step)) if isinstance(step, Together) else list(step) for step in steps]


def from_json(told: list[Any]) -> list[Step]:
    """Return steps from JSON."""
    return [
        Act(*one) if isinstance(one[0], str) else Together(Act(*one[0]), Act(*one[1]))
        for one in told
    ]


def handed_on(world: World) -> dict[str, Any]:
    """Return what a world knows besides the database, as JSON."""
    return {
        "opened": world.opened,
        "openers": world.openers,
        "prices": world.prices,
        "purged": sorted(world.purged),
        "foreign": [_as_row(payment) for payment in world.foreign.values()],
        "cut": world.wires.cut,
        "ears": [[ear.path, ear.id] for ear in world.hearing.ears.values()],
        "ends": world.ends,
        "unheard": sorted(world.unheard),
        "told_inactive": {name: sorted(ids) for name, ids in world.told_inactive.items()},
    }


def restore(world: World, told: dict[str, Any]) -> None:
    """Have a world know what another one has handed on."""
    world.opened |= told["opened"]
    world.openers |= told["openers"]
    world.prices |= told["prices"]
    world.purged |= set(told["purged"])
    found = [_from_row(row) for row in told["foreign"]]
    world.foreign |= {payment.key: payment for payment in found}
    world.wires.cut = told["cut"]
    world.ends |= told["ends"]
    world.unheard |= set(told["unheard"])
    for name, ids in told["told_inactive"].items():
        world.told_inactive.setdefault(name, set()).update(ids)
    # They are outside, as is what they take: here it is only known that there are some.
    for path, name in told["ears"]:
        world.hearing.ears.setdefault(path, Ear(path, name, frozenset(), False, 0))


def _as_row(payment: RealPayment) -> dict[str, Any]:
    return {**asdict(payment), "opened_at": payment.opened_at.isoformat()}


def _from_row(row: dict[str, Any]) -> RealPayment:
    typed = {
        "status": PaymentStatus(row["status"]),
        "opened_at": datetime.fromisoformat(row["opened_at"]),
    }
    return RealPayment(**{**row, **typed})


async def _go_on(job: dict[str, Any]) -> None:
    killer = Killer()
    client = connect(job["uri"])
    # What mongod does itself once a transaction has stood for a minute.
    await client.admin.command({"killAllSessions": []})
    database = client[job["database"]]
    await bind(database, DOCUMENTS)
    clock = ManualClock(datetime.fromisoformat(job["now"]))
    without = {**HEARD_GUARDS, **SUBSCRIBING_GUARDS}.get(job["without"], nullcontext)
    async with conversation(database, clock, emptied=False, hears=False) as world:
        restore(world, job)
        with without():
            await _hold(world, job, killer)
            await check_at_rest(world)
            await check_subscriptions_at_rest(world)
        await check_no_session_waits_for_ever(world)
        _tell(world, len(job["steps"]))


async def _hold(world: World, job: dict[str, Any], killer: Killer) -> None:
    for number, step in enumerate(from_json(job["steps"])):
        if job["kill"] and job["kill"][0] == number:
            killer.left = job["kill"][1]
        await take(world, step)
        await check(world)
        _tell(world, number + 1)
    killer.left = None


def _tell(world: World, done: int) -> None:
    state = {"done": done, "now": world.clock.now().isoformat(), **handed_on(world)}
    sys.stdout.write(f"state {json.dumps(state)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    run_jobs(_go_on)
