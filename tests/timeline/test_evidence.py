"""The evidence about a dispute: complete, on the record, and safe to open."""

import base64
import re
from hashlib import sha256
from typing import Any

from service.core.principal import AccessScope, Kind
from service.storage.database import Row
from tests.conftest import NOON
from tests.payments.history.rows import dispute, pay, refund
from tests.sessions.asking import change, key_of_another_merchant, problem, put_price
from tests.support.api import ADMIN, PUBLISHABLE, SECRET
from tests.support.keys import issue_key
from tests.support.shop import Shop

PATH = "/api/disputes/dp_1/evidence"
HOSTILE = "<script>alert(1)</script><style>*{}</style>\"'‮"


async def disputed(shop: Shop, key: str = SECRET) -> Row:
    """Have a ticket sold, paid, refunded in part and disputed; return the dispute."""
    await put_price(shop.api, "gold", 2900)
    body = {"userId": "ada", "email": "ada@example.com", "plan": "gold", "provider": "stripe"}
    body |= {"amount": 2900, "currency": "USD", "sessionId": "s-1"}  # type: ignore[dict-item]
    opened = await shop.api.call("POST", "/api/checkout-sessions", key, json=body)
    assert opened.status_code == 201, opened.text
    await change(shop.api, sessionId="s-1", metadata={"seat": "4"})
    await shop.api.told(shop.stripe_paid(opened.json()["session"]))
    await shop.api.settle()
    [paid] = await shop.payments()
    await refund(paid, "refund-0001", reason="sorry", amount=500)
    return await dispute(paid, "dp_1", respondBy=NOON, reason="product_not_received")


async def _json(shop: Shop, **options: Any) -> dict[str, Any]:
    answer = await shop.api.call("GET", PATH, SECRET, **options)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_it_says_what_was_bought_when_by_whom_and_what_became_of_it(shop: Shop) -> None:
    row = await disputed(shop)
    await shop.database["payments"].update_many({}, {"$set": {"details.fee": 59}})
    found = await _json(shop)
    assert (found["respondBy"], found["madeAt"]) == ("2026-11-21T12:00:00Z", "2026-11-21T12:00:00Z")
    assert found["dispute"]["disputeId"] == str(row["_id"])
    bought = found["bought"]
    assert (bought["plan"], bought["price"], bought["quantity"]) == ("gold", "29.00", 1)
    assert (bought["openedAt"], bought["completedAt"]) == ("2026-11-21T12:00:00Z",) * 2
    assert (found["customer"]["userId"], found["customer"]["email"]) == ("ada", "ada@example.com")
    [act] = [one for one in found["acts"] if one["action"].startswith("session.")]
    assert act["actor"] == "secret:server"
    assert re.fullmatch(r"[\w.-]{20,}", act["client"])
    assert [one["reason"] for one in found["payment"]["refunds"]] == ["sorry"]
    assert "fee" not in found["payment"]
    assert all("fee" not in one["detail"] for one in found["timeline"])
    assert any("to completed" in one["summary"] for one in found["timeline"])


async def test_a_browser_that_opened_is_named_by_the_hash_of_its_address_and_a_server_is_not(
    shop: Shop,
) -> None:
    await disputed(shop, PUBLISHABLE)
    [opened, changed] = (await _json(shop))["acts"]
    assert (opened["action"], opened["at"]) == ("session.opened", "2026-11-21T12:00:00Z")
    assert opened["actor"].startswith("publishable:")
    assert opened["client"] == changed["client"]  # one machine here
    page = (await shop.api.call("GET", PATH, params={"format": "html"})).text
    assert "session.opened" in page
    await shop.database["sessions"].update_many({}, {"$unset": {"openedFrom": ""}})
    assert [one["action"] for one in (await _json(shop))["acts"]] == [changed["action"]]
    await shop.api.open(sessionId="s-2")  # the control: a server's address says nothing
    [row] = await shop.database["sessions"].find({"sessionId": "s-2"}).to_list()
    assert row["openedFrom"] is None


async def test_each_reading_is_on_the_record(shop: Shop) -> None:
    row = await disputed(shop)
    await _json(shop)
    await shop.api.call("GET", PATH, ADMIN, params={"format": "html"})
    trail = await shop.database["audit_log"].find({"action": "dispute.evidence_read"}).to_list()
    assert [(one["object"], one["actor"]) for one in trail] == [
        (f"dispute:{row['_id']}", "secret:server"),
        (f"dispute:{row['_id']}", "admin:ops"),
    ]
    assert all(one["client"] for one in trail)


async def test_the_page_is_one_file_whose_every_value_is_escaped(shop: Shop) -> None:
    row = await disputed(shop)
    for collection, field in (("disputes", "reason"), ("sessions", "title"), ("refunds", "reason")):
        await shop.database[collection].update_many({}, {"$set": {field: HOSTILE}})
    answer = await shop.api.call("GET", PATH, params={"format": "html"})
    page, policy = answer.text, answer.headers["content-security-policy"]
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"
    assert page.count("<style>") == 1
    assert "<script" not in page
    assert "‮" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 3
    [style] = re.findall(r"<style>(.*?)</style>", page, re.S)
    hashed = base64.b64encode(sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashed}'; form-action 'none'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    assert not re.search(r"\s(style|on\w+|src|href)=", page)
    for said in (
        "Answer by",
        "29.00 USD",
        "5.00 USD",
        "ada@example.com",
        str(row["_id"]),
        "refund-0001",
    ):
        assert said in page


async def test_who_accepts_html_gets_it_unless_json_is_named(shop: Shop) -> None:
    await disputed(shop)
    wanted: dict[str, Any] = {"headers": {"Accept": "text/html,*/*;q=0.8"}}
    answer = await shop.api.call("GET", PATH, **wanted)
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["vary"] == "Accept"
    for options in (wanted | {"params": {"format": "json"}}, {}):
        assert "dispute" in await _json(shop, **options)
    problem(await shop.api.call("GET", f"{PATH}?format=pdf"), 400, "invalid_request")


async def test_what_is_left_of_a_session_that_is_gone_is_its_payment(shop: Shop) -> None:
    await disputed(shop)
    await shop.database["sessions"].delete_many({})
    found = await _json(shop)
    assert (found["timeline"], found["acts"], found["deliveries"]) == ([], [], [])
    assert (found["bought"]["plan"], found["bought"]["price"]) == ("gold", "29.00")
    assert (
        "The session was deleted"
        in (await shop.api.call("GET", PATH, params={"format": "html"})).text
    )
    # A session of somebody else under the same id is no evidence.
    shop.pass_time(days=100)
    await shop.api.open(sessionId="s-1", email="eve@example.com")
    assert (await _json(shop))["customer"]["email"] is None


async def test_only_a_key_with_the_scope_reads_it_and_nobody_elses(shop: Shop) -> None:
    await disputed(shop)
    other = await pay("pi_2", merchantId="another")
    await dispute(other, "dp_2")
    reader = await issue_key(shop.clock, Kind.SECRET, scopes=[AccessScope.DISPUTES_READ])
    for key in (PUBLISHABLE, reader.key):
        problem(await shop.api.call("GET", PATH, key), 403, "forbidden")
    scoped = await issue_key(shop.clock, Kind.SECRET, scopes=[AccessScope.EVIDENCE_READ])
    assert (await shop.api.call("GET", PATH, scoped.key)).status_code == 200
    theirs = await key_of_another_merchant(shop.clock)
    problem(await shop.api.call("GET", PATH, theirs), 404, "dispute_not_found")
    answer = await shop.api.call("GET", "/api/disputes/dp_2/evidence")
    problem(answer, 404, "dispute_not_found")
    read = await shop.database["audit_log"].count_documents({"action": "dispute.evidence_read"})
    assert read == 1
