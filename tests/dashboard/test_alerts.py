"""The page of alerts, and the strip on that of operations: who sees what, what the button does."""

import pytest
import pytest_asyncio
from httpx import AsyncClient

from service.core.principal import AccessScope, Kind
from service.notifications.alerts.operations.agree import agree
from service.notifications.alerts.operations.browse import open_alerts
from service.notifications.alerts.operations.condition import Sighting
from tests.dashboard.operated import EVIL
from tests.dashboard.pressing import page, press, said, words
from tests.dashboard.signing_in import sign_in
from tests.support.keys import issue_key
from tests.support.pages import assert_nothing_inline
from tests.support.shop import Shop

ALERTS, OPERATIONS = "/dashboard/alerts", "/dashboard/operations"
_TIMELINES = AccessScope.TIMELINES_READ


@pytest_asyncio.fixture
async def http(store: Shop) -> AsyncClient:
    """An operator's browser."""
    await sign_in(store.api.http)
    found: AsyncClient = store.api.http
    return found


async def _open(shop: Shop, *seen: Sighting, rule: str = "jobs_late") -> list[str]:
    await agree(rule, seen, shop.clock.now(), None)
    return [one.id for one in await open_alerts(None, 99)]


async def _as(shop: Shop, merchant: str, *scopes: AccessScope) -> None:
    """Sign in with a key of a merchant, which has these scopes only."""
    chosen = list(scopes) or None
    issued = await issue_key(shop.clock, Kind.ADMIN, merchant_id=merchant, scopes=chosen)
    shop.api.http.cookies.clear()
    await sign_in(shop.api.http, issued.key)


async def test_what_is_open_is_shown_with_what_to_do(store: Shop, http: AsyncClient) -> None:
    assert "Nothing is open." in words(await page(http, ALERTS))
    await _open(store, Sighting("The job cleanup is late. Look at its CronJob.", "cleanup"))
    text = words(await page(http, ALERTS))
    assert "Jobs late: cleanup open The job cleanup is late. Look at its CronJob." in text
    assert "Told once" in text
    assert "Open alerts : Jobs late: cleanup." in words(await page(http, OPERATIONS))


async def test_one_is_closed_for_a_reason_and_listed_as_such(
    store: Shop, http: AsyncClient
) -> None:
    [alert_id] = await _open(store, Sighting("Late."))
    close = f"{ALERTS}/close"
    none = await said(http, ALERTS, close, id=alert_id, reason=" ")
    assert none == "Nothing was closed: say why in the field for the reason."
    done = await said(http, ALERTS, close, id=alert_id, reason="known")
    assert done == "Closed. The same opens an alert again once it was over in between."
    again = await said(http, ALERTS, close, id=alert_id, reason="known")
    assert again == f"The alert {alert_id} was closed meanwhile; nothing was done."
    assert "Nothing is open." in words(await page(http, ALERTS))
    text = words(await page(http, ALERTS, status="dismissed"))
    assert "Closed by an admin (ops) Reason known" in text
    assert "Reason known" in words(await page(http, ALERTS, status="any"))
    assert "None." in words(await page(http, ALERTS, status="closed"))
    assert 'id="alerts"' not in await page(http, OPERATIONS)


@pytest.mark.parametrize(
    "reason", ["card 4242 4242 4242 4242", "\x1b]0;x\x07", "a\x00b", "x" * 2_001]
)
async def test_a_reason_that_the_api_refuses_closes_nothing_here_either(
    store: Shop, http: AsyncClient, reason: str
) -> None:
    [alert_id] = await _open(store, Sighting("Late."))
    assert "reason" in await said(http, ALERTS, f"{ALERTS}/close", id=alert_id, reason=reason)
    assert [one.id for one in await open_alerts(None, 9)] == [alert_id]
    assert await store.database["outbox"].count_documents({"topic": "alert.closed"}) == 0
    control = await said(http, ALERTS, f"{ALERTS}/close", id=alert_id, reason="Bekannt: bis Mo 😀")
    assert control.startswith("Closed.")


async def test_a_merchant_sees_its_own(store: Shop, http: AsyncClient) -> None:
    ids = await _open(store, Sighting("Ours.", "a", "shop-2"), Sighting("Theirs.", "b", "shop-3"))
    assert "Merchant shop-3" in words(await page(http, ALERTS))
    await _as(store, "shop-2")
    text = words(await page(http, ALERTS))
    assert "Ours." in text
    assert "Theirs." not in text
    said_of = {await said(http, ALERTS, f"{ALERTS}/close", id=one, reason="x") for one in ids}
    assert any(one.startswith("There is no alert") for one in said_of)
    assert "Theirs." in {one.what for one in await open_alerts(None, 9)}


async def test_who_may_only_read_has_no_button_and_others_no_page(
    store: Shop, http: AsyncClient
) -> None:
    [alert_id] = await _open(store, Sighting("Late."))
    await _as(store, "default", _TIMELINES, AccessScope.ALERTS_READ)
    assert "/dashboard/alerts/close" not in await page(http, ALERTS)
    answer = await press(http, ALERTS, f"{ALERTS}/close", id=alert_id, reason="x")
    assert answer.status_code == 403
    await _as(store, "default", _TIMELINES, AccessScope.JOBS_RUN, AccessScope.OPERATOR)
    assert "alerts:read" in await page(http, ALERTS, 403)
    assert 'id="alerts"' not in await page(http, OPERATIONS)
    assert len(await open_alerts(None, 9)) == 1


async def test_a_form_without_its_token_closes_nothing(store: Shop, http: AsyncClient) -> None:
    [alert_id] = await _open(store, Sighting("Late."))
    forged = {"id": alert_id, "reason": "x", "token": "forged"}
    assert (await http.post(f"{ALERTS}/close", data=forged)).status_code == 403
    assert len(await open_alerts(None, 9)) == 1


@pytest.mark.parametrize("where", [ALERTS, OPERATIONS])
async def test_words_from_outside_stay_words(store: Shop, http: AsyncClient, where: str) -> None:
    await _open(store, Sighting(EVIL, f"{EVIL}{'x' * 300}", EVIL), rule="lamp")
    assert "<script>" not in (text := await page(http, where))
    assert "<img src=x" not in text
    assert "&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize("where", [ALERTS, OPERATIONS])
async def test_nothing_is_inline(store: Shop, http: AsyncClient, where: str) -> None:
    await _open(store, Sighting("Late."))
    assert_nothing_inline(await http.get(where))


async def test_they_are_listed_in_pages(store: Shop, http: AsyncClient) -> None:
    await _open(store, *(Sighting("Late.", f"n{n}") for n in range(25)))
    text = await page(http, ALERTS)
    assert text.count("Jobs late: n") // 2 == 20
    assert "status=open&amp;cursor=" in text
