"""The ledger converges: any order of what was told of a payment gives one and the same row."""

import asyncio
import itertools
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo.errors import WriteError

from service.payments.payments.operations.record import record_payment
from service.payments.payments.operations.reported import ReportedPayment
from service.payments.payments.states import LIVE, PaymentStatus, standing
from service.storage.answering import Duplicate
from service.storage.database import Database, Row
from service.storage.plain import in_transaction
from tests.conftest import NOON

STATUSES = st.sampled_from(PaymentStatus)
TIMES = st.integers(0, 3).map(lambda seconds: NOON + timedelta(seconds=seconds))


def _told(status: PaymentStatus, after: int = 0, **changes: object) -> ReportedPayment:
    given = {
        "merchant_id": "default",
        "provider": "stripe",
        "account": "default",
        "live": False,
        "provider_payment_id": "pi_1",
        "amount": 1000,
        "currency": "USD",
        "status": status,
        "occurred_at": NOON + timedelta(seconds=after),
    }
    return ReportedPayment(**{**given, **changes})  # type: ignore[arg-type]


async def _row(database: Database, *told: ReportedPayment) -> Row:
    await database["payments"].delete_many({})
    for one in told:
        await in_transaction(lambda tx, one=one: record_payment(tx, one, NOON))  # type: ignore[misc]
    [row] = await database["payments"].find({}, {"_id": 0, "writtenAt": 0}).to_list()
    return row


FACTS = [
    _told(PaymentStatus.PENDING, 1, payment_method="card"),
    _told(PaymentStatus.FAILED, 2, failure_code="declined", session_id="s-1", user_id="u"),
    _told(PaymentStatus.FAILED, 2, failure_code="expired", failure_message="Too late."),
    _told(PaymentStatus.SUCCEEDED, 3, provider_session_id="cs_1", provider_customer_id="cus_1"),
]


async def test_every_order_gives_the_same_row(database: Database) -> None:
    rows = [await _row(database, *order) for order in itertools.permutations(FACTS)]
    assert all(row == rows[0] for row in rows)
    assert (rows[0]["status"], rows[0]["failureCode"]) == ("succeeded", None)
    assert (rows[0]["sessionId"], rows[0]["providerSessionId"]) == ("s-1", "cs_1")


async def test_what_is_told_later_fills_in_and_is_what_the_caller_hears(database: Database) -> None:
    ids = {"provider_session_id": "cs_1", "provider_customer_id": "cus_1"}
    late = _told(
        PaymentStatus.SUCCEEDED,
        1,
        metadata={"cart": "7"},
        session_id="s-1",
        amount=900,
        currency="EUR",
        provider_subscription_id="sub_1",
        **ids,
    )
    await _row(database, _told(PaymentStatus.PENDING))
    heard = await in_transaction(lambda tx: record_payment(tx, late, NOON))
    assert (heard.provider_session_id, heard.provider_customer_id) == ("cs_1", "cus_1")
    assert (heard.amount, heard.currency) == (900, "EUR")
    [row] = await database["payments"].find({}, {"_id": 0, "writtenAt": 0}).to_list()
    assert (row["metadata"], row["providerSessionId"]) == ({"cart": "7"}, "cs_1")
    assert (row["providerSubscriptionId"], row["amount"]) == ("sub_1", 900)
    assert row["currency"] == "EUR"
    again = await in_transaction(lambda tx: record_payment(tx, _told(PaymentStatus.PENDING), NOON))
    assert (again.status, again.provider_session_id, again.amount) == ("succeeded", "cs_1", 900)


async def test_a_failure_with_a_message_stands_above_one_without_in_any_order(
    database: Database,
) -> None:
    silent = _told(PaymentStatus.FAILED, failure_code="declined")
    told = _told(PaymentStatus.FAILED, failure_code="declined", failure_message="No.")
    for order in ((silent, told), (told, silent)):
        assert (await _row(database, *order))["failureMessage"] == "No."


async def test_two_failures_of_one_second_end_alike(database: Database) -> None:
    forth = await _row(database, *FACTS[1:3])
    back = await _row(database, *reversed(FACTS[1:3]))
    assert forth == back


@pytest.mark.parametrize(
    ("name", "column", "less", "more"),
    [
        ("amount", "amount", 900, 1000),
        ("currency", "currency", "EUR", "USD"),
        ("failure_code", "failureCode", None, "declined"),
        ("failure_message", "failureMessage", None, "No."),
    ],
)
async def test_of_two_facts_in_one_place_that_differ_in_one_field_the_greater_stands(
    database: Database, name: str, column: str, less: object, more: object
) -> None:
    facts = [_told(PaymentStatus.FAILED, **{name: value}) for value in (less, more)]
    for order in (facts, facts[::-1]):
        assert (await _row(database, *order))[column] == more


async def test_the_first_session_that_is_named_claims_a_payment_and_every_caller_hears_of_it(
    database: Database,
) -> None:
    async def claimed_after(**told: object) -> str | None:
        one = _told(PaymentStatus.PENDING, **told)
        claim = (await in_transaction(lambda tx: record_payment(tx, one, NOON))).claimed_by
        return claim and claim.session_id

    assert await claimed_after() is None
    assert await claimed_after() is None
    first: dict[str, object] = {
        "session_id": "s-1",
        "merchant_id": "shop",
        "session_opened_at": NOON,
    }
    first |= {"plan_id": "basic", "plan_name": "basic", "user_id": "u-1"}
    assert await claimed_after(**first) == "s-1"
    assert await claimed_after(session_id="s-2", merchant_id="other") == "s-1"
    assert await claimed_after() == "s-1"
    row = await database["payments"].find_one()
    assert row is not None
    assert (row["sessionId"], row["merchantId"]) == ("s-1", "shop")
    assert row["sessionOpenedAt"] == NOON
    assert (row["planId"], row["planName"], row["userId"]) == ("basic", "basic", "u-1")


async def test_what_is_told_first_is_the_row(database: Database) -> None:
    row = await _row(
        database,
        _told(PaymentStatus.PENDING, plan_id="basic", plan_name="basic", aliases=("cs_1",)),
    )
    assert (row["planId"], row["planName"], row["status"]) == ("basic", "basic", "pending")
    assert (row["aliases"], row["statusAt"], row["createdAt"]) == (["cs_1"], NOON, NOON)


async def test_the_names_of_a_payment_add_up(database: Database) -> None:
    named = [_told(PaymentStatus.PENDING, aliases=aliases) for aliases in (("b", "a"), (), ("c",))]
    assert (await _row(database, *named))["aliases"] == ["a", "b", "c"]


async def test_a_final_failure_outranks_what_was_under_way_whenever_it_was(
    database: Database,
) -> None:
    failed = _told(PaymentStatus.FAILED, 1, final=True)
    pending = _told(PaymentStatus.PENDING, 60)
    assert (await _row(database, failed, pending))["status"] == "failed"
    assert await _row(database, failed, pending) == await _row(database, pending, failed)
    paid = _told(PaymentStatus.SUCCEEDED, 0)
    assert (await _row(database, failed, paid))["status"] == "succeeded"


async def test_told_at_once_it_is_one_row(database: Database) -> None:
    async def tell(one: ReportedPayment) -> None:
        for _ in range(5):
            try:
                await in_transaction(lambda tx: record_payment(tx, one, NOON))
            except Duplicate:
                continue
            return

    expected = await _row(database, *FACTS)
    await database["payments"].delete_many({})
    await asyncio.gather(*(tell(one) for one in FACTS * 4))
    [row] = await database["payments"].find({}, {"_id": 0, "writtenAt": 0}).to_list()
    assert row == expected


@given(STATUSES, TIMES, STATUSES, TIMES)
def test_standing_is_an_order_in_which_money_outranks_time(
    one: PaymentStatus, at: datetime, other: PaymentStatus, then: datetime
) -> None:
    if one is not other:
        assert standing(one, at) != standing(other, then)
    if one is PaymentStatus.SUCCEEDED and other in {*LIVE, PaymentStatus.FAILED}:
        assert standing(one, at) > standing(other, then)
        assert standing(one, at) > standing(PaymentStatus.FAILED, then, final=True)
    if one in LIVE and other is PaymentStatus.FAILED:  # a failed attempt may come back, later
        assert (standing(one, at) > standing(other, then)) == (at > then)
        assert standing(other, then, final=True) > standing(one, at)


@pytest.mark.parametrize("amount", [10.0, 10.5, "10", None])
@pytest.mark.parametrize("collection", ["payments", "sessions"])
async def test_the_database_itself_refuses_amounts_that_are_no_integers(
    database: Database, collection: str, amount: object
) -> None:
    with pytest.raises(WriteError) as refused:
        await database[collection].insert_one({"providerPaymentId": 1, "amount": amount})
    assert refused.value.code == 121
    inserted = await database[collection].insert_one({"sessionId": "s", "amount": 10})
    with pytest.raises(WriteError):
        await database[collection].update_one(
            {"_id": inserted.inserted_id}, {"$set": {"amount": amount}}
        )
    await database["idempotency_keys"].insert_one({"_id": "control", "amount": amount})
    await database["idempotency_keys"].delete_many({})
