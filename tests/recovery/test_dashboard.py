"""The pages of leads and of who left: what they show, and their buttons."""

from service.core.principal import AccessScope, Kind
from tests.dashboard.pressing import page, press, said, words
from tests.dashboard.signing_in import sign_in
from tests.intents.leaving import leave
from tests.notifications.mail.mailing import CUSTOMER
from tests.recovery.leaving import Leaving
from tests.support.keys import issue_key

HERE = "/dashboard/recovery"


async def test_who_left_is_shown_with_the_next_reminder_and_one_is_sent(leaving: Leaving) -> None:
    session = await leaving.begin(sessionId="s-left")
    await leaving.pass_time(minutes=90)
    await leaving.policy(heldOut=0, quietFrom=13, quietUntil=15)
    await leaving.remind()
    leaving.shop.pass_time(minutes=1)
    http = leaving.shop.api.http
    await sign_in(http)
    text = await page(http, HERE)
    assert CUSTOMER not in text
    assert "basic, s-left" in words(text)
    assert "0 of 0 paid; 1 still wait" in words(text)
    shown = words(await page(http, f"{HERE}/{session['sessionId']}"))
    assert "you have not finished paying" in shown
    assert "The next one is due" in shown
    told = await said(http, HERE, f"{HERE}/send", id="s-left")
    assert "Reminder 1 of s-left goes out." in words(told)
    again = await said(http, HERE, f"{HERE}/send", id="nothing")
    assert "There is no session" in words(again)
    assert len(await leaving.reminders()) == 1


async def test_reminders_are_paused_and_sent_again(leaving: Leaving) -> None:
    http = leaving.shop.api.http
    await sign_in(http)
    for paused, words_of_it in (("yes", "are paused"), ("no", "are sent again")):
        told = await said(http, HERE, f"{HERE}/pause", paused=paused)
        assert f"Reminders {words_of_it}." in words(told)
        policy = (await leaving.shop.admin("GET", "/recovery/policy")).json()["recovery"]
        assert policy["paused"] is (paused == "yes")


async def test_who_may_only_read_has_no_button_and_presses_none(leaving: Leaving) -> None:
    scopes = [AccessScope.RECOVERY_READ, AccessScope.TIMELINES_READ]
    key = await issue_key(leaving.shop.clock, Kind.ADMIN, scopes=scopes)
    http = leaving.shop.api.http
    await sign_in(http, key.key)
    assert "Pause them" not in await page(http, HERE)
    assert (await press(http, HERE, f"{HERE}/pause", paused="yes")).status_code == 403


async def test_leads_are_shown_masked_with_what_became_of_them(leaving: Leaving) -> None:
    name = "<b>Gold</b>"
    left = await leave(leaving.shop.api, planName=name, userEmail=CUSTOMER)
    await leaving.begin(sessionId="s-1", intentId=left["paymentIntentId"])
    await leave(leaving.shop.api, planName="Silver")
    http = leaving.shop.api.http
    await sign_in(http)
    text = await page(http, "/dashboard/leads")
    assert CUSTOMER not in text
    assert name not in text
    shown = words(text)
    assert "2 left, 1 with a session, 0 tried to pay, 0 paid" in shown
    assert "j***@customer.example" in shown
    assert "/dashboard/sessions/s-1" in text
    assert "Silver, 29.99" not in words(await page(http, "/dashboard/leads", plan=name))
