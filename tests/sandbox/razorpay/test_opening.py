"""Reading what orders and links are opened with: any JSON, and never a half-read amount."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.money import LARGEST_AMOUNT
from tests.conftest import NOON
from tillgate_sandbox.razorpay.opening import read_link, read_order
from tillgate_sandbox.razorpay.refusals import Refusal
from tillgate_sandbox.razorpay.render import made_id

# A document can be built only once it is bound to a database.
pytestmark = pytest.mark.usefixtures("razorpay_stage")

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50)
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(), SCALARS, max_size=2)
FIELDS = ["amount", "currency", "receipt", "reference_id", "notes", "expire_by", "callback_url"]
BODIES = st.dictionaries(st.sampled_from(FIELDS), VALUES)
SOUND = st.fixed_dictionaries({"amount": st.integers(1, 10**7)})


@given(BODIES | st.tuples(SOUND, BODIES).map(lambda both: both[1] | both[0]))
def test_whatever_comes_is_an_honest_checkout_or_refused(body: dict[str, Any]) -> None:
    for read in (read_order, read_link):
        try:
            checkout = read(body, NOON)
        except Refusal:
            continue
        assert type(body["amount"]) is int
        assert 1 <= checkout.amount == body["amount"] <= LARGEST_AMOUNT
        assert checkout.currency == str(body.get("currency") or "INR").upper()


@given(st.text(max_size=40), st.text(max_size=40))
def test_equal_receipts_make_equal_ids_and_empty_ones_new_ids(one: str, other: str) -> None:
    first = read_order({"amount": 100, "receipt": one}, NOON)
    second = read_order({"amount": 200, "receipt": other}, NOON)
    assert (first.id == second.id) is (one == other != "")


def test_ids_are_as_long_as_razorpays() -> None:
    assert len(made_id("order_", "receipt", "r")) == len("order_DESlLckIVRkHWj")
