"""The guards of refunds, disputes and entries, taken out one by one: each must be missed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

from msgspec import structs

from service.bookkeeping.operations import targets
from service.effects import ledger, lost_disputes
from service.effects import refunds as effects_of_refunds
from service.payments.entries.states import REFUNDS_IN_TRANSIT
from service.payments.payments import repository as payments
from service.payments.refunds import repository
from service.payments.refunds.documents import Refund
from service.payments.refunds.operations import approve, record, request
from service.storage.database import Row


async def _nothing(*_: Any, **__: Any) -> None:
    return None


def _the_last_word(known: Any, said: Row, place: int) -> Row:
    changes: Row = known.differing({name: said[name] for name in said if said[name] is not None})
    return changes


@contextmanager
def _without_ranks() -> Iterator[None]:
    """What comes last about a refund stands, whatever it is."""
    with patch.object(record, "changes_said", _the_last_word):
        yield


@contextmanager
def _without_sums() -> Iterator[None]:
    """What a payment's refunds add up to is not written with them."""
    with patch.object(record, "derive", _nothing):
        yield


@contextmanager
def _without_voids() -> Iterator[None]:
    """What was only held is refunded like what was captured."""
    take = effects_of_refunds.record_fact

    async def as_money(doing: Any, session: Any, fact: Any) -> Any:
        return await take(doing, session, structs.replace(fact, voids=False))

    with patch.object(effects_of_refunds, "record_fact", as_money):
        yield


@contextmanager
def _without_own_ids() -> Iterator[None]:
    """A refund is of whatever payment its order is known by."""

    def of_its_order(fact: Any) -> tuple[str, ...]:
        return tuple(one for one in fact.payment_ids if one != fact.provider_payment_id)

    with patch.object(ledger, "payment_ids", of_its_order):
        yield


@contextmanager
def _without_one_loss() -> Iterator[None]:
    """A lost dispute and the refund that its provider makes for it are two losses."""
    with patch.object(lost_disputes, "paid_back", lambda *_: {}):
        yield


@contextmanager
def _without_transit() -> Iterator[None]:
    """What is on its way back is posted as if it had left."""
    post = targets._moved

    def at_once(to: str, from_: str, amount: int, currency: str) -> Any:
        gone = "clearing:stripe" if from_ == REFUNDS_IN_TRANSIT else from_
        return post(to, gone, amount, currency)

    with patch.object(targets, "_moved", at_once):
        yield


@contextmanager
def _without_marks() -> Iterator[None]:
    """A refund that changes is not marked, and nobody posts what it changed."""
    new_row, change = Refund.new_row, repository.change

    def unmarked(given: Any, *others: Any) -> Any:
        return new_row(given | {"unposted": False}, *others)

    async def change_unmarked(refund: Any, changes: Any, *others: Any) -> Any:
        return await change(refund, changes | {"unposted": False}, *others)

    with (
        patch.object(Refund, "new_row", unmarked),
        patch.object(repository, "change", change_unmarked),
    ):
        yield


@contextmanager
def _without_reserving() -> Iterator[None]:
    """Whoever refunds looks at nothing that others refund."""

    def all_of_it(payment: Any, amount: int | None, *_: Any) -> int:
        return amount or int(payment.amount)

    async def reserve(payment: Any, amount: int, now: Any, tx: Any) -> bool:
        sums = {"reserved": payment.reserved + amount, "updatedAt": now}
        await payments.change(payment, sums, tx)
        return True

    with (
        patch.object(request, "amount_of", all_of_it),
        patch.object(approve, "amount_of", all_of_it),
        patch.object(payments, "reserve", reserve),
    ):
        yield


LEDGER_GUARDS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "ranks": _without_ranks,
    "sums": _without_sums,
    "voids": _without_voids,
    "own ids": _without_own_ids,
    "one loss": _without_one_loss,
    "transit": _without_transit,
    "marks": _without_marks,
    "reserving": _without_reserving,
}
