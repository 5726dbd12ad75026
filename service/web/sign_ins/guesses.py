"""How often a key may be guessed in a form: always limited, and nobody can lock others out.

Three budgets, each refilled over time. A stranger's try is taken from the budget of its network and
from the one that all strangers share. A browser that has signed in before has its own: however many
strangers guess, from wherever, its owner gets in. Each process counts for itself.
"""

from collections import OrderedDict

from msgspec import Struct

from service.core.clock import Clock
from service.core.errors import TooManyRequests

MOST_COUNTED = 10_000


class Budget(Struct, frozen=True):
    """How many tries at once, and in how many seconds one more is added."""

    most: int
    one_more_every_s: float


OF_ONE = Budget(10, 60)
OF_ALL = Budget(60, 1)

_ALL = "all"


class Guesses:
    """Counts tries. Bounded: the name unseen for longest is forgotten first."""

    def __init__(self, clock: Clock) -> None:
        """Begin with full budgets."""
        self._clock = clock
        # Name -> tries left, and when that was computed.
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, network: str, browser: str | None) -> None:
        """Take a try before a key is checked. Raises `TooManyRequests`; then nothing is taken."""
        now = self._clock.now().timestamp()
        budgets = _budgets(network, browser)
        wait = max(self._wait(name, budget, now) for name, budget in budgets.items())
        if wait > 0:
            raise TooManyRequests(
                "Too many keys were tried here. Wait a little.", retry_after=max(1, round(wait))
            )
        for name, budget in budgets.items():
            self._keep(name, self._now_left(name, budget, now) - 1, now)

    def give_back(self, network: str, browser: str | None) -> None:
        """Give a try back: the key was right, so it was no guess."""
        now = self._clock.now().timestamp()
        for name, budget in _budgets(network, browser).items():
            self._keep(name, min(budget.most, self._now_left(name, budget, now) + 1), now)

    def _wait(self, name: str, budget: Budget, now: float) -> float:
        return (1 - self._now_left(name, budget, now)) * budget.one_more_every_s

    def _now_left(self, name: str, budget: Budget, now: float) -> float:
        left, then = self._left.get(name, (budget.most, now))
        return min(budget.most, left + (now - then) / budget.one_more_every_s)

    def _keep(self, name: str, left: float, now: float) -> None:
        self._left[name] = (left, now)
        self._left.move_to_end(name)
        if len(self._left) > MOST_COUNTED:
            self._left.popitem(last=False)


def _budgets(network: str, browser: str | None) -> dict[str, Budget]:
    if browser is not None:
        return {f"browser/{browser}": OF_ONE}
    return {f"network/{network}": OF_ONE, _ALL: OF_ALL}
