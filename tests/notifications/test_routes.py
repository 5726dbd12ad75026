"""Endpoints over HTTP: what is told once, what is refused, whose they are."""

from datetime import timedelta
from typing import Any

import pytest
from httpx import Response

from service.core.errors import Unavailable
from service.core.paging import Cursor
from service.notifications.endpoints.repository import sent as sent_again
from service.outbox.operations.messages import KEEP_FOR
from tests.notifications.receivers import answers, answers_in_turn, receiving
from tests.notifications.telling import fan_out, send, sent, tell
from tests.support.api import ADMIN, SECRET
from tests.support.shop import Shop

PATH = "/api/webhook-endpoints"


async def _call(shop: Shop, method: str, path: str = "", **options: Any) -> Response:
    return await shop.api.call(method, f"{PATH}{path}", options.pop("key", ADMIN), **options)


async def _added(shop: Shop, url: str, **more: Any) -> dict[str, Any]:
    await fan_out(shop)
    answer = await _call(shop, "POST", json={"url": url, "events": ["*"], **more})
    assert answer.status_code == 201, answer.text
    shop.pass_time(seconds=10)
    told: dict[str, Any] = answer.json()
    return told


async def test_an_endpoint_is_added_read_changed_and_removed(shop: Shop) -> None:
    async with receiving() as receiver:
        told = await _added(shop, receiver.url(), headers={"X-Key": "a-value"}, ordered=True)
        one = f"/{told['endpoint']['id']}"
        assert told["secret"].startswith("whsec_")
        read = (await _call(shop, "GET", one)).json()
        assert read == {"endpoint": told["endpoint"]}
        assert read["endpoint"]["headers"] == ["X-Key"]
        assert "a-value" not in str(read)
        changed = await _call(shop, "PATCH", one, json={"events": ["session.*"], "enabled": False})
        assert changed.json()["endpoint"]["events"] == ["session.*"]
        assert changed.json()["endpoint"]["disabled"]["reason"] == "by_hand"
        listed = (await _call(shop, "GET")).json()
        assert [row["id"] for row in listed["endpoints"]] == [told["endpoint"]["id"]]
        assert (await _call(shop, "DELETE", one)).status_code == 204
        assert (await _call(shop, "GET", one)).status_code == 404
        assert (await _call(shop, "GET")).json()["endpoints"] == []


@pytest.mark.parametrize("url", ["", "ftp://x", "shop.example/hook", "https://"])
async def test_what_is_no_address_is_refused_with_what_one_looks_like(shop: Shop, url: str) -> None:
    refused = await _call(shop, "POST", json={"url": url, "events": ["*"]})
    message = "must be an http or https address such as https://shop.example/hooks"
    assert refused.json()["errors"] == [{"field": "url", "message": message}]


async def test_the_same_call_again_has_the_same_answer_and_adds_nothing(shop: Shop) -> None:
    async with receiving() as receiver:
        body = {"url": receiver.url(), "events": ["*"]}
        key = {"Idempotency-Key": "one-and-the-same-key"}
        first = await _call(shop, "POST", json=body, headers=key)
        again = await _call(shop, "POST", json=body, headers=key)
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert await shop.database["webhook_endpoints"].count_documents({}) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "https://10.0.0.1/hook"}, "url"),
        ({"url": "http://shop.example/hook#x"}, "url"),
        ({"url": "https://user:word@shop.example/hook"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["session.paid"]}, "events[0]"),
        ({"events": ["provider.capture"]}, "events[0]"),
        ({"headers": {"Host": "other.example"}}, "headers"),
        ({"headers": {"Webhook-Id": "1"}}, "headers"),
        ({"headers": {"X": "a\r\nY: b"}}, "headers"),
        ({"headers": {"X y": "a"}}, "headers"),
        ({"secret": "whsec_mine"}, "secret"),
    ],
)
async def test_what_can_not_be_used_is_refused_by_its_field(
    shop: Shop, change: dict[str, Any], field: str
) -> None:
    body = {"url": "http://127.0.0.1:9/hook", "events": ["*"]} | change
    answer = await _call(shop, "POST", json=body)
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert await shop.database["webhook_endpoints"].count_documents({}) == 0


async def test_only_admin_keys_and_only_of_the_merchant(shop: Shop) -> None:
    async with receiving() as receiver:
        told = await _added(shop, receiver.url())
        other = {"$set": {"merchantId": "another"}}
        assert (await _call(shop, "GET", key=SECRET)).status_code == 403
        await shop.database["webhook_endpoints"].update_one({}, other)
        one = f"/{told['endpoint']['id']}"
        for method, path in (
            *(("GET", one), ("DELETE", one), ("POST", f"{one}/test"), ("POST", f"{one}/rotate")),
            ("GET", f"{one}/deliveries"),
        ):
            assert (await _call(shop, method, path)).status_code == 404
        assert (await _call(shop, "PATCH", one, json={"thin": False})).status_code == 404


async def test_a_test_event_arrives_and_its_attempts_are_listed(shop: Shop) -> None:
    async with receiving(answers_in_turn(answers(503, "busy"), answers())) as receiver:
        told = await _added(shop, receiver.url(), events=["refund.failed"])
        one = f"/{told['endpoint']['id']}"
        due = await _call(shop, "POST", f"{one}/test")
        assert due.status_code == 202
        await send(shop)
        shop.pass_time(seconds=5)
        await send(shop)
        listed = (await _call(shop, "GET", f"{one}/deliveries?status=delivered")).json()
    (row,) = listed["deliveries"]
    assert row["type"] == "endpoint.test"
    assert row["eventId"] == due.json()["delivery"]["eventId"] == receiver.got[0].id
    said = [(one["status"], one["answer"]) for one in row["attempts"]]
    assert said == [(503, "busy"), (200, "ok")]
    assert row["nextAttemptAt"] is None


async def test_one_event_is_sent_again_under_the_same_id(shop: Shop) -> None:
    async with receiving() as receiver:
        told = await _added(shop, receiver.url())
        await tell(shop)
        await send(shop)
        body = {"eventId": receiver.got[0].id}
        again = await _call(shop, "POST", f"/{told['endpoint']['id']}/resend", json=body)
        assert again.status_code == 202, again.text
        await send(shop)
    assert list(receiver.times().values()) == [2]
    assert len({got.body for got in receiver.got}) == 1


async def test_since_a_time_only_what_was_not_taken_is_sent(shop: Shop) -> None:
    async with receiving() as receiver:
        since = shop.clock.now()
        shop.pass_time(seconds=1)
        await tell(shop, "before it was added")
        told = await _added(shop, receiver.url())
        await tell(shop, "taken")
        await send(shop)
        path = f"/{told['endpoint']['id']}/resend"
        answer = await _call(shop, "POST", path, json={"since": since.isoformat()})
        assert answer.json() == {"count": 1, "nextCursor": None, "delivery": None}
        await send(shop)
        either = await _call(shop, "POST", path, json={})
        assert either.status_code == 400
    assert sorted(receiver.times().values()) == [1, 1]
    assert len(await sent(shop)) == 2


async def _redelivered(shop: Shop) -> None:
    """Have an event's message kept for longer, as an operator does who has it delivered again."""
    [row] = await shop.database["deliveries"].find({"subscriber": "webhooks"}).to_list()
    answer = await shop.admin("POST", f"/deliveries/{row['_id']}/redeliver")
    assert answer.status_code == 200, answer.text


async def test_what_is_kept_for_longer_is_no_event_of_today(shop: Shop) -> None:
    """Of forty days ago, it is nothing to an endpoint that was added since."""
    async with receiving() as receiver:
        await _added(shop, receiver.url())
        await tell(shop, "forty days ago")
        await send(shop)
        shop.pass_time(days=40)
        new = (await _added(shop, receiver.url()))["endpoint"]
        await _redelivered(shop)
        body = {"since": new["createdAt"]}
        answer = await _call(shop, "POST", f"/{new['id']}/resend", json=body)
    assert answer.json() == {"count": 0, "nextCursor": None, "delivery": None}


@pytest.mark.parametrize("added_first", [True, False])
async def test_a_walk_goes_on_with_its_beginning_and_passes_nothing_by(
    shop: Shop, added_first: bool
) -> None:
    """What was written since then and told again is found by its last page, whoever was there."""
    async with receiving() as receiver:
        hears = await _added(shop, receiver.url())
        began = shop.clock.now()
        await tell(shop, "forty days ago")
        shop.pass_time(days=40)
        told = hears if added_first else await _added(shop, receiver.url())
        await shop.database["webhook_deliveries"].delete_many({})
        await _redelivered(shop)
        path, later = f"/{told['endpoint']['id']}/resend", shop.clock.now() - timedelta(days=1)
        place = Cursor(later + KEEP_FOR, "default").encode()
        for since, count in ((later, 0), (began, 1)):
            body = {"since": since.isoformat(), "cursor": place}
            answer = await _call(shop, "POST", path, json=body)
            assert answer.json() == {"count": count, "nextCursor": None, "delivery": None}


async def test_the_deliveries_of_a_call_are_there_together_or_none_is(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was given up is due no later than one behind it in its session."""

    async def fails(*_: object) -> int:
        assert await sent(shop) == []
        raise Unavailable("the database says no", retry_after=1)

    async with receiving() as receiver:
        since = shop.clock.now()
        await tell(shop, "first", "second")
        told = (await _added(shop, receiver.url(), ordered=True))["endpoint"]
        path, body = f"/{told['id']}/resend", {"since": since.isoformat()}
        monkeypatch.setattr(sent_again, "again", fails)
        assert (await _call(shop, "POST", path, json=body)).status_code == 503
        assert await sent(shop) == []
        monkeypatch.undo()
        assert (await _call(shop, "POST", path, json=body)).json()["count"] == 2


async def test_each_act_stands_in_the_trail_with_no_address_and_no_secret(shop: Shop) -> None:
    async with receiving() as receiver:
        told = await _added(shop, receiver.url())
        one = f"/{told['endpoint']['id']}"
        await _call(shop, "POST", f"{one}/rotate")
        await _call(shop, "POST", f"{one}/test")
        await _call(shop, "PATCH", one, json={"url": receiver.url("localhost")})
        await _call(shop, "DELETE", one)
    rows = await shop.database["audit_log"].find().sort("_id", 1).to_list()
    acts = ["added", "secret_rotated", "tested", "changed", "removed"]
    assert [row["action"] for row in rows] == [f"endpoint.{act}" for act in acts]
    assert {row["actor"] for row in rows} == {"admin:ops"}
    assert "/hook" not in str(rows)
    assert "whsec_" not in str(rows)
