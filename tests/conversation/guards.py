"""The guards of the rules 12 to 21, of jobs and ledger, taken out one by one: each must be missed.

`python -m tests.conversation.guards` says after how many conversations each was found.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from msgspec import structs

from service.effects import matching
from service.effects import ownership as own
from service.inbox.operations import receive
from service.jobs import repository as jobs
from service.payments.payments.states import PaymentStatus
from service.retention.operations import purging
from service.reviews.operations import choices
from service.sessions.checkouts import capture
from service.sessions.checkouts.unresolved import overdue
from service.sessions.operations.caller import TRUSTED, Caller
from service.sessions.operations.changing import complete_by_hand
from service.sessions.operations.moving import giving_up
from service.sessions.operations.reviewing import captures
from service.web import gate
from tests.conversation.heard_guards import HEARD_GUARDS
from tests.conversation.ledger_guards import LEDGER_GUARDS
from tests.conversation.returning_guards import RETURNING_GUARDS
from tests.conversation.soak import soak
from tests.conversation.subscribing_guards import SUBSCRIBING_GUARDS


async def _believed(hint: Any, inbox: Any) -> Any:
    return structs.replace(hint, confirmed=True)


async def _not_opened(*_: Any, **__: Any) -> bool:
    return False


async def _needed_by_nobody(*_: Any, **__: Any) -> dict[str, set[tuple[str, str]]]:
    return {}


async def _wanted(*_: Any, **__: Any) -> bool:
    return True


def _accepts_all(case: Any) -> choices.Outlook:
    return choices.Outlook("Accepts whatever there is.")


def _captures_all(session: Any, payment: Any) -> bool:
    return bool(payment.status is PaymentStatus.AUTHORIZED)


async def _claims_all(tx: Any, session: Any, told: Any, others: Any, now: Any) -> Any:
    if told.status is PaymentStatus.AUTHORIZED:
        return captures.Capturing(payment_id=told.payment_id, at=now)
    return session.capturing


@contextmanager
def _without_12() -> Iterator[None]:
    """A settlement by hand is written under whatever id it names."""
    entry = complete_by_hand._by_hand

    def named_by(session: Any, hand_id: str, named: Any, now: Any) -> Any:
        return entry(session, named or hand_id, None, now)

    with patch.object(complete_by_hand, "_by_hand", named_by):
        yield


@contextmanager
def _without_13() -> Iterator[None]:
    """Whatever names a session is a checkout of its own."""
    with (
        patch.object(own, "ownership_of", lambda *_: own.Ownership.OWN),
        patch.object(matching, "ownership_of", lambda *_: own.Ownership.OWN),
    ):
        yield


@contextmanager
def _without_14() -> Iterator[None]:
    """What a browser opens for a user is that user's."""
    with patch.object(Caller, "owner_of", lambda *_: TRUSTED):
        yield


@contextmanager
def _without_15() -> Iterator[None]:
    """Accepting asks for no money."""
    table = {**choices._OUTLOOKS, choices.Choice.ACCEPT: _accepts_all}
    with patch.object(choices, "_OUTLOOKS", table):
        yield


@contextmanager
def _without_16() -> Iterator[None]:
    """Every held payment is captured, whatever became of its session."""
    with (
        patch.object(captures, "may_capture", _captures_all),
        patch("service.effects.payments.claimed", _claims_all),
        patch.object(capture, "_is_wanted", _wanted),
    ):
        yield


@contextmanager
def _without_17() -> Iterator[None]:
    """What was opened before is left open."""
    with patch.object(giving_up, "may_be_open", lambda *_: []):
        yield


@contextmanager
def _without_18() -> Iterator[None]:
    """A hint is believed unasked."""
    with patch.object(receive, "_confirm", _believed):
        yield


@contextmanager
def _without_19() -> Iterator[None]:
    """A payment that nobody can tell about is nobody's business."""
    with patch.object(overdue, "open_review", _not_opened):
        yield


@contextmanager
def _without_20() -> Iterator[None]:
    """What is old enough is deleted, whoever needs it."""
    with patch.object(purging, "_needs", _needed_by_nobody):
        yield


@contextmanager
def _without_21() -> Iterator[None]:
    """A browser may use an idempotency key that anybody can guess."""
    with patch.object(gate, "LEAST_PROVING", 1):
        yield


@contextmanager
def _without_pauses() -> Iterator[None]:
    """A paused job runs all the same."""
    standing = jobs.standing

    async def never_paused(name: str) -> jobs.Standing:
        return structs.replace(await standing(name), paused_at=None)

    with patch.object(jobs, "standing", never_paused):
        yield


GUARDS: dict[str, Callable[[], Any]] = {
    "12": _without_12,
    "13": _without_13,
    "14": _without_14,
    "15": _without_15,
    "16": _without_16,
    "17": _without_17,
    "18": _without_18,
    "19": _without_19,
    "20": _without_20,
    "21": _without_21,
    "paused": _without_pauses,
    **LEDGER_GUARDS,
    **HEARD_GUARDS,
    **RETURNING_GUARDS,
    **SUBSCRIBING_GUARDS,
}


def search(rule: str, count: int, steps: int, seed: int) -> str:
    """Hold conversations without a rule's guard; say what was found, and how soon."""
    with GUARDS[rule]():
        found = soak(count, steps, seed, shrinks=False)
    if found is None:
        return f"NOT FOUND in {count}"
    return f"found in conversation {found.after}: {str(found.broken).splitlines()[0]}"


def main() -> None:
    """Search for each missing guard."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=500)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rules", choices=GUARDS, nargs="*", default=list(GUARDS))
    given = parser.parse_args()
    missed = []
    for rule in given.rules:
        said = search(rule, given.conversations, given.steps, given.seed)
        print(f"rule {rule}: {said}", flush=True)  # noqa: T201
        missed += [rule] if said.startswith("NOT") else []
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
