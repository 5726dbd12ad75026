"""Dead letters on the page of operations: whose they are, and that each is delivered again once."""

import re
from datetime import timedelta

import pytest_asyncio
from httpx import AsyncClient

from service.core.principal import AccessScope, Kind
from service.dashboard.operating import shown as showing
from service.outbox.operations.deliver import LEASE
from tests.dashboard.operated import EVIL, PAGE, give_up, press, said
from tests.dashboard.signing_in import sign_in
from tests.support.keys import issue_key
from tests.support.shop import Shop

ID = "topic:1"
DELIVERY = f"{ID}:test"


@pytest_asyncio.fixture
async def http(store: Shop) -> AsyncClient:
    """An operator's browser."""
    await sign_in(store.api.http)
    return store.api.http


async def _status(store: Shop) -> str:
    row = await store.database["deliveries"].find_one({"_id": DELIVERY})
    assert row
    status: str = row["status"]
    return status


async def _acts(store: Shop) -> list[tuple[str, str, str]]:
    wanted = {"action": "delivery.redelivered"}
    found = store.database["audit_log"].find(wanted).sort("_id", 1)
    return [(row["actor"], row["merchantId"], row["object"]) async for row in found]


async def test_it_is_delivered_again_on_the_record_and_a_page_that_is_older_does_nothing(
    store: Shop, http: AsyncClient
) -> None:
    assert "Nothing was given up." in (await http.get(PAGE)).text
    await give_up(store.database, store.clock, ID, merchantId="alpha")
    assert f"<code>{DELIVERY}</code>" in (await http.get(PAGE)).text
    assert f"{DELIVERY} is tried again now." in await said(http, "redeliver", DELIVERY)
    assert await _status(store) == "pending"
    page = (await http.get(PAGE)).text
    assert "Nothing was given up." in page
    assert "is being tried again already" in await said(http, "redeliver", DELIVERY)
    await store.database["deliveries"].update_one({"_id": DELIVERY}, {"$set": {"status": "done"}})
    assert "was delivered meanwhile" in await said(http, "redeliver", DELIVERY)
    assert await _status(store) == "done"
    assert await _acts(store) == [("admin:operator:ops", "alpha", f"delivery:{DELIVERY}")]


async def test_what_can_not_be_delivered_is_said_in_words(store: Shop, http: AsyncClient) -> None:
    assert "There is no delivery" in await said(http, "redeliver", EVIL)
    await give_up(store.database, store.clock, ID)
    later = {"claim": "somebody", "nextAttemptAt": store.clock.now() + LEASE}
    await store.database["deliveries"].update_one({"_id": DELIVERY}, {"$set": later})
    assert "is being delivered" in await said(http, "redeliver", DELIVERY)
    store.clock.advance(LEASE + timedelta(seconds=1))
    await store.database["outbox"].delete_many({})
    assert "was deleted after its time" in await said(http, "redeliver", DELIVERY)
    assert await _status(store) == "dead"


async def test_a_merchant_sees_and_redelivers_its_own_alone(store: Shop) -> None:
    await give_up(store.database, store.clock, ID, merchantId="alpha")
    http = store.api.http
    for merchant, sees in (("beta", False), ("alpha", True)):
        issued = await issue_key(store.clock, Kind.ADMIN, merchant_id=merchant)
        await sign_in(http, issued.key)
        page = (await http.get(PAGE)).text
        assert (DELIVERY in page, "Redeliver: " in page) == (sees, sees)
        words = await said(http, "redeliver", DELIVERY)
        assert ("is tried again now" in words) == sees
        assert await _status(store) == ("pending" if sees else "dead")
    assert [merchant for _, merchant, _ in await _acts(store)] == ["alpha"]


async def test_who_may_only_read_has_no_button_and_is_refused(store: Shop) -> None:
    await give_up(store.database, store.clock, ID)
    scopes = [AccessScope.TIMELINES_READ, AccessScope.DELIVERIES_READ]
    issued = await issue_key(store.clock, Kind.ADMIN, scopes=scopes)
    http = store.api.http
    await sign_in(http, issued.key)
    page = (await http.get(PAGE)).text
    assert (DELIVERY in page, "Redeliver" in page) == (True, False)
    refused = await press(http, "redeliver", DELIVERY)
    assert (refused.status_code, "deliveries:redeliver" in refused.text) == (403, True)
    assert (await _status(store), await _acts(store)) == ("dead", [])
    await sign_in(http)  # the control
    assert (await press(http, "redeliver", DELIVERY)).status_code == 303
    assert await _status(store) == "pending"


async def test_lanes_are_counted_and_nothing_from_outside_is_markup(
    store: Shop, http: AsyncClient
) -> None:
    await give_up(store.database, store.clock, ID, ID + EVIL, "waits", merchantId=EVIL)
    waits = {"$set": {"status": "pending"}}
    await store.database["deliveries"].update_one({"_id": "waits:test"}, waits)
    await store.database["outbox"].update_one({"_id": "waits"}, waits)
    store.clock.advance(timedelta(minutes=12))
    page = (await http.get(PAGE)).text
    lines = re.findall(r"<td>(?:Lane|Messages) .*?</tr>", page, re.DOTALL)
    assert len(lines) == 2
    for line, oldest in zip(lines, ("waits", "waits:test"), strict=True):
        assert re.findall(r'class="num">([^<]*)<', line) == ["1", "12 min"]
        assert f"<code>{oldest}</code>" in line
    assert "<script>alert" not in page
    assert "<img" not in page.partition("<main")[2]
    assert "\\u001b[2J" in page
    assert "z" * 80 not in page
    assert "y" * 240 not in page
    assert 'href="/dashboard/sessions/ps_1"' not in page  # another merchant's


async def test_the_page_says_in_words_why_it_was_given_up_and_what_to_do(
    store: Shop, http: AsyncClient
) -> None:
    why = "A delivery that fails is tried for 3 days, and then given up. Mend what its error names"
    assert why not in (await http.get(PAGE)).text  # the control: nothing was
    await give_up(store.database, store.clock, ID)
    page = (await http.get(PAGE)).text
    assert why in page
    assert re.search(r"<dt>Given up</dt>\s*<dd class=\"num\">after 2026-11-21 12:00:00 UTC<", page)


async def test_a_long_list_has_pages(store: Shop, http: AsyncClient) -> None:
    seen = 2 * showing.PAGE_SIZE
    await give_up(store.database, store.clock, *(f"topic:{number}" for number in range(seen)))
    first = (await http.get(PAGE)).text
    older = re.search(r'href="(/dashboard/operations\?cursor=[^"#]+)#dead"', first)
    assert older
    second = (await http.get(older[1])).text
    shown = [re.findall(r'name="id" value="(topic:\d+:test)"', page) for page in (first, second)]
    assert len({one for page in shown for one in page}) == seen
    assert "Older ones" not in second
    assert 'href="/dashboard/sessions/ps_1"' in second
    assert (await http.get(f"{PAGE}?cursor=x")).status_code == 400
