"""The page of mail: what came of each, without addresses, and the button that sends one again."""

from service.core.principal import AccessScope, Kind
from tests.dashboard.pressing import page, press, said, words
from tests.dashboard.signing_in import sign_in
from tests.notifications.mail.mailing import CUSTOMER, Mailing
from tests.support.keys import issue_key

HERE = "/dashboard/mail"


async def test_a_mail_is_shown_masked_with_what_came_of_it_and_sent_again_once(
    mailing: Mailing,
) -> None:
    mailing.server.for_address[CUSTOMER] = "550 5.1.1 <b>No such user</b>"
    await mailing.born()
    await mailing.bought()
    await mailing.settle()
    http = mailing.shop.api.http
    await sign_in(http)
    text = await page(http, HERE, status="refused")
    assert CUSTOMER not in text
    assert "<b>No such user</b>" not in text
    shown = words(text)
    assert "Completed, to j***@customer.example" in shown
    assert "The server knows no such address: 550 5.1.1 <b>No such user</b>." in shown
    assert "None." in words(await page(http, HERE, status="sent"))
    mailing.server.for_address.clear()
    row = await mailing.the_mail()
    form = {"id": row["_id"]}
    told = await said(http, HERE, f"{HERE}/resend", **form)
    assert "The mail to j***@customer.example is sent again." in words(told)
    acts = await mailing.shop.database["audit_log"].find({"action": "mail.resent"}).to_list()
    assert [(act["object"], act["detail"]["was"]) for act in acts] == [
        (f"mail:{row['_id']}", "refused")
    ]
    again = await said(http, HERE, f"{HERE}/resend", **form)
    assert "This mail waits to be sent" in words(again)
    await mailing.send()
    assert len(mailing.server.to(CUSTOMER)) == 1


async def test_who_may_only_read_has_no_button_and_presses_none(mailing: Mailing) -> None:
    await mailing.born()
    await mailing.bought()
    await mailing.settle()
    scopes = [AccessScope.MAIL_READ, AccessScope.TIMELINES_READ]
    key = await issue_key(mailing.shop.clock, Kind.ADMIN, scopes=scopes)
    http = mailing.shop.api.http
    await sign_in(http, key.key)
    assert "Send again" not in await page(http, HERE)
    row = await mailing.the_mail()
    assert (await press(http, HERE, f"{HERE}/resend", id=row["_id"])).status_code == 403
    assert (await mailing.the_mail())["status"] == "sent"
