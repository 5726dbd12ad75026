"""What goes over the wire about how far leads and sessions came."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from service.analytics.operations.figures import percent
from service.analytics.operations.folding import Bucket
from service.analytics.operations.funnel import (
    Funnel,
    Steps,
    funnel_by_item,
    funnel_by_provider,
    funnel_of,
)
from service.analytics.operations.services import Shown
from service.analytics.schemas.common import FiguresAnswer
from service.analytics.states import named
from service.core.views import view_of


class FunnelStep(Struct, frozen=True, rename="camel", kw_only=True):
    """How many came at least so far; rates are percent of the step before, and of the first."""

    step: str
    count: int
    of_previous: float
    of_first: float


class FunnelLine(Struct, frozen=True, rename="camel", kw_only=True):
    """How far the leads and the sessions of one provider, plan, pass or event came."""

    name: str
    from_intents: list[FunnelStep]
    from_sessions: list[FunnelStep]


class FunnelAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """How far what began in the last days has come until now.

    `fromIntents`: leads, each once, by the session that followed it and came farthest.
    `fromSessions`: all sessions, those that follow a lead as well.
    """

    days: int
    from_intents: list[FunnelStep]
    from_sessions: list[FunnelStep]
    by_provider: list[FunnelLine]
    by_item: list[FunnelLine]


def funnel_answer(shown: Shown, days: int, buckets: Sequence[Bucket]) -> FunnelAnswer:
    """Show how far leads and sessions came."""
    total = funnel_of(buckets)
    return view_of(
        FunnelAnswer,
        shown,
        days=days,
        from_intents=_of_intents(total),
        from_sessions=_of_sessions(total.of_sessions),
        by_provider=_lines(funnel_by_provider(buckets)),
        by_item=_lines(funnel_by_item(buckets)),
    )


def _lines(found: Mapping[str, Funnel]) -> list[FunnelLine]:
    """Return those through which most came in first."""
    ranked = sorted(found.items(), key=lambda one: (-_began(one[1]), one[0]))
    return [
        FunnelLine(
            name=named(key),
            from_intents=_of_intents(of),
            from_sessions=_of_sessions(of.of_sessions),
        )
        for key, of in ranked
    ]


def _began(funnel: Funnel) -> int:
    return funnel.of_sessions.opened + funnel.intents


def _of_intents(funnel: Funnel) -> list[FunnelStep]:
    came = funnel.of_intents
    counts = (funnel.intents, came.opened, came.attempted, came.paid, came.kept)
    return _steps(("intents", "sessions", "attempted", "paid", "kept"), counts)


def _of_sessions(came: Steps) -> list[FunnelStep]:
    counts = (came.opened, came.attempted, came.paid, came.kept)
    return _steps(("sessions", "attempted", "paid", "kept"), counts)


def _steps(names: Sequence[str], counts: Sequence[int]) -> list[FunnelStep]:
    before = (counts[0], *counts)
    return [
        FunnelStep(
            step=name,
            count=count,
            of_previous=percent(count, previous),
            of_first=percent(count, counts[0]),
        )
        for name, count, previous in zip(names, counts, before, strict=False)
    ]
