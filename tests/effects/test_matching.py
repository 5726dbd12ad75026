"""How an event finds its session, and what it never finds it by."""

from typing import Any

import pytest

from service.core.principal import Kind
from tests.support.events import phonepe_callback, razorpay_event, razorpay_payment
from tests.support.keys import issue_key
from tests.support.shop import Shop

STRANGER: dict[str, Any] = {"client_reference_id": None, "metadata": {}}


async def _status(shop: Shop, session: dict[str, Any]) -> str:
    return str((await shop.session(session["sessionId"]))["status"])


@pytest.mark.parametrize(
    "sent",
    [
        lambda sid: {"metadata": {"checkoutSessionId": sid}},
        lambda sid: {"metadata": {"sessionId": sid}},
        lambda sid: {"client_reference_id": sid},
    ],
    ids=["metadata.checkoutSessionId", "metadata.sessionId", "client_reference_id"],
)
async def test_stripe_sends_our_id_back_in_three_places(shop: Shop, sent: Any) -> None:
    session = await shop.api.open()
    paid = shop.stripe_paid(session, **STRANGER | sent(session["sessionId"]))
    assert (await shop.api.told(paid))["outcome"] == "processed"
    assert await _status(shop, session) == "completed"


@pytest.mark.parametrize("place", ["notes", "receipt", "reference_id"])
async def test_razorpay_sends_our_id_back_in_three_places(shop: Shop, place: str) -> None:
    session = await shop.api.open(paymentMethod="razorpay")
    sid = session["sessionId"]
    payment = razorpay_payment(session, order_id="order_of_their_own", notes=[])
    notes = {"sessionId": sid} if place == "notes" else []
    receipt = sid if place == "receipt" else None
    order = {"id": payment["order_id"], "receipt": receipt, "notes": notes}
    link = {"id": "plink_1", "reference_id": sid if place == "reference_id" else None, "notes": []}
    paid = razorpay_event(
        "payment_link.paid", {"payment": payment, "order": order, "payment_link": link}
    )
    assert (await shop.api.told(paid))["outcome"] == "processed"
    assert await _status(shop, session) == "completed"


async def test_the_reference_documents_own_way_a_session_id_that_is_the_providers(
    shop: Shop,
) -> None:
    order = await shop.api.open(paymentMethod="razorpay", sessionId="order_DESlLckIVRkHWj")
    payment = razorpay_payment(order, order_id="order_DESlLckIVRkHWj", notes=[])
    await shop.api.told(razorpay_event("payment.captured", {"payment": payment}))
    assert await _status(shop, order) == "completed"

    phonepe = await shop.api.open(paymentMethod="phonepe", sessionId="TICKET_1_ABC")
    await shop.api.told(phonepe_callback(phonepe))
    assert await _status(shop, phonepe) == "completed"


async def test_our_checkout_goes_before_what_was_sent_along(shop: Shop) -> None:
    ours = await shop.api.open(providerSessionId="cs_test_ours")
    other = await shop.api.open()
    paid = shop.stripe_paid(other, id="cs_test_ours")  # names the other in its metadata
    await shop.api.told(paid)
    assert await _status(shop, ours) == "completed"
    assert await _status(shop, other) == "pending"


async def test_what_was_sent_along_goes_before_an_id_that_only_looks_like_it(shop: Shop) -> None:
    like_it = await shop.api.open(sessionId="cs_test_own_id")
    named = await shop.api.open()
    await shop.api.told(shop.stripe_paid(named, id="cs_test_own_id"))
    assert await _status(shop, named) == "completed"
    assert await _status(shop, like_it) == "pending"


async def test_ids_that_were_sent_along_are_tried_in_order(shop: Shop) -> None:
    first, second, third = [await shop.api.open() for _ in range(3)]
    sent = {
        "metadata": {"checkoutSessionId": first["sessionId"], "sessionId": second["sessionId"]},
        "client_reference_id": third["sessionId"],
    }
    await shop.api.told(shop.stripe_paid(first, id="cs_test_any", **sent))
    assert [await _status(shop, one) for one in (first, second, third)] == [
        "completed",
        "pending",
        "pending",
    ]


async def test_an_unknown_id_in_front_does_not_hide_a_known_one(shop: Shop) -> None:
    session = await shop.api.open()
    sent = {"metadata": {"checkoutSessionId": "gone"}, "client_reference_id": session["sessionId"]}
    await shop.api.told(shop.stripe_paid(session, **sent))
    assert await _status(shop, session) == "completed"


async def test_another_providers_event_is_parked_and_completes_nothing(shop: Shop) -> None:
    session = await shop.api.open(paymentMethod="razorpay")
    assert (await shop.api.told(shop.stripe_paid(session)))["outcome"] == "parked"
    assert await _status(shop, session) == "pending"
    [payment] = await shop.payments()
    assert (payment["provider"], payment["sessionId"]) == ("stripe", None)


@pytest.mark.parametrize("value", ["pi_from_metadata", "cs_test_from_metadata"])
async def test_a_sessions_free_metadata_never_matches(shop: Shop, value: str) -> None:
    session = await shop.api.open(metadata={"orderId": value, "sessionId": value})
    paid = shop.stripe_paid(
        session, **STRANGER | {"id": "cs_test_from_metadata", "payment_intent": "pi_from_metadata"}
    )
    assert (await shop.api.told(paid))["outcome"] == "parked"
    assert await _status(shop, session) == "pending"


async def test_the_merchant_is_told_by_what_was_sent_along(shop: Shop) -> None:
    issued = await issue_key(shop.clock, Kind.SECRET, merchant_id="another")
    await shop.api.open(issued.key, sessionId="shared-id")
    await shop.api.open(sessionId="shared-id")
    paid = shop.stripe_paid(
        {"sessionId": "shared-id", "amount": 1000, "currency": "INR"},
        metadata={"sessionId": "shared-id", "merchantId": "another"},
    )
    assert (await shop.api.told(paid))["outcome"] == "processed"
    rows = await shop.database["sessions"].find().sort("merchantId", 1).to_list()
    assert [(row["merchantId"], row["status"]) for row in rows] == [
        ("another", "completed"),
        ("default", "pending"),
    ]
    [payment] = await shop.payments()
    assert payment["merchantId"] == "another"


async def test_another_merchants_session_is_not_found(shop: Shop) -> None:
    issued = await issue_key(shop.clock, Kind.SECRET, merchant_id="another")
    session = await shop.api.open(issued.key, providerSessionId="cs_test_theirs")
    paid = shop.stripe_paid(session, id="cs_test_theirs")
    assert (await shop.api.told(paid))["outcome"] == "parked"
    assert await _status(shop, session) == "pending"


async def test_an_attempts_id_at_phonepe_leads_to_its_session(shop: Shop) -> None:
    session = await shop.api.open(paymentMethod="phonepe")
    attempt = f"{session['sessionId']}-2"
    await shop.database["sessions"].update_one(
        {"sessionId": session["sessionId"]},
        {
            "$push": {
                "checkouts": {"ref": attempt, "n": 2, "openedAt": shop.clock.now()},
                "checkoutIds": attempt,
            }
        },
    )
    await shop.api.told(phonepe_callback(session, merchantTransactionId=attempt))
    assert await _status(shop, session) == "completed"
