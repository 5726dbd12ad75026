"""Chaos: deliveries that go wrong on purpose. Pure and seeded, so that runs can be repeated."""

import random
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from service.core.errors import InvalidInput
from service.core.strict_json import JsonObject

Fault = Literal[
    "duplicate",
    "reorder",
    "delay",
    "drop",
    "webhook_first",
    "redirect_first",
    "late",
    "wrong_amount",
    "wrong_currency",
    "old_secret",
    "bad_signature",
    "unknown_session",
    "foreign_route",
    "slow_refund",
    "failing_refund",
    "refused_refund",
    "no_balance",
]

OF_REFUNDS: tuple[Fault, ...] = ("slow_refund", "failing_refund", "refused_refund", "no_balance")
"""The faults of refunds that are asked for by a provider's API; no delivery goes wrong by them."""

EVERYTHING: tuple[Fault, ...] = ("duplicate", "reorder", "delay", "drop", "bad_signature")
"""The faults after which the session is still paid: the right event arrives, too."""


class Chaos(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The faults of a checkout's deliveries. `copies` of each event arrive at once.

    `delay_ms` is the longest delay. The same seed and the same events give the same plan.
    """

    faults: tuple[Fault, ...] = ()
    copies: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5
    delay_ms: Annotated[int, msgspec.Meta(ge=0, le=60_000)] = 2000
    seed: int = 0


class Planned(Struct, frozen=True):
    """One delivery of a plan: which event, when, and what is done to it.

    `tamper` faults change the body or the signature; `drops` tries get no answer first.
    """

    event: int
    due_at: datetime
    tamper: tuple[Fault, ...] = ()
    drops: int = 0
    note: str | None = None


_TAMPERING: tuple[Fault, ...] = (
    "wrong_amount",
    "wrong_currency",
    "old_secret",
    "bad_signature",
    "unknown_session",
    "foreign_route",
)
"""Each adds a wrong delivery; the right one is sent as well."""


def plan(events: int, chaos: Chaos, salt: str, now: datetime) -> list[Planned]:
    """Plan the deliveries of some events that happened in this order. Same input, same plan."""
    dice = random.Random(f"{chaos.seed}:{salt}")  # noqa: S311 - repeatable on purpose
    planned = [Planned(event, now) for event in range(events)]
    planned += [
        Planned(dice.randrange(events), now, (fault,), note=_said(fault))
        for fault in _TAMPERING
        if fault in chaos.faults and events
    ]
    if "duplicate" in chaos.faults:
        planned = [
            replace(one, note=_joined(one.note, f"copy {copy + 1} of {chaos.copies}"))
            for one in planned
            for copy in range(chaos.copies)
        ]
    if "reorder" in chaos.faults:
        dice.shuffle(planned)
    at_once = chaos.copies if "duplicate" in chaos.faults else 1
    return [_timed(one, place // at_once, chaos, dice) for place, one in enumerate(planned)]


def _timed(one: Planned, place: int, chaos: Chaos, dice: random.Random) -> Planned:
    due_at = one.due_at + timedelta(milliseconds=place)
    drops, note = one.drops, one.note
    if "delay" in chaos.faults or "redirect_first" in chaos.faults:
        waits = dice.randint(chaos.delay_ms // 4, chaos.delay_ms)
        due_at += timedelta(milliseconds=waits)
        note = _joined(note, f"delayed {waits} ms")
    if "late" in chaos.faults:
        due_at += timedelta(milliseconds=chaos.delay_ms)
        note = _joined(note, "after the expiry")
    if "drop" in chaos.faults and dice.random() < 0.5:
        drops = dice.randint(1, 2)
        note = _joined(note, f"dropped {times(drops)}")
    return replace(one, due_at=due_at, drops=drops, note=note)


def times(count: int) -> str:
    """Return how often: once, twice, 3 times."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _said(fault: Fault) -> str:
    return fault.replace("_", " ")


def _joined(*notes: str | None) -> str:
    return ", ".join(note for note in notes if note)


def read_chaos(stored: JsonObject) -> Chaos:
    """Read faults from JSON: `{faults, copies, delayMs, seed}`. Raises `InvalidInput`."""
    try:
        return msgspec.convert(stored, Chaos)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"The faults can't be used: {error}.") from error


def merge(own: JsonObject | None, standing: JsonObject | None) -> Chaos:
    """Return the faults that apply to a checkout: its own, else the standing ones, else none."""
    held = own if own is not None else standing
    return read_chaos(held) if held is not None else Chaos()
