"""Which events are mailed about, to whom, and what each mail says."""

from datetime import timedelta
from typing import Any

import pytest

from service.outbox.documents import Birth
from service.settings import Settings
from service.storage.database import Database
from tests.notifications.mail.mailing import CUSTOMER, PEOPLE, Mailing, mailing_to
from tests.notifications.mail.servers import Server, addresses
from tests.sessions.asking import token_of
from tests.support.api import ADMIN, PUBLISHABLE
from tests.support.settings import make_settings

ANN, BOB = PEOPLE


def _text(mailing: Mailing, to: str) -> str:
    body = mailing.server.to(to)[-1].get_body(("plain",))
    assert body is not None
    content: str = body.get_content()
    return content.replace("\xa0", " ")


async def _ready(mailing: Mailing, **fields: Any) -> None:
    await mailing.born()
    await mailing.set_merchant(**fields)


async def _refunded(mailing: Mailing) -> dict[str, Any]:
    """Pay, and have a customer's refund requested; return it."""
    session = await mailing.bought()
    await mailing.settle()
    mailing.server.taken.clear()
    (payment,) = await mailing.shop.payments(sessionId=session["sessionId"])
    body = {"paymentId": str(payment["_id"]), "amount": 1000, "reason": "too late"}
    answer = await mailing.shop.api.call("POST", "/api/payment/request-refund", json=body)
    assert answer.status_code == 201, answer.text
    await mailing.settle()
    refund: dict[str, Any] = answer.json()["refund"]
    return refund


async def test_a_requested_refund_is_told_to_the_merchants_people(mailing: Mailing) -> None:
    await _ready(mailing)
    await _refunded(mailing)
    assert addresses(mailing.server.taken) == [ANN, BOB]
    assert "A refund of EUR 10.00 waits for a decision" in _text(mailing, ANN)
    assert "Reason: too late" in _text(mailing, ANN)
    assert "/dashboard/refunds?status=requested" in _text(mailing, ANN)


async def test_a_refund_that_succeeded_is_told_to_the_customer_and_the_merchants_people(
    mailing: Mailing,
) -> None:
    await _ready(mailing)
    refund = await _refunded(mailing)
    mailing.server.taken.clear()
    wanted = {"refundId": refund["refundId"]}
    about = await mailing.shop.database["refunds"].find_one(wanted)
    assert about is not None
    told = {**wanted, "status": "succeeded"}
    await mailing.write("refund.succeeded", session_id=about["sessionId"], **told)
    await mailing.settle()
    assert addresses(mailing.server.taken) == [ANN, BOB, CUSTOMER]
    assert "EUR 10.00 is on its way back to you" in _text(mailing, CUSTOMER)
    # A void, and what a lost dispute paid back, is no refund to anybody.
    for key, change in (("2", {"void": True}), ("3", {"void": False, "byDispute": "dp_1"})):
        await mailing.shop.database["refunds"].update_one(wanted, {"$set": change})
        await mailing.write("refund.succeeded", key, about["sessionId"], **told)
    await mailing.settle()
    assert len(mailing.server.taken) == 3


async def test_a_denied_refund_is_told_to_the_customer_with_the_reason(mailing: Mailing) -> None:
    await _ready(mailing, language="de", zone="Europe/Berlin")
    refund = await _refunded(mailing)
    mailing.server.taken.clear()
    await mailing.shop.database["refunds"].update_one({}, {"$set": {"source": "customer"}})
    body = {"refundId": refund["refundId"], "action": "deny", "adminReason": "Frist vorbei"}
    path = "/api/payment/admin/process-refund"
    answer = await mailing.shop.api.call("POST", path, ADMIN, json=body)
    assert answer.status_code == 200, answer.text
    await mailing.settle()
    assert addresses(mailing.server.taken) == [CUSTOMER]
    text = _text(mailing, CUSTOMER)
    assert "Ihr Antrag auf Erstattung von 10,00 EUR wurde abgelehnt." in text
    assert "Grund: Frist vorbei" in text


async def test_a_payment_that_failed_is_told_where_a_server_opened_the_session(
    mailing: Mailing,
) -> None:
    await _ready(mailing)
    session = await mailing.checkout()
    await mailing.write("session.failed", session_id=session["sessionId"])
    await mailing.settle()
    assert addresses(mailing.server.taken) == [CUSTOMER]
    assert "Your payment of EUR 1,234.50 did not go through" in _text(mailing, CUSTOMER)


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        (None, []),
        ({}, []),
        ({"email": "stranger@elsewhere.example", "email_verified": False}, []),
        ({"email": CUSTOMER, "email_verified": True}, []),
        ({"email": "stranger@elsewhere.example", "email_verified": True}, ["the address"]),
    ],
)
async def test_nobody_can_have_strangers_mailed_by_failing(
    mailing: Mailing, claims: dict[str, Any] | None, told: list[str]
) -> None:
    """Neither a browser nor a user: their token must have the address as a verified one."""
    await _ready(mailing)
    price = {"amount": 700, "currency": "EUR"}
    assert (await mailing.shop.admin("PUT", "/prices/basic", json=price)).status_code == 200
    key = PUBLISHABLE if claims is None else token_of("u", mailing.shop.clock, **claims)
    body = {"userId": "u", "email": "stranger@elsewhere.example", "plan": "basic"}
    path = "/api/checkout-sessions"
    body |= {"provider": "stripe", "currency": "EUR"}
    answer = await mailing.shop.api.call("POST", path, key, json=body)
    assert answer.status_code == 201, answer.text
    sid = answer.json()["session"]["sessionId"]
    await mailing.write("session.failed", session_id=sid)
    await mailing.settle()
    assert addresses(mailing.server.taken) == [body["email"] for _ in told]


@pytest.mark.parametrize(
    ("topic", "told", "said"),
    [
        (
            "alert.opened",
            {"rule": "review_queue", "what": "Reviews wait", "since": "2026-11-21T11:00:00Z"},
            ["Reviews wait", "Since: 21 November 2026, 11:00 (UTC)", "Rule: review_queue"],
        ),
        ("alert.closed", {"rule": "r", "what": "Reviews wait"}, ["This is over: Reviews wait"]),
        (
            "dispute.needs_response",
            {
                "disputeId": "dp_1",
                "paymentId": "0" * 24,
                "amount": 500,
                "currency": "JPY",
                "respondBy": "2026-11-28T00:00:00+00:00",
            },
            ["JPY 500", "Answer by: 28 November 2026, 00:00 (UTC)", "Dispute: dp_1"],
        ),
        (
            "dispute.deadline_near",
            {
                "disputeId": "dp_1",
                "paymentId": "0" * 24,
                "amount": 1234,
                "currency": "KWD",
                "respondBy": "2026-11-22T00:00:00+00:00",
            },
            ["A dispute of KWD 1.234 has no answer yet", "22 November 2026, 00:00 (UTC)"],
        ),
    ],
)
async def test_what_concerns_the_merchant_is_told_to_its_people(
    mailing: Mailing, topic: str, told: dict[str, Any], said: list[str]
) -> None:
    await _ready(mailing)
    await mailing.write(topic, **told)
    await mailing.settle()
    assert addresses(mailing.server.taken) == [ANN, BOB]
    for one in said:
        assert one in _text(mailing, ANN)


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("subscription.past_due", "We could not charge EUR 9.99 to renew basic"),
        ("subscription.inactive", "basic is not active any more"),
    ],
)
async def test_subscriptions_to_come_are_told_to_their_customer(
    mailing: Mailing, topic: str, said: str
) -> None:
    await _ready(mailing)
    session = await mailing.checkout()
    await mailing.write(topic, session_id=session["sessionId"], amount=999, currency="EUR")
    await mailing.settle()
    assert addresses(mailing.server.taken) == [CUSTOMER]
    assert said in _text(mailing, CUSTOMER)


async def test_a_renewal_of_which_no_amount_is_known_names_none(mailing: Mailing) -> None:
    await _ready(mailing)
    session = await mailing.checkout()
    await mailing.write("subscription.past_due", session_id=session["sessionId"], plan="basic")
    await mailing.settle()
    assert "We could not renew basic." in _text(mailing, CUSTOMER)


@pytest.mark.parametrize(("later", "told"), [(True, []), (False, [CUSTOMER])])
async def test_the_end_of_a_subscription_is_not_told_to_who_took_its_session_s_id_anew(
    mailing: Mailing, later: bool, told: list[str]
) -> None:
    await _ready(mailing)
    session = await mailing.checkout()
    row = await mailing.shop.session(session["sessionId"])
    opened_at = row["createdAt"] - timedelta(days=91 if later else 0)
    named = {"session_id": session["sessionId"], "sessionOpenedAt": opened_at.isoformat()}
    await mailing.write("subscription.inactive", **named)
    await mailing.settle()
    assert addresses(mailing.server.taken) == told


@pytest.mark.parametrize(("purged", "told"), [(True, []), (False, [CUSTOMER])])
@pytest.mark.parametrize("topic", ["subscription.past_due", "subscription.inactive"])
async def test_who_was_forgotten_with_their_session_hears_no_more_of_its_subscription(
    mailing: Mailing, topic: str, purged: bool, told: list[str]
) -> None:
    """The subscription goes on, and its renewals are in the ledger (test_reading.py)."""
    await _ready(mailing)
    session = await mailing.checkout()
    if purged:
        await mailing.shop.database["sessions"].delete_one({"sessionId": session["sessionId"]})
    await mailing.write(topic, session_id=session["sessionId"], amount=999, currency="EUR")
    await mailing.settle()
    assert addresses(mailing.server.taken) == told
    assert len(await mailing.mails()) == len(told)


async def test_a_customer_without_an_address_gets_nothing(mailing: Mailing) -> None:
    await _ready(mailing)
    session = await mailing.shop.api.open()
    await mailing.shop.api.told(mailing.shop.stripe_paid(session))
    await mailing.settle()
    assert await mailing.mails() == []


async def test_without_a_mail_server_nobody_is_born_and_no_row_is_made(
    database: Database, clock: Any, server: Server
) -> None:
    settings: Settings = make_settings()
    async with mailing_to(server, settings, database, clock) as mailing:
        await _ready(mailing)
        await mailing.bought()
        await mailing.settle()
        births = await Birth.get_pymongo_collection().distinct("subscriber")
        assert "mail" not in births
        assert await database["deliveries"].count_documents({"subscriber": "mail"}) == 0
        assert await mailing.mails() == []


async def test_what_was_dispatched_when_there_was_a_server_is_closed_without_one(
    mailing: Mailing, database: Database, clock: Any, server: Server
) -> None:
    await _ready(mailing)
    async with mailing_to(server, make_settings(), database, clock) as without:
        await without.bought()
        await without.settle()
        (delivery,) = await database["deliveries"].find({"subscriber": "mail"}).to_list()
        assert delivery["status"] == "done"
    assert await mailing.mails() == []


async def test_lists_and_logs_show_no_address(
    mailing: Mailing, capsys: pytest.CaptureFixture[str]
) -> None:
    mailing.server.for_address[CUSTOMER] = f"550 5.1.1 <{CUSTOMER}> unknown"
    await _ready(mailing)
    await mailing.bought()
    await mailing.settle()
    answer = await mailing.shop.admin("GET", "/mail", params={"status": "refused"})
    (mail,) = answer.json()["mails"]
    assert mail["masked"] == "j***@customer.example"
    assert CUSTOMER not in answer.text
    assert CUSTOMER not in capsys.readouterr().out


async def test_a_mail_is_sent_again_by_a_person_as_a_new_edition(mailing: Mailing) -> None:
    await _ready(mailing)
    await mailing.bought()
    await mailing.shop.api.settle()
    row = await mailing.the_mail()
    path = f"/mail/{row['_id']}/resend"
    answer = await mailing.shop.admin("POST", path)
    assert (answer.status_code, answer.json()["error"]) == (409, "mail_waits")
    await mailing.send()
    assert (await mailing.shop.admin("POST", path)).status_code == 200
    await mailing.send()
    first, second = mailing.server.ids()
    assert first != second
    assert (await mailing.shop.admin("POST", "/mail/ml_nothing/resend")).status_code == 404


async def test_a_bounce_that_is_told_suppresses_until_it_is_lifted(mailing: Mailing) -> None:
    await _ready(mailing)
    body = {"email": ANN.upper(), "says": "mailbox unknown"}
    answer = await mailing.shop.admin("POST", "/mail/suppressions", json=body)
    assert answer.status_code == 201, answer.text
    listed = (await mailing.shop.admin("GET", "/mail/suppressions")).json()["suppressions"]
    assert [(one["masked"], one["reason"]) for one in listed] == [("A***@SHOP.EXAMPLE", "bounced")]
    await mailing.write("alert.opened", what="x", rule="r")
    await mailing.settle()
    assert addresses(mailing.server.taken) == [BOB]
    for expected in (204, 404):
        path = "/mail/suppressions/lift"
        answer = await mailing.shop.admin("POST", path, json={"email": ANN})
        assert answer.status_code == expected, answer.text


async def test_what_is_put_into_a_header_can_not_end_it(mailing: Mailing) -> None:
    """Names and items come from outside; a merchant's document may be older than its checks."""
    await _ready(mailing)
    await mailing.shop.database["merchants"].update_one(
        {}, {"$set": {"name": "Shop\r\nBcc: evil@elsewhere.example\r\n\r\nBody"}}
    )
    session = await mailing.bought()
    evil = "x@y.example\r\nBcc: evil@elsewhere.example"
    await mailing.shop.api.settle()
    await mailing.send()
    (mail,) = mailing.server.to(CUSTOMER)
    assert mail["Bcc"] is None
    assert mail.get_body(("html",)) is not None
    await mailing.shop.database["sessions"].update_one({}, {"$set": {"email": evil}})
    await mailing.write("session.completed", "2", session["sessionId"])
    await mailing.settle()
    (refused,) = await mailing.mails(status="pending")
    assert refused["error"] == "The address can't be written to by mail as it stands."
    assert len(mailing.server.taken) == 1
