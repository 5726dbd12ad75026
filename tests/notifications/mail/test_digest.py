"""Mail about leads: once for each hour that brought some, to those who want it alone."""

import asyncio
from datetime import timedelta
from email.message import EmailMessage

import pytest

from service.core.errors import Unavailable
from service.intents import repository as intents
from service.intents.repository import IntentFilter, figures
from service.notifications.mail.operations import digest
from tests.intents.leaving import leave
from tests.notifications.mail.mailing import PEOPLE, Mailing
from tests.notifications.mail.servers import addresses
from tests.support.api import JOBS


async def _run(mailing: Mailing, **body: bool) -> int:
    answer = await mailing.shop.api.call("POST", "/api/jobs/lead-digests", JOBS, json=body)
    assert answer.status_code == 200, answer.text
    count: int = answer.json()["leadDigests"]
    return count


def _the_digest(mailing: Mailing) -> EmailMessage:
    """Return the one digest that each of the merchant's people got, beside the week's summary."""
    taken = [one for one in mailing.server.taken if "leads" in str(one[1]["Subject"])]
    assert addresses(taken) == PEOPLE
    return taken[0][1]


async def _leads(mailing: Mailing, *plans: str) -> list[str]:
    """Leave a lead for each plan, at noon, and let the hour pass; return what is said of mail."""
    left = [await leave(mailing.shop.api, planName=plan) for plan in plans]
    mailing.shop.pass_time(minutes=61)
    return [one["emailMessage"] for one in left]


async def test_an_hours_leads_are_one_mail_to_each_of_the_merchants_people(
    mailing: Mailing,
) -> None:
    await mailing.set_merchant(leadDigest=True)
    assert await _leads(mailing, "Gold", "Gold", "<b>Silver</b>") == ["queued"] * 3
    assert await _run(mailing, dryRun=True) == 2
    assert [await _run(mailing) for _ in range(3)] == [2, 0, 0]
    await mailing.send()
    message = _the_digest(mailing)
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    text = plain.get_content().replace("\xa0", " ")
    assert "3 leads in an hour" in text
    assert "Gold: 2 (USD 59.98 asked for)" in text
    assert "<b>Silver" not in html.get_content()
    assert message["List-Unsubscribe"]


async def test_unless_the_merchant_wants_it_nobody_is_mailed(mailing: Mailing) -> None:
    await mailing.set_merchant()
    assert await _leads(mailing, "Gold") == ["nobody is set to be told of leads"]
    assert await _run(mailing) == 0


async def test_an_hour_without_leads_and_one_that_is_not_over_bring_no_mail(
    mailing: Mailing,
) -> None:
    await mailing.set_merchant(leadDigest=True)
    await leave(mailing.shop.api)
    assert await _run(mailing) == 0
    mailing.shop.pass_time(minutes=60)  # its last moment may still be written
    assert await _run(mailing) == 0
    mailing.shop.pass_time(minutes=1)
    assert await _run(mailing) == 2
    mailing.shop.pass_time(hours=1)
    assert await _run(mailing) == 0


@pytest.mark.parametrize(("hours", "mails"), [(2, 2), (3, 0)])
async def test_where_the_job_was_not_run_the_last_three_hours_are_told_of(
    mailing: Mailing, hours: int, mails: int
) -> None:
    await mailing.set_merchant(leadDigest=True)
    await _leads(mailing, "Gold")
    mailing.shop.pass_time(hours=hours)
    assert await _run(mailing) == mails


async def test_two_at_once_mail_once(mailing: Mailing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if neither knew of the other's mails: their ids follow from the hour."""

    async def none_known(_ids: list[str]) -> set[str]:
        return set()

    await mailing.set_merchant(leadDigest=True)
    await _leads(mailing, "Gold")
    monkeypatch.setattr(digest.repository, "known", none_known)
    await asyncio.gather(_run(mailing), _run(mailing))
    await _run(mailing)
    await mailing.send()
    _the_digest(mailing)


async def test_an_hour_is_added_up_in_parts_none_of_which_takes_long(
    mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of leads a second are more in an hour than one answer can add up in time."""
    real, asked = IntentFilter.query, []

    def noted(wanted: IntentFilter) -> object:
        asked.append(wanted.until - wanted.since)
        return real(wanted)

    monkeypatch.setattr(IntentFilter, "query", noted)
    await mailing.set_merchant(leadDigest=True)
    for plan in ("Gold", "Silver", "Gold"):
        await leave(mailing.shop.api, planName=plan)
        mailing.shop.pass_time(minutes=11)
    mailing.shop.pass_time(minutes=61)
    assert await _run(mailing) == 2
    assert max(asked) == digest.PART
    assert sum(asked, timedelta()) % digest.HOUR == timedelta()
    await mailing.send()
    body = _the_digest(mailing).get_body(("plain",))
    assert body is not None
    text = body.get_content().replace("\xa0", " ")
    assert "3 leads in an hour" in text
    assert text.index("Gold: 2") < text.index("Silver: 1")


@pytest.mark.parametrize("most", [3, 100], ids=["more plans than are told", "control"])
async def test_however_many_plans_leads_name_the_total_and_what_is_told_are_whole(
    mailing: Mailing, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Anybody may name plans: in each part three others come before the one that most want."""
    monkeypatch.setattr(figures, "MOST_GROUPS", most)
    monkeypatch.setattr(figures, "_MOST", [figures._MOST[0], {"$limit": most}])
    monkeypatch.setattr(digest.intents, "MOST_GROUPS", most)
    monkeypatch.setattr(digest, "_MOST_PLANS", 1)
    await mailing.set_merchant(leadDigest=True)
    for part in range(3):
        for plan in ("A", "B", "C") if part == 1 else ():
            for _ in range(2):
                await leave(mailing.shop.api, planName=plan)
        await leave(mailing.shop.api, planName="Gold")
        if part != 1:
            await leave(mailing.shop.api, planName="Gold")
        mailing.shop.pass_time(minutes=11)
    mailing.shop.pass_time(minutes=61)
    assert await _run(mailing) == 2
    await mailing.send()
    body = _the_digest(mailing).get_body(("plain",))
    assert body is not None
    text = body.get_content().replace("\xa0", " ")
    assert "11 leads in an hour" in text
    assert "Gold: 5" in text


@pytest.mark.parametrize("fails", [True, False], ids=["fails", "control"])
async def test_a_merchant_whose_leads_cannot_be_added_up_holds_up_no_other(
    mailing: Mailing, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    real = intents.count

    async def slow(wanted: IntentFilter) -> int:
        if fails and wanted.merchant_id == "aaa":
            raise Unavailable("The database did not answer in time.")
        return await real(wanted)

    monkeypatch.setattr(digest.intents, "count", slow)
    body = {"name": "First", "zone": "UTC", "mailRecipients": PEOPLE, "leadDigest": True}
    answer = await mailing.shop.admin("PUT", "/merchants/aaa", json=body)
    assert answer.status_code in {200, 201}, answer.text
    await mailing.set_merchant(leadDigest=True)
    await _leads(mailing, "Gold")
    done = await mailing.shop.api.call("POST", "/api/jobs/lead-digests", JOBS, json={})
    assert done.status_code == 200, done.text
    assert (done.json()["leadDigests"], done.json()["unknown"]) == (2, int(fails))
