"""What is known of a payment besides its money: the same in any order, and never two attempts'."""

import itertools
import random
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.payments.payments import repository, states
from service.payments.payments.operations import merging
from service.payments.payments.operations.fill_in import fill_in
from service.payments.payments.operations.record import record_payment
from service.payments.payments.operations.reported import ReportedPayment
from service.payments.payments.states import PaymentStatus, as_number, details_after, standing
from service.providers.facts import Details, MethodDetails
from service.storage.database import Database, Row
from service.storage.plain import in_transaction
from tests.conftest import NOON

VISA = MethodDetails(brand="visa", last4="4242", exp_month=4, exp_year=2031)
AMEX = MethodDetails(brand="amex", last4="0005")


def _told(
    status: PaymentStatus, after: int = 0, details: Details | None = None, **more: Any
) -> ReportedPayment:
    given_: dict[str, Any] = {
        "merchant_id": "default",
        "provider": "stripe",
        "account": "default",
        "live": False,
        "provider_payment_id": "pi_1",
        "amount": 1000,
        "currency": "USD",
        "status": status,
        "occurred_at": NOON + timedelta(seconds=after),
        "details": details,
    }
    return ReportedPayment(**{**given_, **more})


async def _row(database: Database, *told: ReportedPayment) -> Row:
    await database["payments"].delete_many({})
    for one in told:
        await in_transaction(partial(record_payment, reported=one, now=NOON))
    [row] = await database["payments"].find({}, {"_id": 0, "writtenAt": 0}).to_list()
    return row


DECLINED = _told(
    PaymentStatus.FAILED,
    1,
    Details(charge_id="ch_1", method_id="pm_1", method_details=VISA, country="DE"),
    payment_method="card",
    failure_code="card_declined",
    decline_code="do_not_honor",
    failure_details={"code": "card_declined", "network_decline_code": "05"},
)
UNDER_WAY = _told(PaymentStatus.PENDING, 2, Details(charge_id="ch_2", tax=0, attempt_count=1))
CHECKED_OUT = _told(
    PaymentStatus.SUCCEEDED,
    3,
    Details(country="FR", tax=7, invoice_id="in_1", attempt_count=2),
    aliases=("cs_1",),
)
CHARGED = _told(
    PaymentStatus.SUCCEEDED,
    3,
    Details(charge_id="ch_3", method_id="pm_3", made_at=NOON),
    payment_method="link",
)
FOUND = _told(
    PaymentStatus.SUCCEEDED,
    0,
    Details(charge_id="ch_3", fee=59, fee_currency="EUR", method_details=AMEX, country="IT"),
)
FACTS = [DECLINED, UNDER_WAY, CHECKED_OUT, CHARGED, FOUND]


async def test_every_order_gives_the_same_details(database: Database) -> None:
    rows = [await _row(database, *order) for order in itertools.permutations(FACTS)]
    assert all(row == rows[0] for row in rows)
    row = rows[0]
    assert row["details"] == {
        **{"country": "FR", "tax": 7, "attemptCount": 2, "invoiceId": "in_1"},
        **{"chargeId": "ch_3", "methodId": "pm_3", "madeAt": NOON, "fee": 59, "feeCurrency": "EUR"},
        "methodDetails": {"brand": "amex", "last4": "0005"},
    }
    assert (row["paymentMethod"], row["declineCode"], row["failureDetails"]) == ("link", None, None)
    assert row["aliases"] == ["ch_3", "cs_1", "in_1"]


@pytest.mark.parametrize("size", [2, 3])
async def test_every_order_of_a_few_of_them_does_too(database: Database, size: int) -> None:
    for some in itertools.combinations(FACTS, size):
        rows = [await _row(database, *order) for order in itertools.permutations(some)]
        assert all(row == rows[0] for row in rows)


async def test_control_where_what_comes_first_stands_the_order_shows(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def first(known: Row, places: Row, reported: Row, *_: int) -> tuple[Row, Row]:
        return {**reported, **known}, places

    monkeypatch.setattr(merging, "details_after", first)
    rows = [await _row(database, *order) for order in itertools.permutations(FACTS[:3])]
    assert any(row != rows[0] for row in rows)


async def test_a_declined_card_is_not_what_was_paid_with(database: Database) -> None:
    paid = _told(PaymentStatus.SUCCEEDED, 3)
    for order in ((DECLINED, paid), (paid, DECLINED)):
        row = await _row(database, *order)
        assert (row["details"], row["paymentMethod"]) == ({"country": "DE"}, "card")
        assert (row["declineCode"], row["aliases"]) == (None, [])


async def test_two_attempts_are_never_mixed(database: Database) -> None:
    second = _told(PaymentStatus.FAILED, 2, Details(charge_id="ch_2", method_id="pm_2"))
    for order in ((DECLINED, second), (second, DECLINED)):
        row = await _row(database, *order)
        assert row["details"] == {"chargeId": "ch_2", "methodId": "pm_2", "country": "DE"}
        assert row["aliases"] == ["ch_2"]


async def test_a_failure_tells_all_that_its_provider_says(database: Database) -> None:
    row = await _row(database, UNDER_WAY, DECLINED)
    assert row["status"] == "pending"
    row = await _row(database, DECLINED)
    assert row["declineCode"] == "do_not_honor"
    assert row["failureDetails"] == {"code": "card_declined", "network_decline_code": "05"}
    assert row["details"]["methodDetails"] == {
        **{"brand": "visa", "last4": "4242"},
        **{"expMonth": 4, "expYear": 2031},
    }


async def test_of_two_failures_that_differ_in_the_bank_s_word_the_greater_stands(
    database: Database,
) -> None:
    other = _told(PaymentStatus.FAILED, 1, failure_code="card_declined", decline_code="stolen_card")
    for order in ((DECLINED, other), (other, DECLINED)):
        row = await _row(database, *order)
        assert (row["declineCode"], row["failureDetails"]) == ("stolen_card", None)


async def test_a_row_of_before_takes_what_it_lacks_and_keeps_what_it_has(
    database: Database,
) -> None:
    await _row(database, _told(PaymentStatus.SUCCEEDED, 3, payment_method="card"))
    lacks = dict.fromkeys(("places", "details", "failureDetails", "declineCode"), "")
    await database["payments"].update_one({}, {"$unset": lacks, "$set": {"aliases": []}})
    for one in (DECLINED, CHARGED, CHECKED_OUT):
        await in_transaction(partial(record_payment, reported=one, now=NOON))
    [row] = await database["payments"].find().to_list()
    details = row["details"]
    assert (row["paymentMethod"], details["chargeId"], details["country"]) == ("card", "ch_3", "FR")
    assert row["aliases"] == ["ch_3", "cs_1", "in_1"]


async def test_a_payment_is_found_by_any_id_that_is_known_of_it(database: Database) -> None:
    await _row(database, *FACTS)
    for any_id in ("pi_1", "cs_1", "ch_3", "in_1"):
        [found] = await repository.find_by_any_id("default", any_id)
        assert found.provider_payment_id == "pi_1"
        assert await repository.find_by_any_id("another", any_id) == []
    for gone in ("ch_1", "ch_2", "pm_3", "nothing"):
        assert await repository.find_by_any_id("default", gone) == []
    explained = await database.command(
        "explain",
        {"find": "payments", "filter": {"aliases": {"$eq": "ch_3"}, "merchantId": "default"}},
        verbosity="queryPlanner",
    )
    assert "'aliases'" in str(explained["queryPlanner"]["winningPlan"])


async def test_what_is_filled_in_is_what_the_event_would_have_written(database: Database) -> None:
    whole = await _row(database, CHARGED, CHECKED_OUT, FOUND)
    await _row(database, _told(PaymentStatus.SUCCEEDED, 3, payment_method="link"))
    for one in (FOUND, CHARGED, CHECKED_OUT, FOUND):
        before = await database["payments"].find_one({}, {"_id": 0, "writtenAt": 0})
        told = await fill_in(one, dry_run=True)
        assert await database["payments"].find_one({}, {"_id": 0, "writtenAt": 0}) == before
        assert (await fill_in(one, dry_run=False)) == told
    [row] = await database["payments"].find({}, {"_id": 0, "writtenAt": 0}).to_list()
    assert row == whole
    assert not (await fill_in(CHARGED, dry_run=False)).after


async def test_filling_in_changes_neither_status_nor_money_nor_what_another_event_told(
    database: Database,
) -> None:
    paid = _told(PaymentStatus.SUCCEEDED, 3, amount=900, **{"session_id": "s-1"})
    before = await _row(database, paid)
    await fill_in(DECLINED, dry_run=False)
    [row] = await database["payments"].find({}, {"_id": 0, "writtenAt": 0}).to_list()
    changed = {name for name in row if row[name] != before[name]}
    assert changed == {"details", "paymentMethod", "places", "firstAt"}
    assert row["details"] == {"country": "DE"}
    assert row["firstAt"] == NOON + timedelta(seconds=1)  # when it was declined, of which it tells
    assert not (await fill_in(_told(PaymentStatus.REFUNDED, 9), dry_run=False)).after
    lost = await fill_in(_told(PaymentStatus.FAILED, provider_payment_id="pi_0"), dry_run=False)
    assert not lost.after
    assert await database["payments"].count_documents({}) == 1


@pytest.mark.parametrize("guarded", [True, False])
async def test_an_event_that_comes_between_reading_and_filling_in_is_not_overwritten(
    database: Database, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """With the control: without the comparison what came meanwhile is lost."""
    await _row(database, _told(PaymentStatus.PENDING, 0))
    find = repository.find
    newer = [_told(PaymentStatus.FAILED, 9, Details(charge_id="ch_9", method_id="pm_9"))]

    async def overtaken(*key: Any) -> Any:
        found = await find(*key)
        while newer:
            one = newer.pop()
            await in_transaction(partial(record_payment, reported=one, now=NOON))
        return found

    async def unguarded(payment: Any, changes: Row) -> bool:
        await database["payments"].update_one({}, {"$set": changes})
        return True

    monkeypatch.setattr(repository, "find", overtaken)
    if not guarded:
        monkeypatch.setattr(repository, "change_as_read", unguarded)
    older = _told(PaymentStatus.PENDING, 0, Details(charge_id="ch_0"))
    await fill_in(older, dry_run=False)
    [row] = await database["payments"].find().to_list()
    assert (row["details"] == {"chargeId": "ch_9", "methodId": "pm_9"}) is guarded


VALUES: dict[str, Any] = {
    "country": st.sampled_from(["DE", "FR"]),
    "chargeId": st.sampled_from(["ch_1", "ch_2"]),
    "methodDetails": st.sampled_from([{"brand": "visa"}, {"brand": "amex", "last4": "1"}]),
    "fee": st.integers(0, 2),
}
TOLD = st.tuples(
    st.fixed_dictionaries({}, optional=VALUES), st.sampled_from(PaymentStatus), st.integers(0, 2)
)


def _kept(told: list[tuple[Row, PaymentStatus, int]]) -> tuple[Row, dict[str, int]]:
    known: Row = {}
    places: dict[str, int] = {}
    stands = -1
    for details, status, after in told:
        place = as_number(standing(status, NOON + timedelta(seconds=after)))
        stands = max(stands, place)
        known, places = details_after(known, places, details, place, stands)
    return known, places


@settings(max_examples=150)
@given(st.lists(TOLD, min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_any_facts_in_any_order_leave_the_same(
    told: list[tuple[Row, PaymentStatus, int]], chance: random.Random
) -> None:
    shuffled = told[:]
    chance.shuffle(shuffled)
    assert _kept(told) == _kept(shuffled)
    assert _kept([*told, *shuffled]) == _kept(told)


def test_a_place_s_number_compares_as_the_place_does() -> None:
    places = [
        standing(status, NOON + timedelta(milliseconds=after))
        for status in PaymentStatus
        for after in (0, 1, 999, 86_400_000 * 36_500)
    ]
    assert sorted(places, key=as_number) == sorted(places)
    assert max(map(as_number, places)) < 2**63
    assert states.as_number((5, NOON.replace(year=9998), 3)) < 2**63


def test_each_millisecond_counts_more_than_what_decides_within_it() -> None:
    moments = [NOON + timedelta(milliseconds=n) for n in range(2000)]
    numbers = [states.as_number((1, at, within)) for at in moments for within in (0, 3)]
    assert all(less < more for less, more in itertools.pairwise(numbers))
