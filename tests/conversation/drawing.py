"""Draw conversations, each in a mood of its own: some acts are likely in it, others left out.

A search that draws everything evenly does a little of everything in each conversation, and hardly
ever meets what needs four acts of a kind about one session. One that leaves out and repeats meets
it soon ("swarm testing"): in one conversation there is one provider, in another nobody but the
server, in a third money is held again and again.
"""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from hypothesis import strategies as st

from tests.conversation.acts import ACTS, Act, Step, Together

# What moves a conversation on: more or less of it in each, but none is without.
_MOVING = frozenset(
    {
        *("open_checkout", "pay", "act_at_page", "authorize", "go_on", "deliver", "deliver_one"),
        *("resume", "run_loop", "pass_time", "clean_up", "decide", "doubt", "hold_again", "mend"),
    }
)
# What becomes of money after the sale: in some conversations there is little else.
_AFTER_SALE = frozenset(
    {
        *("refund_there", "end_refund", "dispute", "void", "post_entries"),
        *("request_refund", "process_refund", "refund_now", "reject_and_refund", "disturb"),
    }
)
# What becomes of subscriptions: none in some conversations, and little else in others.
_SUBSCRIBING = frozenset(
    {
        *("subscribe", "renew", "change_card", "dun", "change_plan", "cancel_subscription"),
        *("reactivate", "act_there", "lose", "ask_how_it_stands", "read_overdue", "read_crosswise"),
    }
)
_MORE_OF_IT = (1, 1, 4)
_OF_SUBSCRIPTIONS = (0, 1, 1, 4)
_WEIGHTS_OF_MOVING = (1, 2, 4)
_WEIGHTS_OF_OTHERS = (0, 0, 1, 1, 3)

_ALL = range(12)
# By the first number an act picks whom or what it is about, the last ones for small numbers.
_ABOUT: Sequence[Sequence[int]] = (_ALL, _ALL, range(3), range(4), range(0, 12, 2))
# By the second the provider is picked, its remainder by four; and how it goes.
_HOW: Sequence[Sequence[int]] = (_ALL, _ALL, *(range(one, 12, 4) for one in range(4)))


class Mood(NamedTuple):
    """What a conversation is like: its acts, each as often as it is likely, and its numbers."""

    names: Sequence[str]
    about: Sequence[int]
    how: Sequence[int]


def mood_of(dice: Random) -> Mood:
    """Draw a mood."""
    names = []
    more = dict.fromkeys(_AFTER_SALE, dice.choice(_MORE_OF_IT))
    more |= dict.fromkeys(_SUBSCRIBING, dice.choice(_OF_SUBSCRIPTIONS))
    for name in ACTS:
        weights = _WEIGHTS_OF_MOVING if name in _MOVING else _WEIGHTS_OF_OTHERS
        times = dice.choice(weights) * more.get(name, 1)
        names += [name] * (times if name != "nothing" else 0)
    return Mood(names, dice.choice(_ABOUT), dice.choice(_HOW))


def draw(dice: Random, steps: int) -> list[Step]:
    """Draw a conversation of so many steps; the first opens something.

    Evenly within its mood, unlike Hypothesis, which likes small numbers and repetitions.
    """
    mood = mood_of(dice)

    def act(name: str | None = None) -> Act:
        numbers = (dice.choice(mood.about), dice.choice(mood.how), dice.choice(_ALL))
        return Act(name or dice.choice(mood.names), *numbers)

    def step() -> Step:
        return act() if dice.random() < 0.75 else Together(act(), act())

    return [act("open_checkout"), *(step() for _ in range(steps - 1))]


def conversations(steps: int) -> st.SearchStrategy[list[Step]]:
    """Return the strategy of conversations of so many steps; the first opens something.

    Always as long: lists that may be shorter mostly are. A failing one is made shorter by steps in
    which nothing is done.
    """
    seeds = st.integers(0, 2**16)
    return seeds.flatmap(lambda seed: _in_mood(mood_of(Random(seed)), steps))  # noqa: S311


def _in_mood(mood: Mood, steps: int) -> st.SearchStrategy[list[Step]]:
    numbers = (st.sampled_from(mood.about), st.sampled_from(mood.how), st.sampled_from(_ALL))
    act = st.builds(Act, st.sampled_from(["nothing", *mood.names]), *numbers)
    first = st.builds(Act, st.just("open_checkout"), *numbers)
    step = act | act | act | st.builds(Together, act, act)
    rest = st.lists(step, min_size=steps - 1, max_size=steps - 1)
    return st.builds(lambda begin, more: [begin, *more], first, rest)
