"""The form that chooses faults, for all checkouts or for one."""

from collections.abc import Sequence

from msgspec import Struct

from tillgate_sandbox.chaos import EVERYTHING, Chaos
from tillgate_sandbox.pages.views import LONGEST_DELAY_MS, MOST_COPIES
from tillgate_sandbox.pages.words import FAULTS


class FaultBox(Struct, frozen=True):
    """A fault that can be chosen."""

    code: str
    name: str
    meaning: str
    chosen: bool


class NumberField(Struct, frozen=True):
    """A number that can be set, within its bounds."""

    name: str
    label: str
    hint: str
    least: int
    most: int
    value: int


class ChaosForm(Struct, frozen=True):
    """The form and its values. `own`: it is one checkout's. `everything`: that button's faults."""

    target: str
    own: bool
    said: str
    everything: str
    faults: Sequence[FaultBox]
    numbers: Sequence[NumberField]


def chaos_form(chaos: Chaos, *, own: str | None = None, is_own: bool = True) -> ChaosForm:
    """Build the form. `own` is the page id of the checkout that it is for."""
    return ChaosForm(
        target="/sandbox/api/chaos" if own is None else f"/sandbox/api/checkouts/{own}/chaos",
        own=own is not None,
        said=_said(own, is_own),
        everything=" ".join(EVERYTHING),
        faults=[
            FaultBox(fault, name, meaning, fault in chaos.faults)
            for fault, (name, meaning) in FAULTS.items()
        ],
        numbers=[
            NumberField(
                "copies", "Copies", "of each event, when duplicated", 1, MOST_COPIES, chaos.copies
            ),
            NumberField(
                "delayMs", "Longest delay", "in milliseconds", 0, LONGEST_DELAY_MS, chaos.delay_ms
            ),
            NumberField("seed", "Seed", "the same one repeats the run", 0, 2**31 - 1, chaos.seed),
        ],
    )


def _said(own: str | None, is_own: bool) -> str:
    if own is None:
        return ""
    return "This checkout has faults of its own." if is_own else "The standing rule holds here."
