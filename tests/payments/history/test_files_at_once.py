"""Who takes files and doesn't read them holds a few places, and gives them back."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import pytest
from litestar import Litestar

from service.core.principal import Kind, Principal
from service.web import downloads
from tests.support.api import ADMIN, SECRET
from tests.support.keys import issue_key
from tests.support.patience import IN_TIME
from tests.support.shop import Shop

PATH = "/api/payment/payment-history"


class Reader:
    """A client that takes the head of a file, and nothing more until it is told to go on."""

    def __init__(self, app: Litestar, key: str) -> None:
        """Ask for a file."""
        self.began, self.goes_on = asyncio.Event(), asyncio.Event()
        self.status = 0
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": PATH,
            "raw_path": PATH.encode(),
            "query_string": b"format=csv",
            "headers": [(b"host", b"testserver"), (b"authorization", f"Bearer {key}".encode())],
            "client": ("127.0.0.1", 5000),
            "server": ("testserver", 80),
            "state": {},
            "app": app,
        }
        self.task = asyncio.create_task(app(scope, self._receive, self._send))  # type: ignore[arg-type]

    async def _receive(self) -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.began.set()
            await self.goes_on.wait()


async def _key(shop: Shop, name: str, merchant: str) -> str:
    return (await issue_key(shop.clock, Kind.ADMIN, merchant_id=merchant, name=name)).key


async def _hold(app: Litestar, many: int, key: str = SECRET) -> list[Reader]:
    readers = [Reader(app, key) for _ in range(many)]
    async with asyncio.timeout(IN_TIME):
        for one in readers:
            await one.began.wait()
    return readers


async def _let_go(readers: list[Reader]) -> None:
    for one in readers:
        one.task.cancel()
    await asyncio.gather(*(one.task for one in readers), return_exceptions=True)


async def test_a_key_is_sent_a_few_files_at_once_and_others_are_not_held_up(
    shop: Shop, app: Litestar
) -> None:
    readers = await _hold(app, downloads.MOST_OF_ONE)
    try:
        refused = await shop.api.call("GET", f"{PATH}?format=csv", SECRET)
        assert (refused.status_code, refused.json()["error"]) == (429, "too_many_downloads")
        assert int(refused.headers["retry-after"]) > 0
        assert (await shop.api.call("GET", PATH, SECRET)).status_code == 200  # a page is no file
        other = await shop.api.call("GET", f"{PATH}?format=csv", ADMIN)
        assert (other.status_code, other.headers["cache-control"]) == (200, "no-store")
    finally:
        await _let_go(readers)
    again = await shop.api.call("GET", f"{PATH}?format=csv", SECRET)
    assert again.status_code == 200
    assert not downloads._UnderWay.by_taker


async def test_all_callers_together_are_sent_a_bounded_number(
    shop: Shop, app: Litestar, monkeypatch: Any
) -> None:
    monkeypatch.setattr(downloads, "MOST", 2)
    readers = await _hold(app, 2)
    try:
        refused = await shop.api.call("GET", f"{PATH}?format=csv", ADMIN)
        assert (refused.status_code, refused.json()["error"]) == (429, "too_many_downloads")
    finally:
        await _let_go(readers)


@pytest.mark.parametrize("most", [downloads.MOST_OF_A_MERCHANT, 10**6], ids=["shared", "control"])
async def test_a_merchant_with_many_keys_leaves_places_to_others(
    shop: Shop, app: Litestar, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Six keys of one merchant took all sixteen places for as long as they read nothing."""
    monkeypatch.setattr(downloads, "MOST_OF_A_MERCHANT", most)
    await shop.admin("PUT", "/merchants/other", json={"name": "Other", "zone": "UTC"})
    keys = [await _key(shop, f"ours-{n}", "default") for n in range(6)]
    theirs = await _key(shop, "theirs", "other")
    readers: list[Reader] = []
    try:
        for n in range(downloads.MOST):
            readers += await _hold(app, 1, keys[n // downloads.MOST_OF_ONE])
        held = [one for one in readers if one.status == 200]
        refused = [one for one in readers if one.status == 429]
        assert len(held) == min(most, downloads.MOST)
        assert len(held) + len(refused) == downloads.MOST
        other = await shop.api.call("GET", f"{PATH}?format=csv", theirs)
        assert other.status_code == (200 if most < downloads.MOST else 429)
    finally:
        await _let_go(readers)
    assert not downloads._UnderWay.by_taker


def test_the_places_of_a_merchant_are_taken_by_nobody_else() -> None:
    async def rows() -> AsyncIterator[bytes]:
        yield b""

    takers = {
        downloads.Download(rows(), "a.csv", "text/csv", Principal(kind, merchant, "k", "ops")).taker
        for merchant in ("default", "other")
        for kind in (Kind.SECRET, Kind.ADMIN)
    }
    assert len(takers) == 4


async def test_control_without_the_places_any_number_is_sent(
    shop: Shop, app: Litestar, monkeypatch: Any
) -> None:
    monkeypatch.setattr(downloads, "MOST_OF_ONE", 1000)
    monkeypatch.setattr(downloads, "MOST_OF_A_MERCHANT", 1000)
    readers = await _hold(app, 10)
    await _let_go(readers)
    assert {one.status for one in readers} == {200}


@pytest.mark.parametrize("places", [0, downloads.MOST], ids=["refused", "control"])
@pytest.mark.parametrize(
    "path",
    [
        f"{PATH}?format=csv",
        "/api/v1/analytics/exports/transactions",
        "/api/v1/analytics/exports/transactions?format=json",
        "/api/v1/analytics/exports/accounting",
    ],
)
async def test_a_file_that_is_refused_is_not_on_the_record_as_taken(
    shop: Shop, path: str, places: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MOST", places)
    answer = await shop.api.call("GET", path, ADMIN)
    assert answer.status_code == (200 if places else 429)
    taken = {"action": {"$regex": "downloaded$"}}
    assert await shop.database["audit_log"].count_documents(taken) == (1 if places else 0)
