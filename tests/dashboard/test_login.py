"""Who may look at the dashboard: an admin key, shown once, remembered by a cookie."""

import re

import pytest
from httpx import AsyncClient

from service.core.clock import ManualClock
from service.dashboard.login.cookies import SIGN_IN
from service.storage.database import Database
from tests.dashboard.signing_in import COOKIE, HOME, browsing, sign_in, token_in
from tests.support.settings import ADMIN, SECRET, make_settings

_SIGNS_OUT = re.compile(
    r'<form method="post" action="/dashboard/logout">\s*<input type="hidden" name="token"[^>]*>'
    r"\s*<button[^>]*>Sign out</button>"
)


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
    badge = next(one for one in entered.headers.get_list("set-cookie") if one.startswith(COOKIE))
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
    async with browsing(make_settings(PUBLIC_URL=HOME), database, clock) as http:
        badge = (await sign_in(http)).headers.get_list("set-cookie")[0]
        assert "secure" not in badge.lower()


async def test_the_key_is_typed_unseen_and_may_be_pasted(production: AsyncClient) -> None:
    page = (await production.get("/dashboard/login")).text
    field = page[page.index('<input id="key"') :].partition(">")[0]
    assert 'type="password"' in field
    assert 'autocomplete="current-password"' in field
    assert "onpaste" not in page


@pytest.mark.parametrize("key", [SECRET, "ak_" + "x" * 43, "", "x" * 5000, "ключ"])
async def test_no_other_key_opens_it(production: AsyncClient, key: str) -> None:
    refused = await sign_in(production, key)
    assert refused.status_code == 403
    assert COOKIE not in production.cookies
    assert "no admin key" in refused.text


async def test_form_of_another_site_opens_nothing(production: AsyncClient) -> None:
    await production.get("/dashboard/login")
    forged = await production.post("/dashboard/login", data={"key": ADMIN, "token": "x"})
    assert forged.status_code == 403
    assert COOKIE not in production.cookies


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


@pytest.mark.parametrize("badge", ["", "x", "gAAAAABm" + "A" * 80, "é"])
async def test_forged_badge_opens_nothing(production: AsyncClient, badge: str) -> None:
    headers = {"cookie": f"{COOKIE}={badge}".encode()}
    assert (await production.get("/dashboard", headers=headers)).status_code == 303


async def test_badge_of_a_key_that_was_removed_opens_nothing(
    production: AsyncClient, database: Database, clock: ManualClock
) -> None:
    await sign_in(production)
    same = make_settings(PUBLIC_URL=HOME)
    cookies = {"cookie": f"{SIGN_IN}={production.cookies[COOKIE]}"}
    async with browsing(same, database, clock) as http:
        assert (await http.get("/dashboard", headers=cookies)).status_code == 200  # the control
    later = make_settings(PUBLIC_URL=HOME, API_ADMIN_KEYS="ak_test_another_0123456789ab")
    async with browsing(later, database, clock) as http:
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


@pytest.mark.parametrize("page", ["/dashboard", "/dashboard/sessions/nobodys"])
async def test_every_page_has_the_button_that_signs_out(production: AsyncClient, page: str) -> None:
    before = await production.get("/dashboard/login")
    assert _SIGNS_OUT.search(before.text) is None  # the control: nobody is signed in
    await sign_in(production)
    assert _SIGNS_OUT.search((await production.get(page)).text)


async def test_badge_is_no_key_of_the_api(production: AsyncClient) -> None:
    await sign_in(production)
    assert (await production.get("/api/admin/audit")).status_code == 401


async def test_production_has_neither_shop_nor_sandbox(production: AsyncClient) -> None:
    for path in ("/shop", "/shop/return", "/sandbox/chaos", "/sandbox/api/chaos", "/sandbox/pay/x"):
        assert (await production.get(path)).status_code == 404
