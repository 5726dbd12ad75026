"""The pages of payments, refunds, reviews and disputes: who sees what, what the buttons do."""

import re
from typing import Any

import pytest
import pytest_asyncio
from httpx import AsyncClient

from service.core.principal import AccessScope, Kind
from service.dashboard.payments import controllers
from tests.bookkeeping.books import post
from tests.dashboard.operated import EVIL
from tests.dashboard.pressing import page, press, said, seed_in, words
from tests.dashboard.signing_in import sign_in
from tests.effects.returned import booked, stripe_dispute
from tests.refunds.money import LIMIT, Money
from tests.support.events import stripe_intent
from tests.support.keys import issue_key
from tests.support.pages import assert_nothing_inline

PAYMENTS = "/dashboard/payments"
REFUNDS = "/dashboard/refunds"
REVIEWS = "/dashboard/reviews"
DISPUTES = "/dashboard/disputes"
_READS = {AccessScope.TIMELINES_READ, AccessScope.PAYMENTS_SEARCH, AccessScope.LEDGER_READ}


@pytest_asyncio.fixture
async def http(money: Money) -> AsyncClient:
    """An admin's browser."""
    found: AsyncClient = money.shop.api.http
    found.cookies.clear()
    await sign_in(found)
    return found


async def _page_of(money: Money, payment: str) -> str:
    return f"{PAYMENTS}/{(await money.payment(payment))['_id']}"


async def _as(money: Money, *scopes: AccessScope) -> None:
    """Sign in with another key, which has these scopes only."""
    issued = await issue_key(money.shop.clock, Kind.ADMIN, scopes=list(scopes) or None)
    money.shop.api.http.cookies.clear()
    await sign_in(money.shop.api.http, issued.key)


async def test_any_id_or_address_leads_to_the_payment(money: Money, http: AsyncClient) -> None:
    payment = await money.paid(sessionId="s-1")
    await money.shop.database["sessions"].update_many({}, {"$set": {"email": "ada@example.com"}})
    here = await _page_of(money, payment)
    for named in (payment, "s-1", here.rpartition("/")[2]):
        found = await http.get(PAYMENTS, params={"q": f" {named} "})
        assert (found.status_code, found.headers["location"]) == (303, here), named
    for named in ("ada@example.com", "user_123"):
        assert f'href="{here}"' in await page(http, PAYMENTS, q=named)
    for named in ("pi_nobody", "eve@example.com"):
        text = await page(http, PAYMENTS, q=named)
        assert "Nothing has this" in text
        assert here not in text


async def test_the_list_is_filtered_by_status(money: Money, http: AsyncClient) -> None:
    paid = await _page_of(money, await money.paid())
    for path in (PAYMENTS, paid, REFUNDS, REVIEWS, DISPUTES):
        assert_nothing_inline(await http.get(path))
    assert paid in await page(http, PAYMENTS)
    assert paid in await page(http, PAYMENTS, status="succeeded")
    assert paid not in await page(http, PAYMENTS, status="failed")
    assert paid in await page(http, PAYMENTS, status="any")


async def test_the_page_tells_fee_net_tries_and_accounts_in_words(
    money: Money, http: AsyncClient
) -> None:
    session = await money.shop.api.open(sessionId="s-1")
    error = {"code": "card_declined", "decline_code": "insufficient_funds", "message": EVIL}
    declined = stripe_intent(session, latest_charge="ch_1", last_payment_error=error)
    await money.shop.api.told(money.shop.stripe("payment_intent.payment_failed", declined))
    await money.shop.api.told(money.shop.stripe_paid(session))
    fee = {"details.fee": 59, "details.feeCurrency": "INR", "planName": EVIL}
    await money.shop.database["payments"].update_many({}, {"$set": fee})
    await post(money.shop)
    text = await page(http, await _page_of(money, "pi_s-1"))
    assert EVIL not in text
    told = words(text)
    for said_ in ("Fee 0.59 INR", "Net 9.41 INR", "Sales -10.00 INR", "At Stripe"):
        assert said_ in told, told
    assert "The bank declined the card: insufficient funds. (insufficient_funds" in told
    assert "clearing:" not in told
    assert 'href="/dashboard/sessions/s-1"' in text


async def test_the_button_refunds_a_part_once_however_often_the_form_is_sent(
    money: Money, http: AsyncClient
) -> None:
    payment = await money.paid()
    here = await _page_of(money, payment)
    form = {"amount": "4.00", "reason": "broken", "seed": seed_in(await page(http, here))}
    for _ in range(2):
        assert await said(http, here, f"{here}/refund", **form) == "4.00 INR was refunded."
    assert await money.sums(payment) == (400, 0)
    assert (await money.the_refund())["requestedBy"] == "admin:ops"
    assert "4.00 INR" in words(await page(http, here))
    # The control: another form is another refund; without an amount of all that is left.
    form = {"reason": "broken", "seed": seed_in(await page(http, here))}
    assert await said(http, here, f"{here}/refund", **form) == "6.00 INR was refunded."
    assert await money.sums(payment) == (1000, 0)
    assert "Refund this payment" not in await page(http, here)
    await money.agrees()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"amount": "10.01"}, "Only 10.00 INR of this payment is left"),
        ({"amount": "0"}, "The amount '0' can't be used"),
        ({"amount": "-1"}, "can't be used"),
        ({"amount": "four"}, "The amount 'four' can't be used"),
        ({"amount": "1.001"}, "at most 2 decimals"),
        ({"reason": " "}, "Nothing was refunded: say why"),
    ],
)
async def test_what_can_not_be_refunded_is_said_and_no_money_moves(
    money: Money, http: AsyncClient, given: dict[str, str], says: str
) -> None:
    payment = await money.paid()
    here = await _page_of(money, payment)
    assert says in await said(http, here, f"{here}/refund", **{"reason": "broken"} | given)
    assert await money.refunds() == []


async def test_a_form_that_is_not_ours_does_nothing(money: Money, http: AsyncClient) -> None:
    here = await _page_of(money, await money.paid())
    answer = await press(http, here, f"{here}/refund", reason="broken", token="of another")
    assert answer.status_code == 403
    assert "This form was old, and nothing was done." in answer.text
    assert await money.refunds() == []


async def test_above_the_limit_another_key_approves_a_smaller_amount(
    money: Money, http: AsyncClient
) -> None:
    payment = await money.paid(LIMIT + 2000)
    here = await _page_of(money, payment)
    asked = await said(http, here, f"{here}/refund", reason="broken")
    assert asked == "70.00 INR is more than one key may refund: another one decides."
    refund = await money.the_refund()
    approving = {"id": refund["refundId"], "amount": "69.50"}
    assert "another one must approve" in await said(
        http, REFUNDS, f"{REFUNDS}/approve", **approving
    )
    await _as(money)
    assert "70.00 INR" in words(await page(http, REFUNDS))
    done = await said(http, REFUNDS, f"{REFUNDS}/approve", **approving, reason="seen")
    assert done == "69.50 INR was refunded."
    assert "Nothing waits." in await page(http, REFUNDS)
    assert "69.50 INR" in words(await page(http, REFUNDS, status="succeeded"))
    assert await money.sums(payment) == (6950, 0)


async def test_a_request_is_denied_with_a_reason(money: Money, http: AsyncClient) -> None:
    payment = await money.paid()
    await money.request(paymentId=payment, reason=EVIL)
    refund = await money.the_refund()
    text = await page(http, REFUNDS)
    assert EVIL not in text
    given = {"id": refund["refundId"], "reason": "used already"}
    assert await said(http, REFUNDS, f"{REFUNDS}/deny", **given) == (
        "The refund of 10.00 INR was denied. No money moves."
    )
    assert await money.sums(payment) == (0, 0)
    again = await said(http, REFUNDS, f"{REFUNDS}/approve", **given)
    assert "is denied: nothing is left to be decided" in again


async def test_a_payment_by_hand_goes_back_with_the_number_of_the_transfer(
    money: Money, http: AsyncClient
) -> None:
    payment = await money.by_hand()
    here = await _page_of(money, payment)
    assert "transfer it first" in await page(http, here)
    assert "bankReference" in await said(http, here, f"{here}/refund", reason="broken")
    made = await said(http, here, f"{here}/refund", reason="broken", reference="412233445566")
    assert made == "10.00 INR was refunded."
    assert "Bank reference 412233445566" in words(await page(http, here))


async def _paid_twice(money: Money) -> dict[str, Any]:
    session = await money.shop.api.open(sessionId="s-1")
    await money.shop.api.told(money.shop.stripe_paid(session))
    twice = {"id": "cs_test_2", "payment_intent": "pi_2"}
    await money.shop.api.told(money.shop.stripe_paid(session, **twice))
    [event] = await money.shop.events(status="review")
    found: dict[str, Any] = event
    return found


async def test_what_nobody_can_tell_about_and_what_a_dispute_paid_are_found_and_explained(
    money: Money, http: AsyncClient
) -> None:
    payment = await money.paid()
    money.books.plans.append("dropped")
    await money.refund(payment, amount=400)
    shown = words(await page(http, REFUNDS, status="needs_a_person"))
    assert "4.00 INR" not in shown  # the control: it is only on its way
    assert "4.00 INR" in await page(http, REFUNDS, status="processing")
    money.shop.pass_time(hours=23)
    await money.deliver()
    await sign_in(http)
    shown = words(await page(http, REFUNDS, status="needs_a_person"))
    assert "4.00 INR" in shown
    assert "Give up" in shown
    of_dispute = "Paid by the lost dispute dp_1: the same money, so it counts there and not as"
    assert of_dispute not in shown
    await money.shop.database["refunds"].update_many({}, {"$set": {"byDispute": "dp_1"}})
    assert of_dispute in words(await page(http, REFUNDS, status="any"))
    assert of_dispute in words(await page(http, await _page_of(money, payment)))


async def test_a_payment_made_twice_is_rejected_and_refunded_by_one_button(
    money: Money, http: AsyncClient
) -> None:
    event = await _paid_twice(money)
    told = words(await page(http, REVIEWS))
    assert "Paid twice" in told
    assert "Amount 10.00 INR, succeeded Asked for 10.00 INR, completed" in told
    assert "gives 10.00 INR back" in told
    assert event["_id"] not in told
    given = {"id": event["_id"], "about": "pi_2", "choice": "reject-and-refund"}
    assert await said(http, REVIEWS, f"{REVIEWS}/decide", **given) == (
        "Nothing was decided: say why in the field for the reason."
    )
    assert await money.refunds() == []
    done = await said(http, REVIEWS, f"{REVIEWS}/decide", **given, reason="twice")
    assert done == (
        "The payment was rejected; its session is completed. The refund of 10.00 INR is succeeded."
    )
    assert await money.sums("pi_2") == (1000, 0)
    assert await money.sums("pi_s-1") == (0, 0)
    assert "Nothing waits." in await page(http, REVIEWS)


async def test_what_was_paid_too_much_goes_back_with_the_acceptance(
    money: Money, http: AsyncClient
) -> None:
    session = await money.shop.api.open(sessionId="s-1")
    await money.shop.api.told(money.shop.stripe_paid(session, amount_total=1200))
    [event] = await money.shop.events(status="review")
    given = {"id": event["_id"], "about": "pi_s-1", "choice": "accept", "refund": "2.00"}
    told = words(await page(http, REVIEWS))
    assert "Amount 12.00 INR, succeeded Asked for 10.00 INR, pending" in told
    assert "Refund of it, if you accept" in told
    assert await said(http, REVIEWS, f"{REVIEWS}/decide", **given) == (
        "The payment was accepted; its session is completed. The refund of 2.00 INR is succeeded."
    )
    assert await money.sums("pi_s-1") == (200, 0)


async def test_a_dispute_shows_its_deadline_and_its_evidence(
    money: Money, http: AsyncClient
) -> None:
    payment = await money.paid(sessionId="s-1")
    session = (await money.shop.api.read("s-1")) | {}
    gone: Any = {"balance_transactions": [booked(session, 1, -1000)], "reason": EVIL}
    await money.shop.api.told(
        stripe_dispute(money.shop, session, "created", status="needs_response", **gone)
    )
    [link] = set(re.findall(r'href="(/dashboard/disputes/[^"]+)"', await page(http, DISPUTES)))
    text = await page(http, link)
    assert EVIL not in text
    assert re.search(r"It needs an answer; answer by \d{4}-\d\d-\d\d", text)
    assert "Held 10.00 INR" in words(text)
    here = await _page_of(money, payment)
    assert "Refund this payment" not in await page(http, here)
    assert link in await page(http, here)
    evidence = await http.get(f"{link}/evidence")
    assert evidence.status_code == 200
    assert "default-src 'none'" in evidence.headers["content-security-policy"]
    assert await page(http, DISPUTES, status="lost")
    assert link not in await page(http, DISPUTES, status="lost")


async def test_a_key_sees_and_does_here_what_it_may_by_the_routes(
    money: Money, http: AsyncClient
) -> None:
    payment = await money.paid()
    here = await _page_of(money, payment)
    event = await _paid_twice(money)
    await _as(money, *_READS, AccessScope.REVIEWS_READ, AccessScope.REVIEWS_DECIDE)
    assert "Refund this payment" not in await page(http, here)
    assert "Reject and refund" not in re.findall(
        r"<button[^>]*>([^<]*)<", await page(http, REVIEWS)
    )
    refused = await press(http, here, f"{here}/refund", reason="broken")
    assert refused.status_code == 403
    given = {"id": event["_id"], "choice": "reject-and-refund", "reason": "twice"}
    assert "may refund" in await said(http, REVIEWS, f"{REVIEWS}/decide", **given)
    for closed in (REFUNDS, DISPUTES, f"{DISPUTES}/{'0' * 24}/evidence"):
        assert "Your key does not open this page" in await page(http, closed, 403)
    assert await money.refunds() == []
    await _as(money, *controllers.REFUND, *_READS)  # the control
    assert "Refund this payment" in await page(http, here)


async def test_nothing_of_another_merchant_is_found_or_done(
    money: Money, http: AsyncClient
) -> None:
    payment = await money.paid()
    here = await _page_of(money, payment)
    for name in ("payments", "sessions"):
        await money.shop.database[name].update_many({}, {"$set": {"merchantId": "another"}})
    assert "There is no such payment" in await page(http, here, 404)
    assert here not in await page(http, PAYMENTS)
    assert "Nothing has this" in await page(http, PAYMENTS, q=payment)
    assert "There is no payment" in await said(http, PAYMENTS, f"{here}/refund", reason="x")
    assert await money.refunds() == []


async def test_who_is_not_signed_in_is_led_to_the_login_and_back(
    money: Money, http: AsyncClient
) -> None:
    http.cookies.clear()
    found = await http.get(PAYMENTS, params={"q": "pi_1", "status": "failed"})
    assert found.headers["location"].startswith("/dashboard/login?next=/dashboard/payments%3Fq")
    following = "/dashboard/payments?q=pi_1&status=failed"
    assert (await sign_in(http, following=following)).headers["location"] == following
