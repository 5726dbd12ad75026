"""The sandbox's pages and their API."""

import pytest

from service.core.clock import ManualClock
from service.web.pages.rendering import Pages
from tests.sandbox.lab import Lab
from tillgate_sandbox import repository
from tillgate_sandbox.chaos import EVERYTHING, Fault
from tillgate_sandbox.mailbox.controllers import PAGES as MAILBOX_PAGES
from tillgate_sandbox.pages.frame import PAGES as SANDBOX_PAGES
from tillgate_sandbox.pages.words import DECLINES, FAULTS
from tillgate_sandbox.phonepe.declines import DECLINES as PHONEPE
from tillgate_sandbox.razorpay.declines import DECLINES as RAZORPAY
from tillgate_sandbox.shop.pages import PAGES as SHOP_PAGES
from tillgate_sandbox.states import CheckoutStatus, possible_now
from tillgate_sandbox.stripe.declines import DECLINES as STRIPE

CHAOS = {"faults": ["duplicate", "delay"], "copies": 3, "delayMs": 50, "seed": 9}


async def test_pay_page_shows_amount_items_and_what_can_happen(lab: Lab) -> None:
    _, checkout = await lab.open(amount=3000, quantity=3)
    page = await lab.api.http.get(f"/sandbox/pay/{checkout.page_id}?any=thing")
    assert page.status_code == 200
    assert "30.00 USD" in page.text
    assert "event_456 × 3" in page.text
    assert "insufficient_funds" in page.text
    assert "unsafe" not in page.headers["content-security-policy"]
    told = (await lab.api.http.get(f"/sandbox/api/checkouts/{checkout.page_id}")).json()
    assert (told["price"], told["status"]) == ("30.00", "open")
    assert told["can"] == possible_now(CheckoutStatus.OPEN, "stripe")
    assert "authorized" in told["can"]


async def test_phonepe_offers_nothing_that_it_has_no_event_for(lab: Lab) -> None:
    _, checkout = await lab.open(paymentMethod="phonepe", currency="INR")
    _, other = await lab.open(userId="user_124")
    path = f"/sandbox/pay/{checkout.page_id}"
    for happening in ("authorized", "disputed"):
        assert (await lab.api.http.post(f"{path}/{happening}", json={})).status_code == 409
        assert f'data-happening="{happening}"' not in (await lab.api.http.get(path)).text
    paid = await lab.api.http.post(f"{path}/paid", json={})
    assert paid.json()["can"] == ["refunded", "refund_started"]
    elsewhere = await lab.api.http.get(f"/sandbox/pay/{other.page_id}")
    assert 'data-happening="disputed"' in elsewhere.text


async def test_page_of_a_checkout_is_found_by_the_providers_id_too(lab: Lab) -> None:
    _, checkout = await lab.open(paymentMethod="razorpay", currency="INR")
    assert checkout.success_url is None
    page = await lab.api.http.get(f"/sandbox/pay/{checkout.id}?return=/shop/return")
    assert page.status_code == 200


async def test_checkout_that_nobody_opened_is_a_page_that_says_so(lab: Lab) -> None:
    page = await lab.api.http.get("/sandbox/pay/nobody")
    assert page.status_code == 404
    assert "There is no such checkout" in page.text
    assert (await lab.api.http.get("/sandbox/api/checkouts/nobody")).status_code == 404


async def test_what_the_service_wrote_is_never_markup(lab: Lab) -> None:
    _, checkout = await lab.open()
    evil = {"description": "<img src=x onerror=alert(1)>"}
    changed = checkout.model_copy(update={"request": evil, "success_url": "javascript:alert(1)"})
    assert await repository.change_checkout(checkout, changed)
    page = (await lab.api.http.get(f"/sandbox/pay/{checkout.page_id}")).text
    assert "<img src=x" not in page
    assert "javascript:" not in page


async def test_success_url_carries_the_checkouts_id_as_stripe_does(lab: Lab) -> None:
    back = f"{lab.address}/shop/return?cs={{CHECKOUT_SESSION_ID}}"
    _, checkout = await lab.open(successUrl=back)
    told = (await lab.api.http.get(f"/sandbox/api/checkouts/{checkout.page_id}")).json()
    assert told["successUrl"] == f"{lab.address}/shop/return?cs={checkout.id}"


async def test_razorpay_hands_its_proof_to_the_browser_and_the_service_takes_it(lab: Lab) -> None:
    opened, checkout = await lab.open(paymentMethod="razorpay", currency="INR")
    paid = await lab.api.http.post(f"/sandbox/pay/{checkout.page_id}/paid", json={})
    proof = paid.json()["handedOver"]
    assert proof["razorpay_order_id"] == checkout.id
    body = {"sessionId": opened["sessionId"], **proof}
    answer = await lab.api.call("POST", "/api/payment/verify-checkout-session", json=body)
    assert answer.json()["paid"] is True, answer.text
    forged = body | {"razorpay_signature": "0" * 64}
    answer = await lab.api.call("POST", "/api/payment/verify-checkout-session", json=forged)
    assert answer.status_code == 400


async def test_what_cannot_happen_is_a_conflict(lab: Lab) -> None:
    _, checkout = await lab.open()
    path = f"/sandbox/pay/{checkout.page_id}"
    assert (await lab.api.http.post(f"{path}/settled", json={})).status_code == 409
    assert (await lab.api.http.post(f"{path}/exploded", json={})).status_code in {400, 404}
    assert (await lab.api.http.post(f"{path}/paid", json={"amount": 1})).status_code == 400


async def test_what_may_happen_to_the_money_follows_what_happened_to_it(lab: Lab) -> None:
    _, checkout = await lab.open()
    path = f"/sandbox/pay/{checkout.page_id}"
    can = (await lab.api.http.post(f"{path}/paid", json={})).json()["can"]
    assert can == ["refunded", "disputed", "refund_started", "inquired"]
    can = (await lab.api.http.post(f"{path}/refund_started", json={})).json()["can"]
    assert can == ["disputed", "refund_settled", "refund_failed", "inquired"]
    can = (await lab.api.http.post(f"{path}/disputed", json={})).json()["can"]
    assert can[-3:] == ["dispute_answered", "dispute_won", "dispute_lost"]
    page = (await lab.api.http.get(path)).text
    assert 'data-happening="dispute_won" data-later>' in page
    assert 'data-happening="inquired" data-later hidden>' in page
    assert (await lab.api.http.post(f"{path}/inquired", json={})).status_code == 409


async def test_standing_rule_holds_until_a_checkout_has_its_own(lab: Lab) -> None:
    http = lab.api.http
    assert (await http.get("/sandbox/api/chaos")).json()["faults"] == []
    assert (await http.put("/sandbox/api/chaos", json=CHAOS)).json() == CHAOS
    _, checkout = await lab.open()
    address = f"/sandbox/api/checkouts/{checkout.page_id}"
    told = (await http.get(address)).json()
    assert (told["chaos"], told["hasOwnChaos"]) == (CHAOS, False)

    own = CHAOS | {"faults": ["bad_signature"]}
    told = (await http.put(f"{address}/chaos", json=own)).json()
    assert (told["chaos"], told["hasOwnChaos"]) == (own, True)
    told = (await http.delete(f"{address}/chaos")).json()
    assert (told["chaos"], told["hasOwnChaos"]) == (CHAOS, False)
    page = (await http.get("/sandbox/chaos")).text
    assert checkout.session_id in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"faults": ["explode"]},
        {"faults": [], "copies": 0},
        {"faults": [], "delayMs": 10**9},
        {"faults": [], "seed": 1.5},
        {"faults": "duplicate"},
        {"faults": [], "sed": 1},
        {},
    ],
)
async def test_faults_that_nobody_knows_are_refused(lab: Lab, wrong: dict[str, object]) -> None:
    answer = await lab.api.http.put("/sandbox/api/chaos", json=wrong)
    assert answer.status_code == 400
    assert answer.json()["errors"]


async def test_deliveries_are_counted_and_those_of_another_checkout_are_not(
    lab: Lab, clock: ManualClock
) -> None:
    _, checkout = await lab.open()
    _, other = await lab.open()
    paid = (await lab.api.http.post(f"/sandbox/pay/{checkout.page_id}/paid", json={})).json()
    assert paid["untried"] == paid["deliveries"]["pending"] > 0
    await lab.deliver_all()
    told = (await lab.api.http.get(f"/sandbox/api/checkouts/{checkout.page_id}")).json()
    assert (told["untried"], set(told["deliveries"])) == (0, {"delivered"})
    told = (await lab.api.http.get(f"/sandbox/api/checkouts/{other.page_id}")).json()
    assert told["deliveries"] == {}


def test_every_fault_and_every_decline_code_has_words() -> None:
    assert set(FAULTS) == set(Fault.__args__)  # type: ignore[attr-defined]
    assert set(EVERYTHING) <= set(FAULTS)
    assert set(DECLINES["stripe"]) == set(STRIPE)
    assert set(DECLINES["razorpay"]) == set(RAZORPAY)
    assert set(DECLINES["phonepe"]) == set(PHONEPE)


@pytest.mark.parametrize("pages", [SANDBOX_PAGES, SHOP_PAGES, MAILBOX_PAGES])
def test_every_template_of_the_sandbox_compiles(pages: Pages) -> None:
    names = pages._templates.list_templates()
    assert {"base.html", "frame.html"} < set(names)
    for name in names:
        pages._templates.get_template(name)
