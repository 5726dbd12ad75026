"""Old rows as sessions."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.imports.mapping import session_from
from service.imports.values import BadRow, amount
from service.sessions.states import Status
from tests.conftest import NOON
from tests.imports.old_rows import checkout_row, payment_row, rules


def test_a_document_of_the_mongodb_stack_keeps_every_field() -> None:
    session = session_from(payment_row(), rules())
    assert session.session_id == "TICKET_1234567890_ABC123"
    assert (session.kind, session.provider, session.status) == ("payment", "phonepe", "completed")
    assert (session.user_id, session.event_id) == ("user_123", "event_456")
    assert (session.amount, session.currency, session.quantity) == (100_000, "INR", 2)
    assert (session.pass_id, session.selected_date) == ("vip", "2026-12-24")
    assert (session.coupon_code, session.waiting_list_id) == ("EARLY", "wait_1")
    assert session.created_at == datetime(2026, 5, 1, 10, 0, tzinfo=UTC)
    assert session.expires_at == datetime(2026, 5, 1, 10, 30, tzinfo=UTC)
    assert session.completed_at == datetime(2026, 5, 1, 10, 5, tzinfo=UTC)
    assert session.metadata == {"orderId": "phonepe_order_123"}


def test_a_row_of_the_sql_stack_keeps_every_field() -> None:
    session = session_from(checkout_row(), rules(currency="USD"))
    assert session.session_id == "5f9c1e9a-6f0f-4b1e-9f0e-0c2a3e8d7b61"
    assert (session.kind, session.provider, session.status) == ("checkout", "stripe", "pending")
    assert (session.email, session.plan) == ("ada@example.com", "premium")
    assert (session.amount, session.currency, session.attempts) == (2999, "USD", 1)
    assert session.provider_session_id == "cs_live_old"
    assert [checkout.ref for checkout in session.checkouts] == ["cs_live_old"]
    assert session.expires_at == datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    assert session.completed_at is None
    assert session.metadata == {"userId": "3d1c"}


def test_the_history_says_whence_it_came() -> None:
    (entry,) = session_from(payment_row(), rules()).history
    assert (entry.from_status, entry.to, entry.by) == (None, Status.COMPLETED, "import")
    assert entry.reason == "from PaymentSessions"


def test_a_session_is_kept_as_long_as_one_that_ended_today() -> None:
    completed = session_from(payment_row(), rules())
    failed = session_from(payment_row(status="failed"), rules())
    still_open = session_from(checkout_row(), rules())
    assert completed.purge_at == NOON + timedelta(days=90)
    assert failed.purge_at == NOON + timedelta(days=7)
    assert still_open.purge_at is None


def test_an_open_session_whose_time_is_over_comes_in_as_expired() -> None:
    session = session_from(payment_row(status="pending"), rules())
    assert session.status is Status.EXPIRED


@pytest.mark.parametrize(
    ("named", "status"),
    [("CANCELLED", Status.CANCELED), ("canceled", Status.CANCELED), ("Failed", Status.FAILED)],
)
def test_a_status_is_read_however_it_is_spelled(named: str, status: Status) -> None:
    assert session_from(payment_row(status=named), rules()).status is status


def test_nobody_knows_the_secret_of_an_old_session() -> None:
    one, other = (session_from(payment_row(), rules()) for _ in range(2))
    assert one.client_secret_hash != other.client_secret_hash


def test_the_kind_can_be_named() -> None:
    assert session_from(payment_row(), rules(kind="checkout")).kind == "checkout"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sessionId": None, "_id": None}, "is missing"),
        ({"sessionId": "a" * 41}, "its id is not"),
        ({"sessionId": "a b"}, "its id is not"),
        ({"sessionId": {"$gt": ""}}, "is not a text"),
        ({"userId": ""}, "userId or user_id is missing"),
        ({"paymentMethod": "cash"}, "'cash' is not a provider"),
        ({"status": "abandoned"}, "'abandoned' is not a status"),
        ({"amount": None}, "amount or plan_price is missing"),
        ({"amount": 10.005}, "no whole number of minor units"),
        ({"amount": float("nan")}, "is not a number"),
        ({"amount": True}, "is not a number"),
        ({"amount": "1e3"}, "is not a number"),
        ({"amount": -1}, "is not more than zero"),
        ({"amount": 0}, "is not more than zero"),
        ({"amount": 2**53}, "too large"),
        ({"amount": Decimal("Infinity")}, "is not a number"),
        ({"currency": "USD"}, "its currency is USD, not INR"),
        ({"quantity": 1.5}, "quantity 1.5 is not a whole number"),
        ({"quantity": 0}, "quantity 0 is not a whole number from 1"),
        ({"createdAt": "yesterday"}, "createdAt 'yesterday' is not a time"),
        ({"createdAt": 1714557600}, "createdAt is not a time"),
        ({"createdAt": datetime(1969, 1, 1, tzinfo=UTC)}, "before 1970"),
        ({"metadata": "not json"}, "metadata is a text that is not JSON"),
        ({"metadata": [1]}, "metadata is not an object"),
        ({"metadata": {"a\0b": 1}}, "NUL"),
    ],
)
def test_what_cant_be_read_is_told(change: dict[str, Any], says: str) -> None:
    with pytest.raises(BadRow, match=says.replace("(", r"\(")):
        session_from(payment_row(**change), rules())


def test_metadata_that_json_cant_hold_becomes_text() -> None:
    found = session_from(payment_row(metadata={"at": NOON, "n": Decimal("1.5")}), rules())
    assert found.metadata == {"at": "2026-11-21T12:00:00+00:00", "n": "1.5"}


@pytest.mark.parametrize(
    ("value", "unit", "currency", "minor"),
    [
        (29.99, "major", "USD", 2999),
        ("29.99", "major", "USD", 2999),
        (Decimal("29.990"), "major", "USD", 2999),
        (1000.0, "minor", "INR", 1000),
        (1000, "major", "JPY", 1000),
        ("1.234", "major", "KWD", 1234),
    ],
)
def test_amounts_are_read_exactly(value: Any, unit: Any, currency: str, minor: int) -> None:
    assert amount(value, unit, "razorpay", currency) == minor


@given(minor=st.integers(1, 2**53 - 1))
def test_every_amount_survives_as_text_and_as_decimal(minor: int) -> None:
    price = Decimal(minor).scaleb(-2)
    assert amount(price, "major", "stripe", "USD") == minor
    assert amount(f"{price:f}", "major", "stripe", "USD") == minor


@given(minor=st.integers(1, 10**13))
def test_every_amount_that_was_written_as_a_float_is_read_as_it_was_written(minor: int) -> None:
    assert amount(minor / 100, "major", "stripe", "USD") == minor


@given(thousandths=st.integers(1, 10**12).filter(lambda n: n % 10))
def test_an_amount_between_two_minor_units_is_never_rounded(thousandths: int) -> None:
    for value in (thousandths / 1000, Decimal(thousandths).scaleb(-3)):
        with pytest.raises(BadRow):
            amount(value, "major", "stripe", "USD")
