"""A suspended merchant opens nothing, and the money that is paid to it is taken in all the same."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.routes import HTTPRoute

from service.core.principal import Kind
from service.merchants.documents import Merchant
from service.merchants.operations.merchants import Merchants
from service.web.authentication import PUBLIC
from tests.dashboard.signing_in import opens, sign_in
from tests.merchants.asking import keys_of, resume, suspend
from tests.sessions.asking import token_of
from tests.support.api import ADMIN, JOBS, PUBLISHABLE, SECRET
from tests.support.events import Delivery, stripe_checkout
from tests.support.shop import Shop


def _routes(shop: Shop) -> Iterator[tuple[str, str]]:
    """Go through method and path of every route that asks who calls."""
    for route in shop.api.http._transport.app.routes:  # type: ignore[attr-defined]
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if PUBLIC not in handler.opt:
                for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                    yield method, route.path_format.replace("{", "").replace("}", "")


async def _refusing(shop: Shop, key: str) -> tuple[int, set[tuple[int, str]]]:
    """Call every route; return how many there are, and with what they answered."""
    answers, asked = set(), 0
    for method, path in _routes(shop):
        sent: dict[str, Any] = {} if method in {"GET", "DELETE"} else {"json": {}}
        if path == "/api/events/stream":  # whoever is let in is told so by a 400, and by no stream
            path += "?events=none"
        answer = await shop.api.call(method, path, key, **sent)
        # Whoever is let in may be answered by a file; who is refused, by a problem alone.
        error = "" if answer.is_success else answer.json()["error"]
        answers.add((answer.status_code, error))
        asked += 1
    return asked, answers


def _paid(shop: Shop, session: dict[str, Any], **fields: Any) -> Delivery:
    named = {"checkoutSessionId": session["sessionId"], "merchantId": "alpha"}
    found = stripe_checkout(session, metadata=named, **fields)
    return shop.stripe("checkout.session.completed", found)


async def test_each_key_of_a_suspended_merchant_is_refused_on_every_route_with_the_reason(
    shop: Shop,
) -> None:
    keys = await keys_of(shop)
    await suspend(shop)
    for key in keys.values():
        asked, answers = await _refusing(shop, key)
        assert asked > 25
        assert answers == {(403, "merchant_suspended")}
    told = (await shop.api.call("GET", "/api/payment-sessions", keys[Kind.SECRET])).json()
    assert "suspended" in told["detail"]
    assert "4711" not in str(told)  # why is the operator's, and the caller may be a browser
    await resume(shop)
    for key in keys.values():  # the control
        assert (403, "merchant_suspended") not in (await _refusing(shop, key))[1]


async def test_who_suspends_or_resumes_is_shown_the_merchant_as_it_is_then(shop: Shop) -> None:
    await keys_of(shop)
    body = {"reason": "ticket 4711"}
    answer = await shop.admin("POST", "/merchants/alpha/suspend", json=body)
    at = shop.clock.now().isoformat().replace("+00:00", "Z")
    suspended = {"at": at, "by": "admin:operator:ops", "reason": "ticket 4711"}
    assert answer.json()["merchant"]["suspended"] == suspended
    answer = await shop.admin("POST", "/merchants/alpha/resume")
    assert (answer.json()["merchant"]["id"], answer.json()["merchant"]["suspended"]) == (
        *("alpha", None),
    )


async def test_where_the_first_is_suspended_tokens_are_refused_and_operators_are_not(
    shop: Shop,
) -> None:
    await suspend(shop, "default")
    for key in (PUBLISHABLE, SECRET, token_of("ada", shop.clock)):
        assert (await _refusing(shop, key))[1] == {(403, "merchant_suspended")}
    assert (await shop.admin("GET", "/reviews")).status_code == 200
    assert (await shop.api.call("POST", "/api/cleanup-sessions", JOBS)).status_code == 200
    await resume(shop, "default")
    assert (await shop.api.call("GET", "/api/payment-sessions?userId=u")).status_code == 200


async def test_an_answer_that_is_kept_is_not_given_again_while_it_is_suspended(shop: Shop) -> None:
    key = (await keys_of(shop))[Kind.SECRET]
    body = {"userId": "u", "eventId": "e", "amount": 5, "currency": "USD", "quantity": 1}
    options: dict[str, Any] = {"json": body | {"paymentMethod": "stripe"}}
    options["headers"] = {"Idempotency-Key": "once"}
    call, path = shop.api.call, "/api/payment-sessions"
    assert (await call("POST", path, key, **options)).status_code == 201
    await suspend(shop)
    assert (await call("POST", path, key, **options)).json()["error"] == "merchant_suspended"
    await resume(shop)
    again = await call("POST", path, key, **options)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")


async def test_money_that_is_paid_meanwhile_completes_its_session(shop: Shop) -> None:
    key = (await keys_of(shop))[Kind.SECRET]
    session = await shop.api.open(key, currency="USD")
    await suspend(shop)
    assert (await shop.api.told(_paid(shop, session)))["outcome"] == "processed"
    assert (await shop.session(session["sessionId"]))["status"] == "completed"
    [payment] = await shop.payments()
    assert (payment["merchantId"], payment["status"]) == ("alpha", "succeeded")


async def test_why_it_was_suspended_is_shown_to_operators_alone_also_once_it_is_resumed(
    shop: Shop,
) -> None:
    keys = await keys_of(shop)
    await suspend(shop)
    cleared = {"json": {"reason": "the informant was wrong"}}
    assert (await shop.admin("POST", "/merchants/alpha/resume", **cleared)).status_code == 200
    sid = (await shop.api.open(keys[Kind.SECRET]))["sessionId"]
    change = {"sessionId": sid, "status": "canceled", "reason": "asked for it"}
    assert (
        await shop.api.call("PATCH", "/api/payment-sessions", keys[Kind.SECRET], json=change)
    ).is_success
    own = await shop.api.call("GET", "/api/admin/audit", keys[Kind.ADMIN])
    told = {one["action"]: one["reason"] for one in own.json()["entries"]}
    assert (told["merchant.suspended"], told["merchant.resumed"]) == (None, None)
    assert "asked for it" in told.values()  # the control: other reasons are its own
    of_alpha = {"params": {"merchant": "alpha"}}
    told = {
        one["action"]: one["reason"]
        for one in (await shop.admin("GET", "/audit", **of_alpha)).json()["entries"]
    }
    assert told["merchant.suspended"] == "ticket 4711"
    assert told["merchant.resumed"] == "the informant was wrong"


@pytest.mark.parametrize(("verdict", "status"), [("accept", "completed"), ("reject", "pending")])
async def test_an_operator_sees_and_decides_the_reviews_of_a_suspended_merchant(
    shop: Shop, verdict: str, status: str
) -> None:
    keys = await keys_of(shop)
    sid = (await shop.api.open(keys[Kind.SECRET], currency="USD"))["sessionId"]
    session = await shop.api.read(sid, keys[Kind.SECRET])
    await suspend(shop)
    assert (await shop.api.told(_paid(shop, session, amount_total=1)))["outcome"] == "review"
    of_alpha = {"params": {"merchant": "alpha"}}
    listed = (await shop.admin("GET", "/reviews", **of_alpha)).json()["reviews"]
    assert [one["sessionId"] for one in listed] == [sid]
    assert (await shop.admin("GET", "/reviews")).json()["reviews"] == []
    path, why = f"/reviews/{sid}/{verdict}", {"json": {"reason": "asked them"}}
    # Another merchant's key is no operator's, and the operator has to say whose it is.
    other = (await keys_of(shop, "beta"))[Kind.ADMIN]
    refused = await shop.api.call("POST", f"/api/admin{path}", other, **why, **of_alpha)
    assert refused.status_code == 403
    assert (await shop.admin("POST", path, **why)).status_code == 404
    assert (await shop.admin("POST", path, **why, **of_alpha)).status_code == 200
    assert (await shop.session(sid))["status"] == status
    [entry] = await shop.database["audit_log"].find({"action": f"review.{verdict}ed"}).to_list()
    assert (entry["merchantId"], entry["actor"]) == ("alpha", "admin:operator:ops")


async def _ended(shop: Shop, *, suspended: bool) -> list[dict[str, int]]:
    """Return what jobs do in eight days with an open session and a paid one of a merchant's."""
    name = "suspended" if suspended else "active"
    key = (await keys_of(shop, name))[Kind.SECRET]
    await shop.api.open(key, sessionId=f"open-{name}", currency="USD")
    if suspended:
        await suspend(shop, name)
    reports = []
    for hours in (0, 1, 8 * 24):
        shop.pass_time(hours=hours)
        report = await shop.clean_up()
        reports.append({what: report[what] for what in ("expired", "purged")})
    return reports


async def test_jobs_end_and_delete_its_sessions_neither_earlier_nor_later(shop: Shop) -> None:
    active = await _ended(shop, suspended=False)
    assert active == [
        {"expired": 0, "purged": 0},
        {"expired": 1, "purged": 0},
        {"expired": 0, "purged": 1},
    ]
    assert await _ended(shop, suspended=True) == active


async def test_its_key_opens_no_dashboard_and_whoever_is_signed_in_is_out(shop: Shop) -> None:
    key, http = (await keys_of(shop))[Kind.ADMIN], shop.api.http
    signed = await sign_in(http, key)
    name, token = next((one.name, one.value or "") for one in http.cookies.jar)
    assert signed.status_code == 303
    http.cookies.clear()
    assert await opens(http, token, name)
    await suspend(shop)
    assert not await opens(http, token, name)
    http.cookies.clear()
    refused = await sign_in(http, key)
    assert (refused.status_code, "is suspended" in refused.text) == (403, True)
    http.cookies.clear()
    assert (await sign_in(http, ADMIN)).status_code == 303  # the control


async def test_control_without_the_look_at_merchants_nothing_would_be_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = (await keys_of(shop))[Kind.SECRET]
    await suspend(shop)

    async def unseen(_: Merchants, merchant_id: str) -> Merchant:
        return Merchant.unnamed(merchant_id, shop.clock.now())

    monkeypatch.setattr(Merchants, "of", unseen)
    assert (403, "merchant_suspended") not in (await _refusing(shop, key))[1]
