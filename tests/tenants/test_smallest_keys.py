"""A key with one scope, of each kind, against every route: it opens what names that alone."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from litestar import Litestar
from litestar.routes import HTTPRoute

from service.core.clock import ManualClock
from service.core.principal import AccessScope, Kind, bundle_of
from service.storage.database import Database
from service.web import short_way
from service.web.authentication import scopes_needed
from service.web.keys.issuing import revoke_key
from tests.support.built import app
from tests.support.keys import issue_key

__all__ = ["app"]

# Of merchants each key names its own: any other one is the operator's.
_ID = re.compile(r"\{(?!merchant_id)[^}]*\}")
# What a call may change although it was refused: when a key was used last, and nothing else.
_BESIDES = {"api_keys", "leases", "idempotency_keys"}

Scopes = frozenset[AccessScope]
STREAM = "/api/events/stream"


@pytest.fixture
async def http(app: Litestar) -> AsyncIterator[AsyncClient]:
    """A caller of the whole application."""
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://testserver") as http:
        yield http


def _routes(app: Litestar) -> Iterator[tuple[str, str, Scopes]]:
    """Go through method, path and needed scopes of every route that asks for a caller."""
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            needed = frozenset(map(AccessScope, scopes_needed(handler.opt)))
            for method in handler.http_methods - {"OPTIONS", "HEAD"} if needed else ():
                yield method, _ID.sub("x", route.path_format), needed


async def _keys(clock: ManualClock) -> list[tuple[str, str, Scopes]]:
    """Issue a key for each scope of each kind, of the operator's merchant and of another.

    Return each with its merchant and its scope.
    """
    wanted = [
        (kind, merchant, scope)
        for merchant in ("default", "shop-2")
        for kind in (Kind.PUBLISHABLE, Kind.SECRET, Kind.ADMIN, Kind.JOBS)
        for scope in sorted(bundle_of(kind, merchant))
        if (kind, merchant) != (Kind.JOBS, "shop-2")  # none is issued
    ]
    return [
        (
            (await issue_key(clock, kind, merchant_id=merchant, scopes=[scope])).key,
            merchant,
            frozenset({scope}),
        )
        for kind, merchant, scope in wanted
    ]


async def _ask(http: AsyncClient, method: str, path: str, key: str | None) -> int:
    headers = {"X-API-Key": key} if key is not None else {}
    if path == STREAM:
        path += "?events=none"  # whoever is let in is told so by a 400, and by no endless answer
    sent: dict[str, Any] = {} if method in {"GET", "DELETE"} else {"json": {}}
    return (await http.request(method, path, headers=headers, **sent)).status_code


async def _rows(database: Database) -> Counter[str]:
    names = set(await database.list_collection_names()) - _BESIDES
    return Counter({name: await database[name].count_documents({}) for name in names})


async def test_a_key_with_one_scope_opens_only_what_asks_for_that_alone(
    app: Litestar, http: AsyncClient, clock: ManualClock, database: Database
) -> None:
    keys, routes, before = await _keys(clock), list(_routes(app)), await _rows(database)
    refused = 0
    for key, merchant, scopes in keys:
        for method, path, needed in routes:
            if needed <= scopes:
                continue
            named = path.format(merchant_id=merchant)
            assert await _ask(http, method, named, key) == 403, (method, path, scopes)
            refused += 1
    assert refused > 500
    assert await _rows(database) == before
    for key, merchant, scopes in keys:
        for method, path, needed in routes:
            if needed <= scopes:
                answer = await _ask(http, method, path.format(merchant_id=merchant), key)
                assert answer not in {401, 403}, (method, path, scopes)


async def test_control_without_the_look_at_scopes_they_open_more(
    app: Litestar, http: AsyncClient, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(short_way, "admit", lambda scope: None)
    key, _, scopes = (await _keys(clock))[0]
    opened = [
        path
        for method, path, needed in _routes(app)
        if not needed <= scopes and await _ask(http, method, path, key) != 403
    ]
    assert len(opened) > 5


async def test_a_key_that_ended_and_none_at_all_open_nothing(
    app: Litestar, http: AsyncClient, clock: ManualClock
) -> None:
    ended = await issue_key(clock, Kind.ADMIN)
    assert await _ask(http, "GET", "/api/admin/audit", ended.key) == 200
    await revoke_key(clock, ended.key_id)
    clock.advance(timedelta(minutes=1))  # a process remembers a key for seconds
    asked = 0
    for method, path, _ in _routes(app):
        for key in (None, "ak_nobody_has_issued_this_one_ever", ended.key, ended.key_id):
            assert await _ask(http, method, path, key) == 401, (method, path)
            asked += 1
    assert asked > 80
