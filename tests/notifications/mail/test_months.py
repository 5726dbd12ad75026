"""A closed month: its people hear of it once, with what it came to; of an empty one nobody does."""

from email.message import EmailMessage

from tests.analytics.test_now import roll_up
from tests.bookkeeping.books import post
from tests.conftest import NOON
from tests.notifications.mail.mailing import PEOPLE, Mailing
from tests.notifications.mail.servers import addresses
from tests.reports.months import at, close, moment, monthly
from tests.support.shop import Shop


async def _sold_in_november(mailing: Mailing) -> Shop:
    """Sell something on the 21st, whatever another test has left the clock at."""
    shop = mailing.shop
    await at(shop, NOON)
    await mailing.born()
    await mailing.set_merchant()
    await mailing.bought()
    await mailing.settle()
    await post(shop)
    await roll_up(shop)
    mailing.server.taken.clear()
    return shop


async def test_a_closed_month_is_mailed_once_to_each_of_the_merchants_people(
    mailing: Mailing,
) -> None:
    shop = await _sold_in_november(mailing)
    await at(shop, moment(2026, 12, 4))
    for _ in range(2):
        await close(shop)
        await mailing.settle()
    taken = _reports(mailing)
    assert addresses(taken) == PEOPLE
    message = taken[0][1]
    assert message["Subject"] == "The Shop: report from 1 November 2026 to 30 November 2026"
    body = message.get_body(("plain",))
    assert body is not None
    text = body.get_content().replace("\xa0", " ")
    assert "EUR: revenue: EUR 1,234.50 (1)" in text
    assert (await monthly(shop, "2026-11", "EUR"))["hash"] in text
    mailing.server.taken.clear()
    await at(shop, moment(2027, 1, 4))
    assert (await close(shop))["closed"] == 1
    await mailing.settle()
    assert _reports(mailing) == []


async def test_months_of_long_ago_are_closed_and_not_mailed(mailing: Mailing) -> None:
    shop = await _sold_in_november(mailing)
    await at(shop, moment(2027, 3, 4))
    assert (await close(shop))["closed"] == 4
    await mailing.settle()
    assert _reports(mailing) == []


def _reports(mailing: Mailing) -> list[tuple[str, EmailMessage]]:
    """Return the mails about months; the same job has weeks be mailed about, too."""
    return [one for one in mailing.server.taken if "report from" in str(one[1]["Subject"])]
