"""What a key may do: bundles of scopes, keys with some of them, and keys of the operator."""

from typing import Any

import pytest
from httpx import AsyncClient
from litestar import Litestar
from litestar.routes import HTTPRoute

from service.core.clock import ManualClock
from service.core.errors import InvalidInput
from service.core.principal import BUNDLES, AccessScope, Kind, Principal
from service.storage.database import Database
from service.web import gate
from service.web.authentication import PUBLIC, scopes_needed
from service.web.keys.ring import KeyRing
from tests.support.keys import issue_key
from tests.web.app import AK, settings_for

ORDER = {"amount": 1000}
_ONCE = {"Idempotency-Key": "an-order-1"}

# What asks for its caller itself, or nobody has to prove anything for.
OPEN = ("/api/webhooks/", "/api/payments/webhook", "/api/payment/webhook", "/health/", "/docs")
OPEN += (
    "/openapi.json",
    "/dashboard",
    "/assets/",
    "/errors",
    "/sandbox",
    "/shop",
    "/tillgate.js",
    "/tillgate-",
    "/mail/unsubscribe",
    "/resume",
)
START = "/"


async def _post(http: AsyncClient, key: str, headers: dict[str, str] | None = None) -> Any:
    return await http.post("/api/orders", json=ORDER, headers={"X-API-Key": key, **(headers or {})})


def _handlers(app: Litestar) -> list[tuple[str, dict[str, Any]]]:
    return [
        (route.path, handler.opt)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.http_methods != {"OPTIONS"}
    ]


def _without_any(handlers: list[tuple[str, dict[str, Any]]]) -> list[str]:
    unscoped = [path for path, opt in handlers if not scopes_needed(opt)]
    return [path for path in unscoped if path != START and not path.startswith(OPEN)]


async def test_every_route_states_its_scopes_or_is_open_on_purpose(app: Litestar) -> None:
    handlers = _handlers(app)
    assert _without_any(handlers) == []
    assert all(PUBLIC in opt for path, opt in handlers if not scopes_needed(opt))
    assert {one for _, opt in handlers for one in scopes_needed(opt)} == set(AccessScope)
    # Control: a route that forgot them is found.
    assert _without_any([*handlers, ("/api/new", {})]) == ["/api/new"]


def test_each_kind_has_what_it_had_and_only_the_operators_merchant_has_what_is_global() -> None:
    assert set().union(*BUNDLES.values()) == set(AccessScope)
    for kind in Kind:
        own, other = Principal(kind, "default", "0"), Principal(kind, "other", "0")
        assert own.scopes - other.scopes <= {AccessScope.OPERATOR}
        assert AccessScope.OPERATOR not in other.scopes
    assert AccessScope.OPERATOR in Principal(Kind.ADMIN, "default", "0").scopes
    everything = Principal(Kind.SECRET, "other", "0", granted=frozenset(AccessScope))
    assert everything.scopes == BUNDLES[Kind.SECRET]


async def test_a_key_with_some_scopes_does_no_more_and_is_told_which_is_missing(
    http: AsyncClient, clock: ManualClock
) -> None:
    reader = await issue_key(clock, Kind.SECRET, scopes=[AccessScope.SESSIONS_READ])
    asked = await http.get("/api/orders?userId=u", headers={"X-API-Key": reader.key})
    assert asked.status_code == 200
    refused = await _post(http, reader.key)
    assert (refused.status_code, refused.json()["error"]) == (403, "forbidden")
    assert refused.json()["detail"].endswith("a secret key without the scope sessions:write.")
    assert (await http.get("/api/orders/ps_1", headers={"X-API-Key": AK})).status_code == 200


async def test_an_answer_that_was_kept_is_replayed_to_those_alone_who_may_ask(
    http: AsyncClient, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await issue_key(clock, Kind.SECRET)
    reader = await issue_key(clock, Kind.SECRET, scopes=[AccessScope.SESSIONS_READ])
    assert (await _post(http, server.key, _ONCE)).status_code == 201
    assert (await _post(http, server.key, _ONCE)).headers["idempotent-replayed"] == "true"
    assert (await _post(http, reader.key, _ONCE)).status_code == 403
    # Control: without the look at the scopes the answer is given away.
    monkeypatch.setattr(gate, "admit", lambda scope: None)
    assert (await _post(http, reader.key, _ONCE)).status_code == 201


@pytest.mark.parametrize("merchant", ["", " ", "a b", "a\n", "\x1b[31m", "ä", "a" * 41, "../b"])
async def test_a_merchant_has_an_id_that_can_be_printed_and_compared(
    database: Database, clock: ManualClock, merchant: str
) -> None:
    with pytest.raises(InvalidInput, match="merchant takes 1 to 40 letters"):
        await issue_key(clock, Kind.SECRET, merchant_id=merchant)
    assert await database["api_keys"].count_documents({}) == 0


@pytest.mark.parametrize(
    ("kind", "merchant", "scopes"),
    [
        (Kind.PUBLISHABLE, "default", [AccessScope.AUDIT_READ]),
        (Kind.ADMIN, "other", [AccessScope.AUDIT_READ, AccessScope.OPERATOR]),
        (Kind.ADMIN, "default", []),
        (Kind.JOBS, "other", None),
    ],
)
async def test_no_key_is_issued_beyond_its_kind(
    database: Database,
    clock: ManualClock,
    kind: Kind,
    merchant: str,
    scopes: list[AccessScope] | None,
) -> None:
    with pytest.raises(InvalidInput):
        await issue_key(clock, kind, merchant_id=merchant, scopes=scopes)


async def test_a_key_of_the_version_before_has_the_bundle_of_its_kind(
    database: Database, clock: ManualClock
) -> None:
    ring = KeyRing(settings_for().access, clock)
    keys = {
        merchant: await issue_key(clock, Kind.ADMIN, merchant_id=merchant)
        for merchant in ("default", "other")
    }
    await database["api_keys"].update_many({}, {"$unset": {"scopes": 1}})
    own, other = [await ring.identify(issued.key) for issued in keys.values()]
    assert own.scopes == BUNDLES[Kind.ADMIN]
    assert other.scopes == own.scopes - {AccessScope.OPERATOR}
