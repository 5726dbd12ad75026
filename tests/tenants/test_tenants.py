"""What one merchant has is nothing to another: not read, changed, listed, replayed or decided."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from httpx import Response

from service.core.ids import digest
from service.core.principal import BUNDLES, AccessScope, Kind, bundle_of
from service.notifications.alerts.operations.agree import agree
from service.notifications.alerts.operations.browse import open_alerts
from service.notifications.alerts.operations.condition import Sighting
from service.sessions import repository as sessions
from service.storage.database import Row
from service.stored import DOCUMENTS
from tests.outbox.subscribing import DEAD, dead_letter
from tests.payments.history.rows import dispute, refund
from tests.sessions.asking import token_of
from tests.support.api import ADMIN
from tests.support.events import Delivery, stripe_checkout
from tests.support.keys import issue_key
from tests.support.shop import Shop
from tests.tenants.figures import figures
from tests.tenants.later import LEAD, calls, own

A, B = "alpha", "beta"
USER, EVENT, PLAN = "user_of_alpha", "event_of_alpha", "plan_of_alpha"
# What an answer to anybody else must not hold; nobody below sends it.
MARKS = ("ada@alpha.example", "words-of-alpha", "424242", "server-of-alpha")


@dataclass(frozen=True, slots=True)
class Probe:
    """A call that names what is A's, and how it may be answered to who has the route's scopes."""

    options: Mapping[str, Any] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)
    answers: tuple[int, ...] = (404,)


@dataclass(frozen=True, slots=True)
class Owned:
    """What A has: its keys, and the ids that B has learned somehow."""

    keys: Mapping[Kind, str]
    client_secret: str
    quote_id: str
    review_id: str
    delivery_id: str
    alert_id: str
    payment_id: str
    dispute_id: str
    refund_id: str
    endpoint_id: str
    intent_id: str


async def _keys(shop: Shop, merchant: str) -> dict[Kind, str]:
    kinds = (Kind.PUBLISHABLE, Kind.SECRET, Kind.ADMIN)
    named = f"server-of-{merchant}"
    keys = {
        kind: (await issue_key(shop.clock, kind, merchant_id=merchant, name=named)).key
        for kind in kinds
    }
    # The version before issued these to anybody.
    jobs = await issue_key(shop.clock, Kind.JOBS)
    changed = {"merchantId": merchant, "name": named}
    await shop.database["api_keys"].update_one({"_id": digest(jobs.key)}, {"$set": changed})
    return keys | {Kind.JOBS: jobs.key}


def _paid(shop: Shop, session_id: str, amount: int = 1000, **fields: Any) -> Delivery:
    """Tell that a session of A's was paid; its metadata are written by A's server alone."""
    session = {"sessionId": session_id, "amount": amount, "currency": "USD"}
    named = {"checkoutSessionId": session_id, "merchantId": A}
    found = stripe_checkout(session, metadata=named, **fields)
    return shop.stripe("checkout.session.completed", found)


async def _priced(shop: Shop, admin: str) -> None:
    price = {"amount": 424242, "currency": "USD"}
    priced = await shop.api.call("PUT", f"/api/admin/prices/{PLAN}", admin, json=price)
    assert priced.status_code == 200, priced.text
    await shop.api.call("PUT", "/api/admin/coupons/ALPHA", admin, json={"basisPoints": 100})


async def _owned(shop: Shop) -> Owned:
    """Return A one of everything: an open, a paid and a reviewed session, an event, a price."""
    keys = await _keys(shop, A)
    call, secret = shop.api.call, keys[Kind.SECRET]
    await _priced(shop, keys[Kind.ADMIN])
    more = {"userId": USER, "eventId": EVENT, "currency": "USD"}
    more["metadata"] = {"note": "words-of-alpha"}
    for name in ("a-open", "a-paid", "a-review"):
        await shop.api.open(secret, sessionId=name, **more)
    plan = {"userId": USER, "plan": PLAN, "provider": "upi", "email": "ada@alpha.example"}
    plan |= {"currency": "INR", "amount": 424242, "sessionId": "a-plan"}
    opened = await call("POST", "/api/checkout-sessions", secret, json=plan)
    assert opened.status_code == 201, opened.text
    assert (await shop.api.told(_paid(shop, "a-paid")))["outcome"] == "processed"
    assert (await shop.api.told(_paid(shop, "a-review", 424242)))["outcome"] == "review"
    [row] = await shop.events(sessionId="a-review")
    quote = await call("POST", "/api/quotes", secret, json={"items": {"plan": PLAN}})
    quote_id = quote.json()["quote"]["quoteId"]
    await dead_letter(shop, A)
    await own(shop, A)
    await agree("endpoint_disabled", [Sighting("words-of-alpha", "", A)], shop.clock.now(), None)
    [alert] = await open_alerts(A, 1)
    [paid] = await shop.payments(sessionId="a-paid")
    await refund(paid, "a-refund-0001", reason="words-of-alpha")
    disputed = str((await dispute(paid, "a-dispute"))["_id"])
    wanted = {"paymentId": "pi_a-paid", "amount": 5, "reason": "words-of-alpha"}
    asked = await call("POST", "/api/payment/request-refund", secret, json=wanted)
    hook = {"url": "http://127.0.0.1:9/hook", "events": ["*"], "description": "words-of-alpha"}
    added = await call("POST", "/api/webhook-endpoints", keys[Kind.ADMIN], json=hook)
    assert added.status_code == 201, added.text
    left = await call("POST", "/api/payment-intent", secret, json=LEAD)
    return Owned(
        keys,
        client_secret=opened.json()["clientSecret"],
        quote_id=quote_id,
        review_id=row["_id"],
        delivery_id=DEAD,
        alert_id=alert.id,
        payment_id=str(paid["_id"]),
        dispute_id=disputed,
        refund_id=asked.json()["refund"]["refundId"],
        endpoint_id=added.json()["endpoint"]["id"],
        intent_id=left.json()["data"]["paymentIntentId"],
    )


def _probes(owned: Owned) -> dict[str, list[Probe]]:
    """Return, for each operation of the OpenAPI document, calls that name what is A's."""
    named = {"json": {"sessionId": "a-open", "metadata": {"x": 1}}}
    by_hand = {"json": {"sessionId": "a-open", "status": "completed"}}
    # A browser may settle nothing, whether it is there or not.
    changes = [Probe(named), Probe(by_hand, {}, (404, 403))]
    user = {"params": {"userId": USER}}
    payment = {"userId": "u", "eventId": EVENT, "amount": 5, "paymentMethod": "upi"}
    payment |= {"sessionId": "a-open", "quantity": 1}
    plan = {"userId": USER, "email": "b@beta.example", "plan": PLAN, "provider": "upi"}
    # A browser and a user have no price at B; a server makes a session of B's own.
    own, quoted = (200, 201, 400, 403), (400,)
    opening = [Probe({"json": plan | {"amount": 5, "currency": "INR"}}, {}, own)]
    opening.append(Probe({"json": plan | {"quoteId": owned.quote_id}}, {}, quoted))
    review = [{"event_id": owned.review_id}, {"event_id": "a-review"}]
    why = {"json": {"reason": "mine"}}
    decided = [Probe(why, one) for one in review]
    decided += [Probe(why | {"params": {"merchant": A}}, one, (403,)) for one in review]
    verify = [Probe({"json": {"sessionId": one}}) for one in ("a-open", "cs_test_a-paid")]
    refused, empty = (403,), (200,)
    forged = [Probe({"content": b"{}"}, {"provider": "stripe"}, (400,))]
    changing = {f"{method} /api/{path}": changes for method in ("put", "patch") for path in PATHS}
    hooks, one = "/api/webhook-endpoints", {"endpoint_id": owned.endpoint_id}
    hook = {"url": "http://127.0.0.1:9/hook", "events": ["*"]}
    again = {"json": {"since": "2026-01-01T00:00:00Z"}}
    hooked = {
        f"post {hooks}": [Probe({"json": hook}, {}, (201,))],
        f"get {hooks}": [Probe({}, {}, empty)],
        f"get {hooks}/{{endpoint_id}}": [Probe({}, one)],
        f"patch {hooks}/{{endpoint_id}}": [Probe({"json": {"enabled": False}}, one)],
        f"delete {hooks}/{{endpoint_id}}": [Probe({}, one)],
        f"post {hooks}/{{endpoint_id}}/test": [Probe({}, one)],
        f"post {hooks}/{{endpoint_id}}/rotate": [Probe({}, one)],
        f"post {hooks}/{{endpoint_id}}/resend": [Probe(again, one)],
        f"get {hooks}/{{endpoint_id}}/deliveries": [Probe({}, one)],
    }
    for some in hooked.values():
        whose = {"params": {"merchant": A}}
        some += [Probe({**each.options, **whose}, each.path, refused) for each in some]
    changing |= hooked
    laters = calls(A, USER, owned.intent_id) | figures()
    changing |= {route: [Probe(*probed) for probed in some] for route, some in laters.items()}
    return changing | {
        "post /api/payment-sessions": [Probe({"json": payment}, {}, own)],
        "get /api/payment-sessions": [
            Probe({"params": {"sessionId": "a-open"}}),
            Probe(user, {}, (200, 403)),
        ],
        "get /api/payment-sessions/{session_id}": [Probe({}, {"session_id": "a-open"})],
        "get /api/payment-sessions/{session_id}/timeline": [Probe({}, {"session_id": "a-open"})],
        **{f"post /api/{path}": opening for path in (*PATHS[1:], *CREATE_CHECKOUT)},
        **{f"get /api/{path}": [Probe(user)] for path in PATHS[1:]},
        "post /api/payment/verify-checkout-session": verify,
        "post /api/quotes": [Probe({"json": {"items": {"plan": PLAN}}}, {}, quoted)],
        "post /api/cleanup-sessions": [Probe({}, {}, refused)],
        "get /api/cleanup-sessions": [Probe({}, {}, refused)],
        "get /api/jobs": [Probe({}, {}, refused)],
        "post /api/jobs/{name}": [Probe({}, {"name": "outbox"}, refused)],
        "post /api/webhooks/{provider}": forged,
        "post /api/payments/webhook": forged,
        "post /api/payment/webhook": forged,
        "get /api/admin/webhook-events": [
            Probe({}, {}, empty),
            Probe({"params": {"sessionId": "a-paid"}}, {}, empty),
        ],
        "get /api/admin/webhook-rejections": [Probe({}, {}, refused)],
        "get /api/admin/webhook-events/{event_id}/payload": [Probe({}, one) for one in review],
        "post /api/admin/webhook-events/{event_id}/replay": [Probe({}, one) for one in review],
        # What B hears by itself is B's own: tests/notifications/test_stream.py.
        "get /api/events/stream": [Probe({"params": {"merchant": A}}, {}, (403, 404))],
        "get /api/payment/payment-history": [
            Probe({}, {}, empty),
            Probe(user, {}, (200, 403)),
            *(Probe({"params": {"format": one}}, {}, empty) for one in ("csv", "json")),
        ],
        "get /api/payment/admin/payments": [
            Probe({"params": one}, {}, empty)
            for one in ({}, user["params"], {"email": "ada@alpha.example"}, {"plan": PLAN})
        ],
        "get /api/payment/admin/analytics": [Probe({}, {}, empty)],
        "get /api/disputes": [Probe({}, {}, empty)],
        "get /api/disputes/{dispute_id}": [
            Probe({}, {"dispute_id": one}) for one in ("a-dispute", owned.dispute_id)
        ],
        "get /api/disputes/{dispute_id}/evidence": [
            Probe({}, {"dispute_id": one}) for one in ("a-dispute", owned.dispute_id)
        ],
        "get /api/payments/{any_id}": [
            Probe({}, {"any_id": one})
            for one in ("a-paid", "a-open", "pi_a-paid", "cs_test_a-paid", "a-refund-0001")
        ]
        + [Probe({}, {"any_id": one}) for one in (owned.payment_id, owned.dispute_id)],
        "get /api/admin/deliveries": [
            Probe({}, {}, empty),
            Probe({"params": {"merchant": A}}, {}, refused),
        ],
        "post /api/admin/deliveries/{delivery_id}/redeliver": [
            Probe({}, {"delivery_id": owned.delivery_id})
        ],
        "get /api/admin/alerts": [
            Probe({}, {}, empty),
            Probe({"params": {"merchant": A}}, {}, refused),
        ],
        "post /api/admin/alerts/{alert_id}/close": [Probe(why, {"alert_id": owned.alert_id})],
        "get /api/admin/reviews": [
            Probe({}, {}, empty),
            Probe({"params": {"merchant": A}}, {}, refused),
        ],
        "post /api/admin/reviews/{event_id}/accept": decided,
        "post /api/admin/reviews/{event_id}/reject": decided,
        "post /api/admin/reviews/{event_id}/reject-and-refund": decided,
        "post /api/admin/reviews/{event_id}/same-money": decided,
        "get /api/refunds": [
            Probe({}, {}, empty),
            Probe(user, {}, empty),
            Probe({"params": {"paymentId": "pi_a-paid"}}),
            Probe({"params": {"merchant": A}}, {}, refused),
        ],
        "get /api/refunds/{refund_id}": [Probe({}, {"refund_id": owned.refund_id})],
        "post /api/payment/request-refund": [
            Probe({"json": {"reason": "mine", "sessionId": "a-paid"}}),
            Probe({"json": {"reason": "mine", "paymentId": "pi_a-paid"}}),
        ],
        "post /api/payment/admin/process-refund": [
            Probe({"json": {"refundId": owned.refund_id, "action": action}})
            for action in ("approve", "deny")
        ],
        "post /api/payments/{any_id}/refunds": [
            Probe(why, {"any_id": "pi_a-paid"}),
            Probe(why | {"params": {"merchant": A}}, {"any_id": "pi_a-paid"}, refused),
        ],
        "get /api/admin/merchants": [Probe({}, {}, refused)],
        "get /api/admin/merchants/{merchant_id}": [Probe({}, {"merchant_id": A}, refused)],
        "put /api/admin/merchants/{merchant_id}": [
            Probe({"json": {"name": "mine", "zone": "UTC"}}, {"merchant_id": A}, refused)
        ],
        **{
            f"post /api/admin/merchants/{{merchant_id}}/{act}": [
                Probe(why, {"merchant_id": A}, refused)
            ]
            for act in ("suspend", "resume")
        },
        "get /api/admin/audit": [
            Probe({}, {}, empty),
            Probe({"params": {"object": "session:a-open"}}, {}, empty),
            Probe({"params": {"merchant": A}}, {}, refused),
        ],
        "delete /api/admin/prices/{item}": [Probe({"params": {"currency": "USD"}}, {"item": PLAN})],
        "delete /api/admin/coupons/{code}": [Probe({}, {"code": "ALPHA"})],
        "get /api/admin/prices": [Probe({}, {}, empty)],
        "put /api/admin/prices/{item}": [
            Probe({"json": {"amount": 7, "currency": "EUR"}}, {"item": PLAN}, empty)
        ],
        "put /api/admin/coupons/{code}": [
            Probe({"json": {"basisPoints": 5}}, {"code": "ALPHA"}, empty)
        ],
        "get /metrics": [Probe({}, {}, refused)],
        "get /health/live": [Probe({}, {}, empty)],
        "get /health/ready": [Probe({}, {}, (200, 503))],
    }


_FULL = ("sessions", "payments", "webhook_events", "audit_log", "refunds", "payment_intents")
MAKING = ("post /api/payment-s", "post /api/checkout", "post /api/payments/c")
MAKING += ("post /api/payment/create", "put /api/admin")
PATHS = ("payment-sessions", "checkout-sessions", "payments/checkout-session")
CREATE_CHECKOUT = ("payments/create-checkout", "payment/create-checkout-session")


def _operations(document: dict[str, Any]) -> list[tuple[str, set[str]]]:
    """Return each operation and the scopes that it needs; those that make something of B's last."""
    found = [
        (f"{method} {path}", {one for way in operation["security"][:1] for one in way["bearer"]})
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return sorted(found, key=lambda one: one[0].startswith(MAKING))


async def _rows_of_a(shop: Shop) -> dict[str, list[Row]]:
    names = {document.collection_name() for document in DOCUMENTS} - {"api_keys"}
    of_a = {"$or": [{"merchantId": A}, {"_id": A}]}
    return {
        name: await shop.database[name].find(of_a).sort("_id", 1).to_list()
        for name in sorted(names)
    }


async def _tried(
    shop: Shop, owned: Owned, callers: Mapping[str, tuple[str, set[str]]]
) -> list[str]:
    """Make every call with every key; return in words what was answered that must not be."""
    document = (await shop.api.http.get("/openapi.json")).json()
    probes, wrong = _probes(owned), []
    # What was really sent along by A's customer, from a browser that B has got hold of.
    proof = {"X-Client-Secret": owned.client_secret}
    for name, needed in _operations(document):
        if name not in probes:
            wrong.append(f"{name} is not tried: say in this test what of A's it could reach")
        for probe in probes.get(name, []):
            for kind, (key, scopes) in callers.items():
                expected = (403,) if needed - scopes else probe.answers
                answer = await _call(shop, name, probe, key, proof)
                seen = [mark for mark in MARKS if mark in answer.text]
                if answer.status_code not in expected or seen:
                    wrong.append(f"{kind}: {name} {answer.status_code} {seen} {answer.text[:200]}")
                elif 404 in expected and not await _same(shop, name, probe, key, answer):
                    wrong.append(f"{kind}: {name} tells what is there from what is not")
    return wrong


async def _call(
    shop: Shop, name: str, probe: Probe, key: str, headers: Mapping[str, str]
) -> Response:
    method, path = name.split(" ")
    options = {"headers": headers, **probe.options}
    return await shop.api.call(method.upper(), path.format(**probe.path), key, **options)


async def _same(shop: Shop, name: str, probe: Probe, key: str, answer: Response) -> bool:
    """Return whether an answer is that about what nobody has."""
    nobodys = json.loads(json.dumps([probe.options, probe.path]).replace("a-", "x-"))
    other = await _call(shop, name, Probe(*nobodys), key, {})
    return other.text == answer.text.replace("a-", "x-")


async def _callers(shop: Shop) -> dict[str, tuple[str, set[str]]]:
    keys = await _keys(shop, B)
    callers = {str(kind): (key, {*bundle_of(kind, B)}) for kind, key in keys.items()}
    # A user's token is one of the merchant `default`, even if it names a user of A's.
    return callers | {"user": (token_of(USER, shop.clock), {*BUNDLES[Kind.USER]})}


async def test_no_key_of_b_reaches_anything_of_a_by_any_route(shop: Shop) -> None:
    owned = await _owned(shop)
    before = await _rows_of_a(shop)
    assert all(before[name] for name in (*_FULL, "merchants"))
    assert await _tried(shop, owned, await _callers(shop)) == []
    assert await _rows_of_a(shop) == before


async def test_control_a_query_that_forgot_its_merchant_is_found(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    owned = await _owned(shop)
    read = sessions.read

    async def forgetful(merchant_id: str, session_id: str) -> Any:
        return await read(A if session_id.startswith("a-") else merchant_id, session_id)

    monkeypatch.setattr(sessions, "read", forgetful)
    wrong = await _tried(shop, owned, await _callers(shop))
    assert any("get /api/payment-sessions/{session_id} 200" in one for one in wrong)


async def test_the_operator_runs_what_is_global_and_reads_the_trail_of_any_merchant(
    shop: Shop,
) -> None:
    owned = await _owned(shop)
    trail = await shop.admin("GET", "/audit", params={"merchant": A})
    assert {one["actor"] for one in trail.json()["entries"]} == {
        "admin:server-of-alpha",
        "secret:server-of-alpha",
    }
    assert (await shop.admin("GET", "/webhook-rejections")).status_code == 200
    assert (await shop.api.call("POST", "/api/cleanup-sessions", ADMIN)).status_code == 200
    # What is a merchant's own stays so: the operator acts on it by a key of that merchant.
    assert (await shop.api.call("GET", "/api/payment-sessions/a-open", ADMIN)).status_code == 404
    answer = await shop.api.call("GET", "/api/admin/webhook-rejections", owned.keys[Kind.ADMIN])
    assert "without the scope operator" in answer.json()["detail"]
    assert AccessScope.OPERATOR not in bundle_of(Kind.ADMIN, A)


@pytest.mark.parametrize("first", ["paid", "settled"])
async def test_b_that_settles_by_hand_with_as_payment_owns_no_row_of_it(
    shop: Shop, first: str
) -> None:
    a, b = await _keys(shop, A), await _keys(shop, B)
    await shop.api.open(a[Kind.SECRET], sessionId="a-1", currency="USD")
    await shop.api.open(b[Kind.SECRET], sessionId="b-1", currency="USD")
    by_hand = {"sessionId": "b-1", "status": "completed", "reason": "paid"}
    by_hand["providerPaymentId"] = "pi_a-1"

    async def settle() -> int:
        path = "/api/payment-sessions"
        answer = await shop.api.call("PATCH", path, b[Kind.SECRET], json=by_hand)
        return answer.status_code

    async def pay() -> str:
        outcome: str = (await shop.api.told(_paid(shop, "a-1")))["outcome"]
        return outcome

    if first == "paid":
        assert (await pay(), await settle()) == ("processed", 409)
    else:
        assert (await settle(), await pay()) == (200, "processed")
    [owner] = await shop.payments(providerPaymentId="pi_a-1")
    assert (owner["merchantId"], owner["sessionId"], owner["status"]) == (A, "a-1", "succeeded")
    assert (await shop.session("a-1"))["providerPaymentId"] == "pi_a-1"
    for row in await shop.payments(merchantId=B):
        assert row["providerPaymentId"] == "hand:beta:b-1"
