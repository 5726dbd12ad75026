"""The link by which an address ends whatever is no receipt: who can make one, and what it does."""

import re
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest
from httpx import Response
from msgspec.structs import replace

from service.core.peppers import Pepper
from service.notifications.mail.operations.unsubscribe import link, read_link, unsubscribe
from service.notifications.mail.sending.send import send_due
from tests.notifications.mail.mailing import CUSTOMER, PEOPLE, Mailing

ANN, BOB = PEOPLE


async def _alert(mailing: Mailing, key: str) -> None:
    await mailing.write("alert.opened", key, rule="review_queue", what="Reviews wait")
    await mailing.settle()


async def _link_to(mailing: Mailing, address: str) -> str:
    await mailing.born()
    await mailing.set_merchant()
    await _alert(mailing, "1")
    (mail,) = mailing.server.to(address)
    return _link_in(mail)


def _link_in(mail: EmailMessage) -> str:
    found = urlsplit(str(mail["List-Unsubscribe"]).strip("<>"))
    assert found.path == "/mail/unsubscribe"
    return f"{found.path}?{found.query}"


async def _follow(mailing: Mailing, method: str, path: str, **options: object) -> Response:
    return await mailing.shop.api.call(method, path, None, **options)


async def test_one_click_of_a_mail_program_ends_mails_to_that_address_and_no_other(
    mailing: Mailing,
) -> None:
    path = await _link_to(mailing, ANN)
    form = {"List-Unsubscribe": "One-Click"}
    answer = await _follow(mailing, "POST", path, data=form)
    assert answer.status_code == 200
    assert "a***@shop.example" in answer.text
    assert ANN not in answer.text
    await _alert(mailing, "2")
    assert (len(mailing.server.to(ANN)), len(mailing.server.to(BOB))) == (1, 2)
    again = await mailing.the_mail(to=ANN, status="suppressed")
    assert again["error"] == "This address gets receipts alone: it is unsubscribed."
    kept = await mailing.shop.database["mail_suppressions"].find_one({})
    assert kept is not None
    assert ANN not in str(kept)
    assert kept["purgeAt"] is None


async def test_following_the_link_shows_a_button_and_changes_nothing(mailing: Mailing) -> None:
    """Scanners of mail follow links."""
    path = await _link_to(mailing, ANN)
    answer = await _follow(mailing, "GET", path)
    assert answer.status_code == 200
    assert re.search(r"<form method=\"post\">\s*<button", answer.text)
    await _alert(mailing, "2")
    assert len(mailing.server.to(ANN)) == 2


async def test_pressed_twice_it_is_one_act(mailing: Mailing) -> None:
    path = await _link_to(mailing, ANN)
    for _ in range(2):
        assert (await _follow(mailing, "POST", path)).status_code == 200
    found = await mailing.shop.database["audit_log"].find({"action": "mail.unsubscribed"}).to_list()
    assert [(one["actor"], one["merchantId"]) for one in found] == [
        ("user:a***@shop.example", "default")
    ]


@pytest.mark.parametrize("change", [(3, "A"), (-1, "x"), (-1, "")])
async def test_a_link_that_was_changed_does_nothing(
    mailing: Mailing, change: tuple[int, str]
) -> None:
    path = await _link_to(mailing, ANN)
    base, _, token = path.partition("t=")
    at, sign = change
    token = token[:at] + (sign if token[at] != sign else "B") + (token[at:][1:] if at > 0 else "")
    for method in ("GET", "POST"):
        assert (await _follow(mailing, method, f"{base}t={token}")).status_code == 400
    assert await mailing.shop.database["mail_suppressions"].count_documents({}) == 0


@pytest.mark.parametrize("token", ["", ".", "a.b", "%00", "é", "x" * 900, "e30.", ".e30"])
async def test_what_is_no_link_is_told_so_on_a_page(mailing: Mailing, token: str) -> None:
    answer = await _follow(mailing, "POST", "/mail/unsubscribe", params={"t": token})
    assert answer.status_code == 400
    assert "This link can&#39;t be used" in answer.text


async def test_a_wish_outlives_the_pepper_that_it_was_kept_under(mailing: Mailing) -> None:
    await mailing.born()
    await mailing.set_merchant()
    old, new = mailing.services.peppers[0], Pepper("new", "another-pepper-of-enough-characters")
    path = link("default", ANN, mailing.services)
    both = replace(mailing.services, peppers=[new, old])
    assert read_link(path.partition("t=")[2], both).masked == "a***@shop.example"
    await unsubscribe(read_link(path.partition("t=")[2], both), both, None)
    for key, services in (("1", both), ("2", replace(both, peppers=[new]))):
        await mailing.write("alert.opened", key, rule="r", what="Reviews wait")
        await mailing.shop.api.settle()
        await send_due(services)
    assert (len(mailing.server.to(ANN)), len(mailing.server.to(BOB))) == (0, 2)


async def test_a_receipt_has_no_such_link_and_goes_out_all_the_same(mailing: Mailing) -> None:
    await mailing.born()
    path = link("default", CUSTOMER, mailing.services)
    await _follow(mailing, "POST", "/mail/unsubscribe" + path.partition("unsubscribe")[2])
    await mailing.bought()
    await mailing.settle()
    (mail,) = mailing.server.to(CUSTOMER)
    assert mail["List-Unsubscribe"] is None
    assert mail["List-Unsubscribe-Post"] is None


async def test_the_headers_of_one_click_stand_in_one_line_each(mailing: Mailing) -> None:
    await _link_to(mailing, ANN)
    (mail,) = mailing.server.to(ANN)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "\n" not in str(mail["List-Unsubscribe"])
    assert mail["Auto-Submitted"] == "auto-generated"
