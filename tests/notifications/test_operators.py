"""Operators act on the endpoints of a merchant that they name, and the trail says who it was."""

from typing import Any

import pytest
from httpx import Response

from service.core.principal import Kind
from tests.merchants.asking import put
from tests.notifications.receivers import answers, answers_in_turn, receiving
from tests.notifications.telling import fan_out, send, tell
from tests.support.api import ADMIN
from tests.support.keys import issue_key
from tests.support.shop import Shop

HOOKS = "/api/webhook-endpoints"
A, B = "alpha", "beta"


async def _call(shop: Shop, method: str, path: str = "", key: str = ADMIN, **more: Any) -> Response:
    whose = {"merchant": more.pop("merchant", A)}
    return await shop.api.call(method, f"{HOOKS}{path}", key, params=whose, **more)


async def test_an_operator_does_all_of_it_for_a_merchant_and_its_trail_says_so(shop: Shop) -> None:
    assert (await put(shop, A)).status_code == 201
    await fan_out(shop)
    async with receiving(answers_in_turn(answers(500), answers())) as receiver:
        added = await _call(shop, "POST", json={"url": receiver.url(), "events": ["*"]})
        assert added.status_code == 201, added.text
        endpoint = added.json()["endpoint"]
        assert endpoint["merchantId"] == A
        one = f"/{endpoint['id']}"
        assert [e["id"] for e in (await _call(shop, "GET")).json()["endpoints"]] == [one[1:]]
        assert (await _call(shop, "GET", one)).status_code == 200
        assert (await _call(shop, "PATCH", one, json={"description": "till"})).is_success
        assert (await _call(shop, "POST", f"{one}/rotate")).status_code == 200
        shop.pass_time(seconds=10)
        await tell(shop, merchant=A)
        await send(shop)
        sent = (await _call(shop, "GET", f"{one}/deliveries")).json()["deliveries"]
        assert [row["status"] for row in sent] == ["pending"]
        again = {"eventId": sent[0]["eventId"]}
        assert (await _call(shop, "POST", f"{one}/resend", json=again)).status_code == 202
        assert (await _call(shop, "POST", f"{one}/test")).status_code == 202
        await send(shop)
        assert (await _call(shop, "DELETE", one)).status_code == 204
    rows = await shop.database["audit_log"].find({"object": f"endpoint:{one[1:]}"}).to_list()
    assert {row["merchantId"] for row in rows} == {A}
    assert {row["actor"] for row in rows} == {"admin:operator:ops"}
    assert len(rows) == 6
    assert [got.id for got in receiver.got[:2]] == [again["eventId"]] * 2


async def test_without_a_name_it_is_the_operators_own_merchant(shop: Shop) -> None:
    assert (await put(shop, A)).status_code == 201
    await _call(shop, "POST", json={"url": "http://127.0.0.1:9/hook", "events": ["*"]})
    own = await shop.api.call("GET", HOOKS, ADMIN)
    assert own.json()["endpoints"] == []


async def test_a_merchant_that_does_not_exist_gets_no_endpoint(shop: Shop) -> None:
    hook = {"url": "http://127.0.0.1:9/hook", "events": ["*"]}
    answer = await _call(shop, "POST", json=hook, merchant="nobody")
    assert (answer.status_code, answer.json()["error"]) == (404, "merchant_not_found")
    assert await shop.database["webhook_endpoints"].count_documents({}) == 0


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_control_no_other_merchants_key_may_name_one(shop: Shop, method: str) -> None:
    for merchant in (A, B):
        assert (await put(shop, merchant)).status_code == 201
    key = (await issue_key(shop.clock, Kind.ADMIN, merchant_id=B)).key
    hook = {"url": "http://127.0.0.1:9/hook", "events": ["*"]}
    more = {"json": hook} if method == "POST" else {}
    assert (await _call(shop, method, key=key, **more)).status_code == 403
    assert (await _call(shop, method, key=key, merchant=B, **more)).is_success


async def test_one_idempotency_key_for_two_merchants_is_refused_and_rotates_nothing(
    shop: Shop,
) -> None:
    for merchant in (A, B):
        assert (await put(shop, merchant)).status_code == 201
    hook = {"url": "http://127.0.0.1:9/hook", "events": ["*"]}
    headers = {"Idempotency-Key": "one-of-them"}
    first = await _call(shop, "POST", json=hook, headers=headers)
    assert first.status_code == 201
    second = await _call(shop, "POST", json=hook, headers=headers, merchant=B)
    assert second.status_code == 422
    shop.pass_time(days=2)  # the answer is forgotten, and the endpoint's id is made of that key
    third = await _call(shop, "POST", json=hook, headers=headers, merchant=B)
    assert (third.status_code, third.json()["error"]) == (409, "endpoint_added_before")
    [row] = await shop.database["webhook_endpoints"].find().to_list()
    assert (row["merchantId"], len(row["secrets"])) == (A, 1)
