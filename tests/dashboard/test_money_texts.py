"""What people type into the forms of money is held to what the API takes; nothing else is kept."""

import pytest
import pytest_asyncio
from httpx import AsyncClient

from service.core.errors import InvalidInput
from service.core.money import to_minor
from tests.dashboard.pressing import said
from tests.dashboard.signing_in import sign_in
from tests.refunds.money import Money, made

REFUNDS = "/dashboard/refunds"
REVIEWS = "/dashboard/reviews"
_REASONS = {
    "a card's number": ("was 4242 4242 4242 4242", "number of a card"),
    "an escape sequence": ("\x1b[2Jgone", "has control characters"),
    "a null": ("a\x00b", "has control characters"),
    "too long": ("x" * 2001, "at most 2000 characters"),
}


@pytest_asyncio.fixture
async def http(money: Money) -> AsyncClient:
    """An admin's browser."""
    found: AsyncClient = money.shop.api.http
    found.cookies.clear()
    await sign_in(found)
    return found


async def _trail(money: Money) -> int:
    wanted = {"action": {"$regex": r"^(refund|review)\."}}
    return await money.shop.database["audit_log"].count_documents(wanted)


@pytest.mark.parametrize("case", _REASONS)
async def test_a_reason_that_the_api_refuses_is_refused_in_each_form(
    money: Money, http: AsyncClient, case: str
) -> None:
    reason, says = _REASONS[case]
    payment = await money.paid(sessionId="s-1")
    here = f"/dashboard/payments/{(await money.payment(payment))['_id']}"
    asked = made(await money.request(paymentId=payment))["refundId"]
    twice = {"id": "cs_test_2", "payment_intent": "pi_2"}
    session = await money.shop.api.read("s-1")
    await money.shop.api.told(money.shop.stripe_paid(session, **twice))
    [event] = await money.shop.events(status="review")
    before = await _trail(money)
    forms = [
        (here, f"{here}/refund", {}),
        (REFUNDS, f"{REFUNDS}/approve", {"id": asked}),
        (REFUNDS, f"{REFUNDS}/deny", {"id": asked}),
        (REVIEWS, f"{REVIEWS}/decide", {"id": event["_id"], "choice": "reject"}),
    ]
    for page, act, given in forms:
        assert says in await said(http, page, act, **given, reason=reason), act
    assert (await money.the_refund())["status"] == "requested"
    assert await _trail(money) == before
    # Control: with other words each does what it says.
    for page, act, given in forms[2:]:
        await said(http, page, act, **given, reason="no")
    assert (await money.the_refund())["status"] == "denied"
    assert await _trail(money) == before + 2


@pytest.mark.parametrize("reference", ["R" * 101, "UTR\n1", "UTR\x001"])
async def test_a_bank_reference_is_one_short_line_here_too(
    money: Money, http: AsyncClient, reference: str
) -> None:
    payment = await money.by_hand()
    here = f"/dashboard/payments/{(await money.payment(payment))['_id']}"
    given = {"reason": "broken", "reference": reference}
    assert "bankReference" in await said(http, here, f"{here}/refund", **given)
    assert await money.refunds() == []
    given["reference"] = "UTR 1"
    assert "was refunded" in await said(http, here, f"{here}/refund", **given)


@pytest.mark.parametrize("amount", ["1e999999999", "1E+999998", "9" * 300, "NaN", "sNaN", "-0"])
async def test_a_number_that_is_none_is_a_problem_in_words(
    money: Money, http: AsyncClient, amount: str
) -> None:
    payment = await money.paid()
    here = f"/dashboard/payments/{(await money.payment(payment))['_id']}"
    told = await said(http, here, f"{here}/refund", reason="broken", amount=amount)
    assert "can't be used" in told
    with pytest.raises(InvalidInput):
        to_minor(amount, 2)
    assert await money.refunds() == []
