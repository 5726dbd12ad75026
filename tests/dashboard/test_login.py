"""Who may look at the dashboard: an admin key, shown once, remembered by a cookie."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient, Response
from litestar import Litestar

from service.app import create_app
from service.core.clock import ManualClock
from service.dashboard.login.cookies import BADGE, LASTS
from service.storage.database import Database
from service.wiring import close_providers
from tests.support.settings import ADMIN, SECRET, make_settings

HOME = "http://127.0.0.1:8000"


async def client_of(app: Litestar) -> AsyncIterator[AsyncClient]:
    """A browser without scripts."""
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url=HOME) as http:
        yield http
    await close_providers(app.state.wired.providers)


@pytest_asyncio.fixture
async def production(database: Database, clock: ManualClock) -> AsyncIterator[AsyncClient]:
    """A browser at a service in production, where there is no sandbox to show."""
    settings = make_settings(ENVIRONMENT="production", PUBLIC_URL="https://pay.example.com")
    app = create_app(settings, database, clock=clock, loop=False)
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="https://pay.example.com") as http:
        yield http
    await close_providers(app.state.wired.providers)


def token_in(page: Response) -> str:
    """Give the token of the page's form."""
    found = re.search(r'name="token" value="([^"]+)"', page.text)
    assert found
    return found[1]


async def sign_in(http: AsyncClient, key: str = ADMIN, following: str = "/dashboard") -> Response:
    """Show a key in the form."""
    page = await http.get("/dashboard/login", params={"next": following})
    assert page.status_code == 200
    given = {"key": key, "token": token_in(page), "next": following}
    return await http.post("/dashboard/login", data=given)


async def test_nobody_sees_a_page_without_a_badge(production: AsyncClient) -> None:
    for path in ("/dashboard", "/dashboard/sessions/ps_1"):
        answer = await production.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/dashboard/login?next={path}"


async def test_admin_key_opens_the_dashboard_and_its_cookie_goes_nowhere_else(
    production: AsyncClient,
) -> None:
    entered = await sign_in(production)
    assert (entered.status_code, entered.headers["location"]) == (303, "/dashboard")
    badge = next(one for one in entered.headers.get_list("set-cookie") if one.startswith(BADGE))
    flags = {flag.strip().lower() for flag in badge.split(";")[1:]}
    assert {"httponly", "secure", "samesite=strict", "path=/dashboard"} <= flags
    assert ADMIN not in badge
    page = await production.get("/dashboard")
    assert page.status_code == 200
    assert "sandbox" not in page.text
    assert "'unsafe-inline'" not in page.headers["content-security-policy"]


async def test_cookie_is_not_secure_where_there_is_no_https(
    database: Database, clock: ManualClock
) -> None:
    app = create_app(make_settings(PUBLIC_URL=HOME), database, clock=clock, loop=False)
    async for http in client_of(app):
        badge = (await sign_in(http)).headers.get_list("set-cookie")[0]
        assert "secure" not in badge.lower()


@pytest.mark.parametrize("key", [SECRET, "ak_" + "x" * 43, "", "x" * 5000, "ключ"])
async def test_no_other_key_opens_it(production: AsyncClient, key: str) -> None:
    refused = await sign_in(production, key)
    assert refused.status_code == 403
    assert BADGE not in production.cookies
    assert "no admin key" in refused.text


async def test_form_of_another_site_opens_nothing(production: AsyncClient) -> None:
    await production.get("/dashboard/login")
    forged = await production.post("/dashboard/login", data={"key": ADMIN, "token": "x"})
    assert forged.status_code == 403
    assert BADGE not in production.cookies


async def test_token_of_another_reader_opens_nothing(production: AsyncClient) -> None:
    token = token_in(await production.get("/dashboard/login"))
    production.cookies.clear()
    await production.get("/dashboard/login")
    forged = await production.post("/dashboard/login", data={"key": ADMIN, "token": token})
    assert forged.status_code == 403


@pytest.mark.parametrize(
    "following", ["https://evil.example", "//evil.example", "/dashboard/../x", "/shop", "\\\\evil"]
)
async def test_login_leads_to_nobody_elses_page(production: AsyncClient, following: str) -> None:
    entered = await sign_in(production, following=following)
    assert entered.headers["location"] == "/dashboard"


async def test_badge_ends_after_its_time(production: AsyncClient, clock: ManualClock) -> None:
    await sign_in(production)
    badge = production.cookies[BADGE]
    clock.advance(LASTS - timedelta(seconds=1))
    cookies = {"cookie": f"{BADGE}={badge}"}
    assert (await production.get("/dashboard", headers=cookies)).status_code == 200
    clock.advance(timedelta(seconds=2))
    assert (await production.get("/dashboard", headers=cookies)).status_code == 303


@pytest.mark.parametrize("badge", ["", "x", "gAAAAABm" + "A" * 80, "é"])
async def test_forged_badge_opens_nothing(production: AsyncClient, badge: str) -> None:
    headers = {"cookie": f"{BADGE}={badge}".encode()}
    assert (await production.get("/dashboard", headers=headers)).status_code == 303


async def test_badge_of_a_key_that_was_removed_opens_nothing(
    production: AsyncClient, database: Database, clock: ManualClock
) -> None:
    await sign_in(production)
    cookies = {"cookie": f"{BADGE}={production.cookies[BADGE]}"}
    later = make_settings(PUBLIC_URL=HOME, API_ADMIN_KEYS="ak_test_another_0123456789ab")
    async for http in client_of(create_app(later, database, clock=clock, loop=False)):
        assert (await http.get("/dashboard", headers=cookies)).status_code == 303


async def test_signing_out_takes_a_token_and_forgets_the_badge(production: AsyncClient) -> None:
    await sign_in(production)
    forged = await production.post("/dashboard/logout", data={"token": "x"})
    assert forged.status_code == 403
    assert (await production.get("/dashboard")).status_code == 200
    token = token_in(await production.get("/dashboard"))
    left = await production.post("/dashboard/logout", data={"token": token})
    assert left.headers["location"] == "/dashboard/login"
    assert (await production.get("/dashboard")).status_code == 303


async def test_badge_is_no_key_of_the_api(production: AsyncClient) -> None:
    await sign_in(production)
    assert (await production.get("/api/admin/audit")).status_code == 401


async def test_production_has_neither_shop_nor_sandbox(production: AsyncClient) -> None:
    for path in ("/shop", "/shop/return", "/sandbox/chaos", "/sandbox/api/chaos", "/sandbox/pay/x"):
        assert (await production.get(path)).status_code == 404
