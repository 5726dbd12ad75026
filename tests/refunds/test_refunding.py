"""A refund from who asks for it to the provider's books."""

from typing import Any

import pytest

from tests.refunds.money import LIMIT, Money, made, refused
from tests.support.api import ADMIN, SECRET


async def test_a_refund_at_once_is_answered_with_what_became_of_it(money: Money) -> None:
    payment = await money.paid()
    refund = made(await money.refund(payment, amount=400))
    assert (refund["status"], refund["amount"], refund["currency"]) == ("succeeded", 400, "INR")
    assert refund["providerPaymentId"] == payment
    assert refund["providerRefundId"] in money.books.made
    assert refund["paymentId"] == str((await money.payment(payment))["_id"])
    assert await money.sums(payment) == (400, 0)
    rest = made(await money.refund(refund["paymentId"]))
    assert rest["amount"] == 600
    assert money.books.moved(payment) == 1000
    await money.shop.api.settle()
    assert money.books.asked() == 2
    moves = [move["to"] for move in (await money.refunds())[0]["history"]]
    assert moves == ["requested", "approved", "processing", "succeeded"]
    await money.agrees()


async def test_a_customer_asks_and_a_merchant_approves_a_part(money: Money) -> None:
    payment = await money.paid()
    asked = made(await money.request(paymentId=payment, amount=800))
    assert (asked["status"], asked["source"]) == ("requested", "customer")
    assert await money.sums(payment) == (0, 0)
    assert money.books.asked() == 0
    approved = made(
        await money.process(asked["refundId"], "approve", amount=500, adminReason="half"), 200
    )
    assert (approved["status"], approved["amount"]) == ("succeeded", 500)
    assert approved["adminReason"] == "half"
    assert money.books.moved(payment) == 500
    assert await money.sums(payment) == (500, 0)
    await money.agrees()


async def test_a_customer_asks_by_the_session_and_is_denied(money: Money) -> None:
    payment = await money.paid()
    asked = made(await money.request(sessionId=payment.removeprefix("pi_")))
    denied = made(await money.process(asked["refundId"], "deny", adminReason="too late"), 200)
    assert (denied["status"], denied["adminReason"]) == ("denied", "too late")
    assert await money.sums(payment) == (0, 0)
    again = await money.process(asked["refundId"], "approve")
    assert refused(again) == (409, "refund_already_decided")
    assert money.books.asked() == 0
    made(await money.request(paymentId=payment))  # a denial is no end: they may ask again


async def test_requests_may_stand_side_by_side_while_their_sums_fit(money: Money) -> None:
    payment = await money.paid()
    made(await money.request(paymentId=payment, amount=600))
    made(await money.request(paymentId=payment, amount=400))
    third = await money.request(paymentId=payment, amount=1)
    assert refused(third) == (409, "refund_already_requested")
    assert len(await money.refunds()) == 2


async def test_the_button_pressed_twice_with_one_key_is_one_refund(money: Money) -> None:
    payment, once = await money.paid(), {"Idempotency-Key": "a-refund-of-this-order"}
    first = await money.refund(payment, amount=300, headers=once)
    second = await money.refund(payment, amount=300, headers=once)
    assert made(first) == made(second)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert money.books.moved(payment) == 300
    # Control: without the key it is another refund.
    made(await money.refund(payment, amount=300))
    assert money.books.moved(payment) == 600


async def test_beyond_the_limit_another_key_approves(money: Money) -> None:
    payment = await money.paid(LIMIT * 2)
    asked = made(await money.refund(payment, SECRET, amount=LIMIT + 1))
    assert (asked["status"], asked["source"]) == ("requested", "merchant")
    own = await money.process(asked["refundId"], "approve", SECRET)
    assert refused(own) == (403, "own_request")
    assert money.books.asked() == 0
    done = made(await money.process(asked["refundId"], "approve", ADMIN), 200)
    assert (done["status"], money.books.moved(payment)) == ("succeeded", LIMIT + 1)


async def test_a_call_that_died_before_its_answer_was_kept_finds_what_it_has_written(
    money: Money,
) -> None:
    payment, once = await money.paid(), {"headers": {"Idempotency-Key": "a-refund-of-this-order"}}
    first = made(await money.refund(payment, amount=300, **once))
    await money.shop.database["idempotency_keys"].delete_many({})
    assert made(await money.refund(payment, amount=300, **once))["refundId"] == first["refundId"]
    assert (money.books.moved(payment), len(await money.refunds())) == (300, 1)
    headers = {"Idempotency-Key": "a-request-of-this-order"}
    body = {"paymentId": payment, "amount": 700, "reason": "I can't come"}
    asked = []
    for _ in range(2):
        answer = await money.shop.api.call(
            "POST", "/api/payment/request-refund", SECRET, json=body, headers=headers
        )
        asked.append(made(answer)["refundId"])
        await money.shop.database["idempotency_keys"].delete_many({})
    assert asked[0] == asked[1]
    # Control: another call is another request, and nothing is left for it.
    assert refused(await money.request(paymentId=payment, amount=1))[0] == 409


async def test_beyond_the_limit_nothing_is_requested_that_could_not_be_made(money: Money) -> None:
    payment, by_hand = await money.paid(LIMIT * 2), await money.by_hand(LIMIT * 2)
    payments = money.shop.database["payments"]
    await payments.update_one({"providerPaymentId": payment}, {"$set": {"live": True}})
    other = await money.refund(payment, amount=LIMIT + 1)
    assert refused(other) == (409, "refund_not_offered")
    sent = await money.refund(by_hand, amount=LIMIT + 1, bankReference="UTR 1")
    assert refused(sent) == (400, "invalid_request")
    assert await money.refunds() == []
    # Control: in the mode of our keys, and without a transfer that nobody has approved.
    await payments.update_one({"providerPaymentId": payment}, {"$set": {"live": False}})
    for one in (payment, by_hand):
        assert made(await money.refund(one, amount=LIMIT + 1))["status"] == "requested"


async def test_many_small_refunds_are_no_way_around_the_limit(money: Money) -> None:
    payment = await money.paid(LIMIT * 2)
    assert made(await money.refund(payment, amount=LIMIT))["status"] == "succeeded"
    asked = made(await money.refund(payment, amount=1))
    assert asked["status"] == "requested"
    assert refused(await money.process(asked["refundId"], "approve", SECRET))[0] == 403
    # Control: the same of another payment is within it.
    assert made(await money.refund(await money.paid(), amount=1))["status"] == "succeeded"


async def test_a_key_s_own_request_as_a_customer_is_no_way_around_it_either(money: Money) -> None:
    payment = await money.paid(LIMIT * 2)
    asked = made(await money.request(SECRET, paymentId=payment))
    own = await money.process(asked["refundId"], "approve", SECRET)
    assert refused(own) == (403, "own_request")
    smaller = await money.process(asked["refundId"], "approve", SECRET, amount=LIMIT)
    assert made(smaller, 200)["status"] == "succeeded"


async def test_what_was_paid_by_hand_goes_back_by_hand_with_a_bank_reference(money: Money) -> None:
    payment = await money.by_hand()
    without = await money.refund(payment, amount=400)
    assert refused(without) == (400, "invalid_request")
    assert "bankReference" in without.json()["detail"]
    assert await money.refunds() == []
    done = made(await money.refund(payment, amount=400, bankReference="UTR 1"))
    assert (done["status"], done["bankReference"]) == ("succeeded", "UTR 1")
    assert await money.sums(payment) == (400, 0)
    row = await money.the_refund()
    assert row["eventId"] == f"hand:refund:{done['refundId']}"
    again = await money.refund(payment, amount=400, bankReference="UTR 1")
    assert refused(again) == (409, "bank_reference_used")
    (entry,) = (
        await money.shop.database["audit_log"]
        .find({"object": f"refund:{done['refundId']}"})
        .to_list()
    )
    assert entry["action"] == "refund.made_by_hand"
    assert entry["detail"]["bankReference"] == "UTR 1"
    assert await money.shop.messages("provider.refund") == []
    await money.agrees()


async def test_an_approval_by_hand_asks_for_the_reference_and_others_refuse_one(
    money: Money,
) -> None:
    by_hand, by_stripe = await money.by_hand(), await money.paid()
    asked = made(await money.request(paymentId=by_hand))
    lacks = await money.process(asked["refundId"], "approve")
    assert refused(lacks) == (400, "invalid_request")
    done = made(await money.process(asked["refundId"], "approve", bankReference="UTR 2"), 200)
    assert done["status"] == "succeeded"
    other = await money.refund(by_stripe, bankReference="UTR 3")
    assert refused(other) == (400, "invalid_request")
    assert money.books.asked() == 0


@pytest.mark.parametrize(
    ("query", "found"),
    [({}, 3), ({"status": "requested"}, 1), ({"userId": "user_123"}, 3), ({"userId": "b"}, 0)],
)
async def test_refunds_are_listed_newest_first(
    money: Money, query: dict[str, str], found: int
) -> None:
    payment = await money.paid()
    for amount in (100, 200):
        made(await money.refund(payment, amount=amount))
        money.shop.pass_time(seconds=1)
    made(await money.request(paymentId=payment, amount=300))
    answer = await money.shop.api.call("GET", "/api/refunds", params=query)
    assert answer.status_code == 200, answer.text
    amounts = [one["amount"] for one in answer.json()["refunds"]]
    assert len(amounts) == found
    assert amounts == sorted(amounts, reverse=True)


async def test_a_list_goes_on_by_its_cursor_and_a_refund_is_read_by_either_id(
    money: Money,
) -> None:
    payment = await money.paid()
    ids = [made(await money.refund(payment, amount=n))["refundId"] for n in (1, 2, 3)]
    seen, query = [], {"paymentId": payment, "limit": 2}
    while True:
        page: dict[str, Any] = (
            await money.shop.api.call("GET", "/api/refunds", params=query)
        ).json()
        seen += [one["refundId"] for one in page["refunds"]]
        if page["nextCursor"] is None:
            break
        query["cursor"] = page["nextCursor"]
    assert sorted(seen) == sorted(ids)
    for row in await money.refunds():
        for named in (row["refundId"], row["providerRefundId"]):
            answer = await money.shop.api.call("GET", f"/api/refunds/{named}")
            assert answer.json()["refund"]["refundId"] == row["refundId"]
    nobody = await money.shop.api.call("GET", "/api/refunds/rf-0")
    assert refused(nobody) == (404, "refund_not_found")
