"""What a browser chooses or writes leads no payment of somebody else to its session."""

from typing import Any

import pytest

from service.core.principal import Kind
from service.effects import matching
from service.sessions.operations.opening import open_session
from service.storage.database import Row
from tests.sessions.asking import problem, put_price, token_of
from tests.support.api import PUBLISHABLE, SECRET
from tests.support.events import Delivery, razorpay_event, razorpay_payment, stripe_checkout
from tests.support.keys import issue_key
from tests.support.shop import Shop

ORDER, PAYMENT, INTENT = "order_DESlLckIVRkHWj", "pay_DESlfW9H8K9uqM", "pi_3MtwBwLkdIwHu7ix28a3tqPa"
SHAPED = [ORDER, PAYMENT, "plink_Qb2gHrKr01Maky", INTENT, "ch_3MtwBwLkdIwHu7ix28a3tqPa"]
SHAPED += ["in_1MtHbELkdIwHu7ixl4OzzPMv", "sub_1MowQVLkdIwHu7ixeRlqHVzs"]
SHAPED += ["cs_test_a1Dc0de5Session0f8c", "OMO2403282020198641071317", "T2403282020198641071317"]


async def _browsers(shop: Shop, session_id: str, key: str = PUBLISHABLE, **more: Any) -> Any:
    body = {"sessionId": session_id, "userId": "user_123", "eventId": "event_456"}
    body |= {"currency": "INR", "paymentMethod": "stripe"}
    return await shop.api.call("POST", "/api/payment-sessions", key, json=body | more)


async def _status(shop: Shop, session_id: str) -> str:
    return str((await shop.session(session_id))["status"])


def _captured(session: dict[str, Any], order_id: str, **payment: Any) -> Delivery:
    entity = razorpay_payment(session, id=PAYMENT, order_id=order_id, **payment)
    return razorpay_event("payment.captured", {"payment": entity})


async def test_only_a_server_names_its_session_like_a_providers_id(shop: Shop) -> None:
    await put_price(shop.api, "event_456", 1000, "INR")
    for session_id in SHAPED:
        for key in (PUBLISHABLE, token_of("user_123", shop.clock)):
            refused = problem(await _browsers(shop, session_id, key), 400, "invalid_request")
            assert "shaped like a provider's own id" in refused["detail"]
        assert (await _browsers(shop, session_id, SECRET)).status_code == 201
    for session_id in ("order_1042", "pi_1", "cs_mine", "sub_basic", "in_2026_11"):
        assert (await _browsers(shop, session_id)).status_code == 201


# As a version before took them in, or a provider may write them tomorrow.
@pytest.fixture
def any_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_session, "looks_like_a_providers", lambda _: False)


def _stripe(shop: Shop, victim: dict[str, Any]) -> Delivery:
    found = stripe_checkout(
        victim, id="cs_test_1", payment_intent=INTENT, metadata={}, client_reference_id=None
    )
    return shop.stripe("checkout.session.completed", found)


MEETINGS: list[tuple[str, str, str]] = [
    ("stripe", INTENT, "cs_test_1"),
    ("razorpay", ORDER, ORDER),
    ("razorpay", PAYMENT, ORDER),
]


@pytest.mark.usefixtures("any_shape")
@pytest.mark.parametrize("known", [True, False], ids=["a session's", "nobody's"])
@pytest.mark.parametrize(("provider", "chosen", "ref"), MEETINGS)
async def test_a_browsers_session_of_that_name_is_not_completed_by_anothers_payment(
    shop: Shop, provider: str, chosen: str, ref: str, *, known: bool
) -> None:
    await put_price(shop.api, "event_456", 1000, "INR")
    victim = {"sessionId": "victim", "amount": 1000, "currency": "INR"}
    if known:
        await shop.api.open(sessionId="victim", paymentMethod=provider, providerSessionId=ref)
    assert (await _browsers(shop, chosen, paymentMethod=provider)).status_code == 201
    paid = _stripe(shop, victim) if provider == "stripe" else _captured(victim, ORDER, notes=[])
    told = await shop.api.told(paid)
    assert told["outcome"] == ("processed" if known else "parked")
    assert await _status(shop, chosen) == "pending"
    if known:
        assert await _status(shop, "victim") == "completed"


@pytest.mark.usefixtures("any_shape")
async def test_a_user_is_as_good_an_owner_as_a_server_and_no_better_a_witness(shop: Shop) -> None:
    await put_price(shop.api, "event_456", 1000, "INR")
    user = token_of("user_123", shop.clock)
    assert (await _browsers(shop, ORDER, user, paymentMethod="razorpay")).status_code == 201
    assert (await shop.session(ORDER))["owner"] == "trusted"
    paid = {"sessionId": "victim", "amount": 1000, "currency": "INR"}
    assert (await shop.api.told(_captured(paid, ORDER, notes=[])))["outcome"] == "parked"
    assert await _status(shop, ORDER) == "pending"


@pytest.mark.usefixtures("any_shape")
async def test_control_were_it_a_servers_the_payment_would_complete_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "opened_by_a_server", lambda _: True)
    await put_price(shop.api, "event_456", 1000, "INR")
    await _browsers(shop, ORDER, paymentMethod="razorpay")
    paid = {"sessionId": "victim", "amount": 1000, "currency": "INR"}
    assert (await shop.api.told(_captured(paid, ORDER, notes=[])))["outcome"] == "processed"
    assert await _status(shop, ORDER) == "completed"


async def test_notes_of_a_payment_neither_match_nor_hide_it(shop: Shop) -> None:
    """Checkout.js lets whoever sits before the browser write them."""
    victim = await shop.api.open(paymentMethod="razorpay", providerSessionId=ORDER)
    attacker = await shop.api.open(paymentMethod="razorpay")
    notes = {"sessionId": attacker["sessionId"], "merchantId": "nobody"}
    assert (await shop.api.told(_captured(victim, ORDER, notes=notes)))["outcome"] == "processed"
    assert await _status(shop, victim["sessionId"]) == "completed"
    assert await _status(shop, attacker["sessionId"]) == "pending"
    [row] = (await shop.admin("GET", "/webhook-events")).json()["events"]
    assert (row["sessionId"], row["status"]) == (victim["sessionId"], "processed")

    nobodys = razorpay_payment(victim, id="pay_2", order_id="order_2", notes=notes)
    parked = razorpay_event("payment.captured", {"payment": nobodys})
    assert (await shop.api.told(parked))["outcome"] == "parked"
    listed = (await shop.admin("GET", "/webhook-events?status=parked")).json()["events"]
    assert len(listed) == 1
    assert await _status(shop, attacker["sessionId"]) == "pending"


async def _of_two_merchants(shop: Shop, *, n: int) -> tuple[Row, Row]:
    """Pay an order of another merchant at one account; a browser's notes say that it is ours."""
    issued = await issue_key(shop.clock, Kind.SECRET, merchant_id="another")
    ours = await shop.api.open(sessionId="ours", paymentMethod="razorpay")
    theirs = await shop.api.open(
        issued.key, sessionId="theirs", paymentMethod="razorpay", providerSessionId=ORDER
    )
    await shop.database["sessions"].update_one(
        {"sessionId": "theirs"}, {"$set": {"checkouts.0.n": n, "checkouts.0.attemptId": "x"}}
    )
    notes = {"sessionId": ours["sessionId"], "merchantId": "default"}
    await shop.api.told(_captured(theirs, ORDER, notes=notes))
    [payment] = await shop.payments()
    return await shop.session("theirs"), payment


async def test_a_checkout_that_we_opened_tells_whose_it_is_of_two_merchants(shop: Shop) -> None:
    theirs, payment = await _of_two_merchants(shop, n=1)
    assert theirs["status"] == "completed"
    assert (payment["merchantId"], payment["sessionId"]) == ("another", "theirs")
    assert await _status(shop, "ours") == "pending"
    [row] = await shop.events()
    assert (row["merchantId"], row["status"]) == ("another", "processed")


async def test_control_one_that_a_server_only_named_does_not(shop: Shop) -> None:
    theirs, payment = await _of_two_merchants(shop, n=0)
    assert (theirs["status"], payment["sessionId"]) == ("pending", None)


async def test_a_merchant_that_a_server_has_sent_along_is_believed_before_a_checkout(
    shop: Shop,
) -> None:
    issued = await issue_key(shop.clock, Kind.SECRET, merchant_id="another")
    theirs = await shop.api.open(issued.key, sessionId="theirs", paymentMethod="razorpay")
    ours = {"n": 1, "ref": ORDER, "attemptId": "x", "openedAt": shop.clock.now()}
    opened = {"$set": {"checkouts": [ours], "checkoutIds": [ORDER]}}
    await shop.database["sessions"].update_one({"sessionId": "theirs"}, opened)
    payment = razorpay_payment(theirs, id=PAYMENT, order_id=ORDER, notes=[])
    order = {"id": ORDER, "receipt": None, "notes": {"merchantId": "default"}}
    paid = razorpay_event("order.paid", {"payment": payment, "order": order})
    assert (await shop.api.told(paid))["outcome"] == "parked"
    assert await _status(shop, "theirs") == "pending"


@pytest.mark.parametrize("by_link", [True, False])
async def test_what_stands_in_the_address_of_a_payment_link_is_a_browsers_word(
    shop: Shop, *, by_link: bool
) -> None:
    session = await shop.api.open()
    link = "plink_1MoC3ULkdIwHu7ix" if by_link else None
    paid = shop.stripe_paid(session, metadata={}, payment_link=link)
    outcome = (await shop.api.told(paid))["outcome"]
    assert outcome == ("parked" if by_link else "processed")  # the second is the control
    assert await _status(shop, session["sessionId"]) == ("pending" if by_link else "completed")
