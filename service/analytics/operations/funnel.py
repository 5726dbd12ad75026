"""How far leads and sessions came. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from service.analytics.operations.figures import part_of, total_of
from service.analytics.operations.folding import Bucket
from service.analytics.states import BESIDE, REST, Counts, Part, Reached

_ORDER: Final = [*Reached]


class Steps(Struct, frozen=True):
    """How many came at least so far, of those that began in a time."""

    opened: int
    attempted: int
    paid: int
    kept: int


class Funnel(Struct, frozen=True):
    """Leads, how far these came, and how far all sessions came."""

    intents: int
    of_intents: Steps
    of_sessions: Steps


def funnel_of(buckets: Iterable[Bucket]) -> Funnel:
    """Return how far came what began in some quarter-hours."""
    return _funnel(total_of(buckets))


def funnel_by_provider(buckets: Sequence[Bucket]) -> Mapping[str, Funnel]:
    """Tell it by provider; a lead belongs to that of its session that came farthest."""
    return _by(buckets, Part.PROVIDER, lambda key: key.partition(BESIDE)[0])


def funnel_by_item(buckets: Sequence[Bucket]) -> Mapping[str, Funnel]:
    """Tell it by plan, pass or event, a lead by the plan that it names."""
    return _by(buckets, Part.ITEM, lambda key: key if key == REST else key.partition(BESIDE)[2])


def _by(buckets: Sequence[Bucket], part: Part, name: Callable[[str], str]) -> dict[str, Funnel]:
    counts: dict[str, Counter[str]] = part_of(buckets, part)
    for key, of in part_of(buckets, Part.LEAD).items():
        counts.setdefault(name(key), Counter()).update(of)
    found = {key: _funnel(of) for key, of in counts.items()}
    return {key: one for key, one in found.items() if one.intents or one.of_sessions.opened}


def _funnel(counts: Counts) -> Funnel:
    leads, sessions = _steps(counts, "lead"), _steps(counts, "reached")
    return Funnel(counts.get("lead", 0), leads, sessions)


def _steps(counts: Counts, name: str) -> Steps:
    """Return how many came at least so far: whoever paid was opened and attempted, too."""
    came = [counts.get(f"{name}:{one.value}", 0) for one in _ORDER]
    at_least = {one: sum(came[n:]) for n, one in enumerate(_ORDER)}
    return Steps(
        at_least[Reached.OPENED],
        at_least[Reached.ATTEMPTED],
        at_least[Reached.PAID],
        at_least[Reached.KEPT],
    )
