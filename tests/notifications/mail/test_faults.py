"""A mail server that is down, puts off, refuses, hangs or breaks off: each is told in words."""

from datetime import timedelta

import pytest

from service.notifications.mail.operations.compose import GIVE_UP_AFTER
from service.notifications.mail.sending import connection, send
from service.notifications.mail.sending.connection import refuses_the_address
from tests.notifications.mail.mailing import CUSTOMER, PEOPLE, Mailing, mailing_to
from tests.notifications.mail.servers import Server
from tests.support.limits import genuine
from tests.support.settings import make_settings

ANN, BOB = PEOPLE
ALERT = {"rule": "review_queue", "what": "Reviews wait", "since": "2026-11-21T11:00:00Z"}


async def _paid(mailing: Mailing) -> None:
    await mailing.born()
    await mailing.bought()
    await mailing.settle()


async def _alerted(mailing: Mailing, key: str = "1") -> None:
    await mailing.born()
    await mailing.set_merchant()
    await mailing.write("alert.opened", key, **ALERT)
    await mailing.settle()


async def test_a_server_that_is_down_is_tried_again_and_gets_the_mail_once_it_is_there(
    database: object, clock: object, server: Server
) -> None:
    settings = make_settings(SMTP_URL="smtp+plain://127.0.0.1:9", MAIL_FROM="a@shop.example")
    async with mailing_to(server, settings, database, clock) as mailing:  # type: ignore[arg-type]
        await _paid(mailing)
        row = await mailing.the_mail()
        assert (row["status"], row["handedOver"]) == ("pending", 0)
        assert row["error"] == (
            "The mail server 127.0.0.1:9 can't be reached (ConnectionRefusedError)."
        )
    settings = make_settings(SMTP_URL=server.url, MAIL_FROM="a@shop.example")
    async with mailing_to(server, settings, database, clock) as mailing:  # type: ignore[arg-type]
        assert await mailing.send() == 0
        mailing.shop.pass_time(minutes=1)
        assert await mailing.send() == 1
        row = await mailing.the_mail()
        assert (row["status"], row["attempts"], row["error"]) == ("sent", 2, None)
    assert len(server.taken) == 1


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
async def test_a_server_that_puts_off_gets_the_mail_later_and_once(
    mailing: Mailing, step: str
) -> None:
    mailing.server.replies[step] = ["451 4.7.1 Greylisted, please try again <joe@customer.example>"]
    await _paid(mailing)
    row = await mailing.the_mail()
    assert (row["status"], row["handedOver"]) == ("pending", 0)
    assert "451 4.7.1 Greylisted, please try again <<address>>" in row["error"]
    assert await mailing.send() == 0
    mailing.shop.pass_time(minutes=2)
    await mailing.settle()
    assert len(mailing.server.to(CUSTOMER)) == 1
    assert (await mailing.the_mail())["status"] == "sent"


async def test_of_two_receivers_of_which_one_is_refused_the_other_gets_the_mail(
    mailing: Mailing,
) -> None:
    mailing.server.for_address[BOB] = "550 5.1.1 No such user"
    await _alerted(mailing)
    to_ann, to_bob = await mailing.mails()
    assert (to_ann["status"], to_bob["status"]) == ("sent", "refused")
    assert to_bob["error"] == "The server knows no such address: 550 5.1.1 No such user."
    assert [to for to, _ in mailing.server.taken] == [ANN]
    # What is no receipt goes to ann alone from now on, and bob's server is not asked.
    mailing.server.for_address.clear()
    await _alerted(mailing, "2")
    assert [to for to, _ in mailing.server.taken] == [ANN, ANN]
    again = await mailing.the_mail(to=BOB, status="suppressed")
    assert again["error"] == "This address gets receipts alone: it is refused."


@pytest.mark.parametrize("refusal", ["550 5.7.1 Blocked by policy", "552 5.2.2 Mailbox full"])
async def test_a_refusal_that_is_not_about_the_address_suppresses_nothing(
    mailing: Mailing, refusal: str
) -> None:
    """The control of the above: only an address that nobody has is left alone."""
    mailing.server.for_address[BOB] = refusal
    await _alerted(mailing)
    assert (await mailing.the_mail(to=BOB))["status"] == "refused"
    mailing.server.for_address.clear()
    await _alerted(mailing, "2")
    assert len(mailing.server.to(BOB)) == 1


async def test_a_receipt_is_tried_whatever_was_refused_before(mailing: Mailing) -> None:
    mailing.server.for_address[CUSTOMER] = "550 5.1.1 No such user"
    await _paid(mailing)
    assert (await mailing.the_mail())["status"] == "refused"
    mailing.server.for_address.clear()
    await mailing.bought(userId="another")
    await mailing.settle()
    assert len(mailing.server.to(CUSTOMER)) == 1


def test_which_refusals_are_about_the_address() -> None:
    assert refuses_the_address(550, "5.1.1 no such user")
    assert refuses_the_address(550, "no such user here")
    assert not refuses_the_address(550, "5.7.1 rejected")
    assert not refuses_the_address(554, "no")


async def test_a_text_that_is_refused_for_good_ends_the_mail_and_no_address(
    mailing: Mailing,
) -> None:
    mailing.server.replies["DATA"] = ["554 5.6.0 Looks like spam"]
    await _alerted(mailing)
    first, second = sorted([row["status"] for row in await mailing.mails()])
    assert (first, second) == ("refused", "sent")
    (refused,) = await mailing.mails(status="refused")
    assert refused["error"] == "The server refuses this mail: 554 5.6.0 Looks like spam."
    assert await mailing.shop.database["mail_suppressions"].count_documents({}) == 0


async def test_a_sender_that_is_refused_is_a_matter_of_settings_and_tried_again(
    mailing: Mailing,
) -> None:
    mailing.server.replies["MAIL"] = ["553 5.7.1 Sender not allowed"]
    await _paid(mailing)
    row = await mailing.the_mail()
    assert row["status"] == "pending"
    assert row["error"] == "The server does not take our sender: 553 5.7.1 Sender not allowed."


@pytest.mark.parametrize("step", ["MAIL", "RCPT"])
async def test_a_server_that_hangs_before_the_text_costs_a_limit_and_no_copy(
    mailing: Mailing, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    mailing.server.hangs_at = step
    monkeypatch.setattr(connection, "ANSWER_WITHIN_S", 0.2)
    await _paid(mailing)
    row = await mailing.the_mail()
    assert (row["status"], row["handedOver"]) == ("pending", 0)
    assert "The mail server broke off (SMTPReadTimeoutError" in row["error"]
    mailing.server.hangs_at = ""
    mailing.shop.pass_time(minutes=2)
    await mailing.settle()
    assert len(mailing.server.taken) == 1


async def test_a_server_that_never_says_whether_it_took_the_text_gets_two_copies_at_most(
    mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailing.server.hangs_at = "DATA"
    monkeypatch.setattr(send, "TAKE_WITHIN_S", 0.2)
    await _paid(mailing)
    for expected in (1, 2, 2):
        row = await mailing.the_mail()
        assert row["handedOver"] == expected
        mailing.shop.pass_time(minutes=10)
        await mailing.settle()
    row = await mailing.the_mail()
    assert row["status"] == "unsure"
    assert row["error"].startswith("It was handed over 2 times without an answer")
    mailing.shop.pass_time(hours=7)
    assert await mailing.send() == 0


async def test_a_line_that_breaks_after_the_text_brings_one_copy_under_the_same_id(
    mailing: Mailing,
) -> None:
    mailing.server.breaks_after_data = 1
    await _paid(mailing)
    assert (await mailing.the_mail())["status"] == "pending"
    mailing.shop.pass_time(minutes=2)
    await mailing.settle()
    assert (await mailing.the_mail())["status"] == "sent"
    first, second = mailing.server.ids()
    assert first == second


async def test_what_never_goes_out_is_given_up_with_the_last_reason(mailing: Mailing) -> None:
    mailing.server.replies["RCPT"] = ["451 4.7.1 Later"] * 99
    await _paid(mailing)
    for _ in range(40):
        mailing.shop.pass_time(hours=6)
        await mailing.settle()
    row = await mailing.the_mail()
    assert (row["status"], row["error"]) == (
        "failed",
        "The server takes it later: 451 4.7.1 Later.",
    )
    assert timedelta(hours=6) * row["attempts"] > GIVE_UP_AFTER
    assert mailing.server.taken == []


async def test_no_sender_is_said_on_the_mail(
    database: object, clock: object, server: Server
) -> None:
    settings = make_settings(SMTP_URL=server.url)
    async with mailing_to(server, settings, database, clock) as mailing:  # type: ignore[arg-type]
        await _paid(mailing)
        row = await mailing.the_mail()
        assert row["status"] == "pending"
        assert row["error"].startswith("Nobody sends it: set MAIL_FROM")
        await mailing.set_merchant(mailSender="billing@shop.example")
        mailing.shop.pass_time(minutes=2)
        await mailing.settle()
    assert str(server.taken[0][1]["From"]) == "The Shop <billing@shop.example>"


def test_limits_of_production() -> None:
    assert genuine(connection, "ANSWER_WITHIN_S") == 30
    assert genuine(send, "TAKE_WITHIN_S") == 120
    assert send.LEASE.total_seconds() > 2 * 120
