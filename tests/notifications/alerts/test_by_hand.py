"""Alerts over HTTP: listed for whom they concern, closed by hand for a reason, on the record."""

import asyncio
from typing import Any

import pytest

from service.core.principal import AccessScope, Kind
from service.notifications.alerts.operations.condition import Sighting
from service.notifications.alerts.states import OVER_AFTER
from tests.notifications.alerts.watching import SEEN, Lamp, alerts, seen_at, told, watch
from tests.support.api import ADMIN, JOBS, SECRET
from tests.support.keys import issue_key
from tests.support.shop import Shop

REASON = {"reason": "Known; the bank works on it."}


async def _listed(shop: Shop, key: str = ADMIN, **query: Any) -> list[str]:
    answer = await shop.api.call("GET", "/api/admin/alerts", key, params=query)
    assert answer.status_code == 200, answer.text
    return [f"{one['merchantId']}:{one['subject']}" for one in answer.json()["alerts"]]


async def _close(shop: Shop, alert_id: str, key: str = ADMIN, **body: Any) -> Any:
    path = f"/api/admin/alerts/{alert_id}/close"
    return await shop.api.call("POST", path, key, json=body or REASON)


async def _key(shop: Shop, merchant: str, **more: Any) -> str:
    return (await issue_key(shop.clock, Kind.ADMIN, merchant_id=merchant, **more)).key


async def _open(shop: Shop) -> str:
    await seen_at(shop, SEEN)
    [alert] = await alerts(shop)
    return str(alert["_id"])


async def test_a_merchant_sees_its_own_and_an_operator_those_of_all(shop: Shop) -> None:
    await seen_at(shop, SEEN, Sighting("x", "disk"))
    assert sorted(await _listed(shop)) == ["default:disk", "shop-2:here"]
    assert await _listed(shop, merchant="shop-2") == ["shop-2:here"]
    assert await _listed(shop, await _key(shop, "shop-2")) == ["shop-2:here"]
    assert await _listed(shop, await _key(shop, "shop-3")) == []


async def test_they_are_listed_in_pages_newest_first_by_status(shop: Shop) -> None:
    for n in range(5):
        await seen_at(shop, Sighting("x", str(n)))
        shop.pass_time(minutes=10)
    assert await _listed(shop, status="open") == ["default:4", "default:3"]
    assert await _listed(shop, status="closed") == ["default:2", "default:1", "default:0"]
    path, found, cursor = "/api/admin/alerts", [], None
    while True:
        query: dict[str, Any] = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await shop.api.call("GET", path, ADMIN, params=query)).json()
        found += [one["subject"] for one in page["alerts"]]
        if (cursor := page["nextCursor"]) is None:
            break
    assert found == ["4", "3", "2", "1", "0"]


async def test_one_is_shown_with_what_to_do(shop: Shop) -> None:
    alert_id = await _open(shop)
    [shown] = (await shop.admin("GET", "/alerts")).json()["alerts"]
    assert (shown["id"], shown["rule"], shown["what"]) == (alert_id, "lamp", SEEN.what)
    assert (shown["status"], shown["times"], shown["closedAt"]) == ("open", 1, None)


async def test_closed_by_hand_it_opens_again_only_once_it_was_over(shop: Shop) -> None:
    lamp = Lamp()
    await watch(shop, lamp)
    [alert] = await alerts(shop)
    answer = await _close(shop, alert["_id"])
    assert answer.status_code == 200, answer.text
    closed = answer.json()["alert"]
    assert (closed["status"], closed["closedBy"]) == ("dismissed", "admin:operator:ops")
    assert await told(shop) == {"opened": 1, "closed": 1}
    [message] = await shop.messages("alert.closed")
    assert message["payload"]["reason"] == REASON["reason"]
    for _ in range(3):
        shop.pass_time(days=1)
        await watch(shop, lamp)
    assert await told(shop) == {"opened": 1, "closed": 1}
    lamp.seen = ()
    shop.clock.advance(OVER_AFTER)
    await watch(shop, lamp)
    [alert] = await alerts(shop)
    assert (alert["status"], alert["closedBy"]) == ("closed", "admin:operator:ops")
    assert alert["closedAt"] < shop.clock.now()
    assert await told(shop) == {"opened": 1, "closed": 1}
    lamp.seen = (SEEN,)
    await watch(shop, lamp)
    assert await told(shop) == {"opened": 2, "closed": 1}


async def test_it_is_on_the_record_of_the_merchant(shop: Shop) -> None:
    alert_id = await _open(shop)
    await _close(shop, alert_id, await _key(shop, "shop-2", name="support"))
    [entry] = (await shop.admin("GET", "/audit?merchant=shop-2")).json()["entries"]
    assert (entry["action"], entry["object"]) == ("alert.closed", f"alert:{alert_id}")
    assert (entry["actor"], entry["reason"]) == ("admin:support", REASON["reason"])
    assert entry["detail"] == {"rule": "lamp", "subject": "here"}


async def test_of_many_that_close_it_at_once_one_does(shop: Shop) -> None:
    alert_id = await _open(shop)
    answers = await asyncio.gather(*(_close(shop, alert_id) for _ in range(6)))
    assert sorted(one.status_code for one in answers) == [200] + [409] * 5
    assert {one.json()["error"] for one in answers if one.status_code == 409} == {"alert_not_open"}
    assert await told(shop) == {"opened": 1, "closed": 1}


async def test_closing_and_looking_at_once_tell_of_one_end(shop: Shop) -> None:
    alert_id = await _open(shop)
    shop.clock.advance(OVER_AFTER)
    answer, _ = await asyncio.gather(_close(shop, alert_id), seen_at(shop))
    assert answer.status_code in {200, 409}
    await seen_at(shop)
    assert [one["status"] for one in await alerts(shop)] == ["closed"]
    assert await told(shop) == {"opened": 1, "closed": 1}


@pytest.mark.parametrize("body", [{"reason": ""}, {"reason": 1}, {"why": "x"}, {"reason": None}])
async def test_it_takes_a_reason(shop: Shop, body: dict[str, Any]) -> None:
    alert_id = await _open(shop)
    assert (await _close(shop, alert_id, **body)).status_code == 400
    assert [one["status"] for one in await alerts(shop)] == ["open"]


async def test_nobody_closes_what_is_another_merchants_or_without_the_scope(shop: Shop) -> None:
    alert_id = await _open(shop)
    reads = await _key(shop, "shop-2", scopes=[AccessScope.ALERTS_READ])
    for key, status in ((await _key(shop, "shop-3"), 404), (reads, 403), (SECRET, 403)):
        assert (await _close(shop, alert_id, key)).status_code == status
    assert (await _close(shop, "al_nothing")).json()["error"] == "alert_not_found"
    assert [one["status"] for one in await alerts(shop)] == ["open"]


async def test_the_job_is_run_over_http_and_told_in_metrics(shop: Shop) -> None:
    await seen_at(shop, SEEN)
    answer = await shop.api.call("POST", "/api/jobs/alerts", JOBS)
    assert answer.status_code == 200, answer.text
    assert answer.json()["unknown"] == 0
    text = (await shop.api.call("GET", "/metrics", ADMIN)).text
    assert 'tillgate_alerts_open{rule="lamp"} 1.0' in text
    assert 'tillgate_alerts_open{rule="storage_full"} 0.0' in text
