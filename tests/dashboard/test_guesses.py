"""Guessing a key: limited without any setting, and nobody locks the true admin out."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from httpx import AsyncClient
from litestar import Request

from service.core.clock import ManualClock
from service.core.errors import TooManyRequests, Unavailable
from service.dashboard.login import refusals
from service.dashboard.login.cookies import BROWSER, SIGN_IN, Cookies
from service.storage.database import Database, Row
from service.web.sign_ins import guesses
from service.web.sign_ins.guesses import MOST_COUNTED, OF_ALL, OF_ONE, Budget, Guesses
from tests.dashboard.signing_in import HOME, browsing, sign_in
from tests.support.settings import ADMIN, SECRET, VARIABLES, make_settings

WRONG = "ak_" + "x" * 43
FOREVER = Budget(10_000, 1)


@pytest_asyncio.fixture
async def http(database: Database, clock: ManualClock) -> AsyncIterator[AsyncClient]:
    """A browser behind a proxy that names its address; no rate limit is set."""
    settings = make_settings(
        PUBLIC_URL=HOME, TRUSTED_PROXIES="127.0.0.1", RATE_LIMIT_PER_ADDRESS="0"
    )
    async with browsing(settings, database, clock) as browser:
        yield browser


async def tried(http: AsyncClient, address: str, key: str = WRONG) -> int:
    """Try a key from an address, and return the status."""
    answer = await sign_in(http, key, **{"X-Forwarded-For": address})
    if answer.status_code == 429:
        assert int(answer.headers["retry-after"]) > 0
        assert "Too many keys" in answer.text
    return answer.status_code


async def entries(database: Database) -> list[Row]:
    """Return what the audit has of refused sign-ins."""
    found = database["audit_log"].find({"action": "dashboard.sign_in_refused"})
    return await found.sort("_id", 1).to_list()


async def test_an_address_may_guess_ten_times_and_then_once_a_minute(
    http: AsyncClient, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in [WRONG, SECRET, "", "x" * 300, "ключ"] * 2:
        assert await tried(http, "203.0.113.1", key) == 403
    assert await tried(http, "203.0.113.1", ADMIN) == 429  # else a guess would show itself
    assert await tried(http, "203.0.113.2", ADMIN) == 303  # another address is another's
    http.cookies.clear()
    for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"):
        for _ in range(5):
            assert await tried(http, address) == 403
    assert await tried(http, "2001:db8:1:2::7") == 429  # one customer's network
    clock.advance(timedelta(seconds=OF_ONE.one_more_every_s))
    assert await tried(http, "203.0.113.1", ADMIN) == 303  # nobody is shut out for ever
    http.cookies.clear()
    monkeypatch.setattr(guesses, "OF_ONE", FOREVER)  # the control
    for _ in range(11):
        assert await tried(http, "203.0.113.3") == 403


async def test_all_strangers_together_are_limited_and_a_known_browser_gets_in(
    http: AsyncClient, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many addresses guess: who has signed in once has tries that nobody else can use."""
    assert await tried(http, "203.0.113.9", ADMIN) == 303
    known = http.cookies[BROWSER]
    http.cookies.clear()
    for number in range(OF_ALL.most):
        assert await tried(http, f"198.51.100.{number}") == 403
    assert await tried(http, "198.51.100.200", ADMIN) == 429
    for forged in (f"{known}x", known.partition(".")[0], "."):
        http.cookies.clear()
        http.cookies.set(BROWSER, forged, path="/dashboard")
        assert await tried(http, "198.51.100.200", ADMIN) == 429
    http.cookies.clear()
    http.cookies.set(BROWSER, known, path="/dashboard")
    assert await tried(http, "198.51.100.1", ADMIN) == 303
    http.cookies.delete(SIGN_IN)
    for _ in range(OF_ONE.most):
        assert await tried(http, "198.51.100.1") == 403
    assert await tried(http, "198.51.100.1", ADMIN) == 429  # a stolen one opens no flood
    http.cookies.clear()
    clock.advance(timedelta(seconds=OF_ALL.one_more_every_s))
    assert await tried(http, "198.51.100.201", ADMIN) == 303
    http.cookies.clear()
    monkeypatch.setattr(guesses, "OF_ALL", FOREVER)  # the control
    assert await tried(http, "198.51.100.202") == 403


async def test_refused_sign_ins_are_told_in_one_entry_a_minute(
    http: AsyncClient, database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(13):
        await tried(http, "203.0.113.1")
    assert [row["detail"]["tries"] for row in await entries(database)] == [1]
    clock.advance(refusals.EVERY)
    await tried(http, "203.0.113.2")
    first, second = await entries(database)
    assert (first["actor"], first["detail"]["tries"]) == ("stranger", 1)
    assert first["client"] == first["detail"]["clients"][0] != ""
    assert (second["client"], second["detail"]["tries"]) == (None, 13)
    assert set(second["detail"]["clients"]) > {first["client"]}
    assert "203.0.113" not in repr([first, second])
    monkeypatch.setattr(refusals, "EVERY", timedelta(0))  # the control
    for _ in range(3):
        await tried(http, "203.0.113.3")
    assert len(await entries(database)) == 5


async def test_what_is_not_told_yet_is_told_later_and_at_the_end(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings(PUBLIC_URL=HOME)
    async with browsing(settings, database, clock) as browser:
        for _ in range(4):
            await sign_in(browser, WRONG)
        assert len(await entries(database)) == 1
    assert [row["detail"]["tries"] for row in await entries(database)] == [1, 3]
    counted = refusals.Refusals(clock)
    for _ in range(2):
        await counted.note("a client")
    assert counted._timer is not None  # a minute later, whoever comes
    counted._report_later()
    assert counted._reporting is not None
    await counted._reporting
    assert [row["detail"]["tries"] for row in await entries(database)] == [1, 3, 1, 1]
    await counted.aclose()


async def test_refused_sign_ins_name_a_few_clients_and_wait_for_the_database(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("away")

    counted = refusals.Refusals(clock)
    await counted.note("the first")
    for number in range(25):
        await counted.note(f"client {number}")
    with monkeypatch.context() as patch:
        patch.setattr(refusals, "record", away)
        await counted.report()
    assert len(await entries(database)) == 1
    await counted.aclose()
    last = (await entries(database))[-1]["detail"]
    assert (last["tries"], len(last["clients"])) == (25, 20)


def test_a_browser_stays_known_while_the_pepper_is_rotated() -> None:
    old, new = VARIABLES["PII_PEPPER"], "A-Newer-Pepper-Of-32-Characters-0123456789"

    def jar(peppers: str) -> Cookies:
        return Cookies(make_settings(PII_PEPPER=peppers).access.peppers, secure=True)

    kept = jar(old).browser()
    scope: Any = {"type": "http", "headers": [(b"cookie", f"{kept.key}={kept.value}".encode())]}
    known = [jar(peppers).known_browser(Request(scope)) for peppers in (old, f"{new},{old}", new)]
    assert known == [str(kept.value).partition(".")[0]] * 2 + [None]


def test_what_is_counted_is_bounded_and_a_right_key_costs_nothing(clock: ManualClock) -> None:
    counting = Guesses(clock)
    for number in range(OF_ALL.most * 2):
        counting.take(f"network {number}", None)
        counting.give_back(f"network {number}", None)
    for number in range(MOST_COUNTED + 50):
        counting.take("", f"browser {number}")
    assert len(counting._left) == MOST_COUNTED
    for _ in range(OF_ALL.most):
        counting.take(f"{counting._clock.now()} {_}", None)
    with pytest.raises(TooManyRequests):
        counting.take("one more", None)
