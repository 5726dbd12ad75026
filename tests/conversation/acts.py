"""The table of all acts, and a conversation as a list of them that Hypothesis can shrink."""

from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import NamedTuple, TypeAlias

from hypothesis import strategies as st

from tests.conversation import callers, operators, payers, strangers
from tests.conversation.world import World

Do: TypeAlias = Callable[[World, int, int, int], Awaitable[None]]

ACTS: Mapping[str, Do] = {
    "nothing": callers.nothing,
    "open_checkout": callers.open_checkout,
    "open_session": callers.open_session,
    "open_hostile": callers.open_hostile,
    "resume": callers.resume,
    "cancel": callers.cancel,
    "patch": callers.patch,
    "move_by_hand": callers.move_by_hand,
    "settle_by_hand": callers.settle_by_hand,
    "verify": callers.verify,
    "read": callers.read,
    "pay": payers.pay,
    "act_at_page": payers.act_at_page,
    "authorize": payers.authorize,
    "pay_other_amount": payers.pay_other_amount,
    "go_on": payers.go_on,
    "deliver": payers.deliver,
    "deliver_one": payers.deliver_one,
    "deliver_again": payers.deliver_again,
    "hold_back": payers.hold_back,
    "forge": payers.forge,
    "foreign_payment": strangers.foreign_payment,
    "write_notes": strangers.write_notes,
    "decide": operators.decide,
    "replay": operators.replay,
    "clean_up": operators.clean_up,
    "run_loop": operators.run_loop,
    "pass_time": operators.pass_time,
    "change_price": operators.change_price,
    "cut": operators.cut,
    "mend": operators.mend,
}

# What moves a conversation on is drawn more often than what only disturbs it.
_OFTEN = (
    *("open_checkout", "pay", "act_at_page", "authorize", "go_on", "deliver", "deliver_one"),
    *("resume", "run_loop", "pass_time", "clean_up", "decide", "mend"),
)


class Act(NamedTuple):
    """One act: its name, and numbers by which it picks whom and what it is about."""

    name: str
    a: int = 0
    b: int = 0
    c: int = 0

    async def do(self, world: World) -> None:
        """Do it."""
        if self.name != "nothing":
            world.story.append(f"{self.name}({self.a}, {self.b}, {self.c})")
        await ACTS[self.name](world, self.a, self.b, self.c)


class Together(NamedTuple):
    """Two acts at once."""

    one: Act
    other: Act


Step: TypeAlias = Act | Together

_NUMBERS = st.integers(0, 11)
_ACT = st.builds(Act, st.sampled_from([*ACTS, *_OFTEN, *_OFTEN]), _NUMBERS, _NUMBERS, _NUMBERS)


def draw(dice: Random, steps: int) -> list[Step]:
    """Draw a conversation of so many steps; the first opens something.

    Evenly, unlike Hypothesis, which likes small numbers and repetitions: a search wants variety.
    """
    names = [name for name in (*ACTS, *_OFTEN, *_OFTEN) if name != "nothing"]

    def act(name: str | None = None) -> Act:
        return Act(name or dice.choice(names), *(dice.randrange(12) for _ in range(3)))

    def step() -> Step:
        return act() if dice.random() < 0.75 else Together(act(), act())

    return [act("open_checkout"), *(step() for _ in range(steps - 1))]


def conversations(steps: int) -> st.SearchStrategy[list[Step]]:
    """Return the strategy of conversations of so many steps; the first opens something.

    Always as long: lists that may be shorter mostly are. A failing one is made shorter by steps in
    which nothing is done.
    """
    first = st.builds(Act, st.just("open_checkout"), _NUMBERS, _NUMBERS, _NUMBERS)
    rest = st.lists(
        _ACT | _ACT | _ACT | st.builds(Together, _ACT, _ACT), min_size=steps - 1, max_size=steps - 1
    )
    return st.builds(lambda begin, more: [begin, *more], first, rest)
