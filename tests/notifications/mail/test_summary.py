"""The week's mail: once for each week and address, with what the figures say of it."""

from tests.analytics.test_now import asked, roll_up
from tests.conftest import NOON
from tests.notifications.mail.mailing import PEOPLE, Mailing
from tests.notifications.mail.servers import addresses
from tests.reports.months import at, close, moment


async def test_a_week_is_mailed_once_to_each_of_the_merchants_people(mailing: Mailing) -> None:
    shop = mailing.shop
    await at(shop, NOON)
    await mailing.born()
    await mailing.set_merchant(language="de")
    for n in range(3):
        await mailing.bought(userId=f"user_{n}")
    await mailing.checkout(userId="user_3")
    await mailing.settle()
    await roll_up(shop)
    mailing.server.taken.clear()
    await at(shop, moment(2026, 11, 23, 8))
    for _ in range(2):
        await close(shop)
        await mailing.settle()
    assert addresses(mailing.server.taken) == PEOPLE
    message = mailing.server.taken[0][1]
    assert message["Subject"] == "The Shop: die Woche vom 16. November 2026 bis 22. November 2026"
    text = _plain(mailing)
    assert "EUR: Umsatz: 3.703,50 EUR (3)" in text
    assert "EUR: Bezahlvorgänge: 3 von 4 abgeschlossen (75,0 %)" in text
    report = (await asked(shop, "reports/weekly", week="2026-11-16", currency="EUR"))["report"]
    assert report["summary"]["totalRevenue"] == 3 * 123450


async def test_a_week_with_nothing_says_so(mailing: Mailing) -> None:
    shop = mailing.shop
    await at(shop, NOON)
    await mailing.born()
    await mailing.set_merchant()
    await mailing.bought()
    await mailing.settle()
    await roll_up(shop)
    await at(shop, moment(2026, 12, 1))
    mailing.server.taken.clear()
    await close(shop)
    await mailing.settle()
    assert addresses(mailing.server.taken) == PEOPLE
    assert "The week from 22 November 2026 to 28 November 2026" in _plain(mailing)
    assert "Nothing happened in this week" in _plain(mailing)


def _plain(mailing: Mailing) -> str:
    body = mailing.server.taken[0][1].get_body(("plain",))
    assert body is not None
    text: str = body.get_content()
    return text.replace("\xa0", " ")
