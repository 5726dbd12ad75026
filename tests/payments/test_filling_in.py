"""Two who fill in what is known of one payment, at once: neither undoes what the other wrote."""

import asyncio
from typing import Any

import pytest

from service.payments.payments import repository
from service.payments.payments.documents import Payment
from service.payments.payments.operations.fill_in import fill_in
from service.payments.payments.operations.reported import ReportedPayment
from service.payments.payments.states import PaymentStatus
from service.providers.facts import Details
from service.storage.database import Database, Row
from service.storage.plain import NO_TRANSACTION
from tests.payments.test_details import _row, _told


def _from(country: str) -> ReportedPayment:
    return _told(PaymentStatus.SUCCEEDED, 3, Details(country=country))


def _declined(code: str | None) -> ReportedPayment:
    return _told(PaymentStatus.FAILED, 1, failure_code="card_declined", decline_code=code)


def _made_with(method: str) -> ReportedPayment:
    return _told(PaymentStatus.SUCCEEDED, 3, payment_method=method)


async def _filled_in(database: Database, *told: ReportedPayment) -> Row:
    """Fill in the second once the third has filled in what is greater; return the row."""
    first, second, third = told
    await _row(database, first)
    find = repository.find

    async def late(*key: Any) -> Payment | None:
        found = await find(*key)
        patch.setattr(repository, "find", find)
        await fill_in(third, dry_run=False)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repository, "find", late)
        await fill_in(second, dry_run=False)
    [row] = await database["payments"].find({}, {"_id": 0, "writtenAt": 0}).to_list()
    return row


_AT_ONCE = [
    [_from("AT"), _from("DE"), _from("FR")],
    [_declined(None), _declined("do_not_honor"), _declined("stolen_card")],
    [_made_with("card"), _made_with("link"), _made_with("upi")],
]


@pytest.mark.parametrize("told", _AT_ONCE)
async def test_of_what_stands_in_one_place_the_greater_stays(
    database: Database, told: list[ReportedPayment]
) -> None:
    assert await _filled_in(database, *told) == await _row(database, *told)


@pytest.mark.parametrize("told", _AT_ONCE)
async def test_control_whoever_comes_last_would_have_the_last_word(
    database: Database, monkeypatch: pytest.MonkeyPatch, told: list[ReportedPayment]
) -> None:
    async def change(payment: Payment, changes: Row) -> bool:
        await repository.change(payment, changes, NO_TRANSACTION)
        return True

    monkeypatch.setattr(repository, "change_as_read", change)
    assert await _filled_in(database, *told) != await _row(database, *told)


async def test_of_fifty_at_once_the_greatest_stays(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.payments.payments.operations.fill_in._TRIES", 50)
    countries = [f"{first}{second}" for first in "ABCDE" for second in "ABCDEFGHIJ"]
    await _row(database, _from("AA"))
    await asyncio.gather(*(fill_in(_from(one), dry_run=False) for one in countries))
    [row] = await database["payments"].find().to_list()
    assert row["details"] == {"country": max(countries)}
