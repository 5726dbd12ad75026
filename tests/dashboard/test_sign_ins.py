"""How long somebody is signed in, what ends it, and what a stolen or planted cookie is worth."""

import re
from datetime import timedelta

import pytest
import structlog
from httpx import AsyncClient
from litestar import Litestar

from service.core.clock import ManualClock
from service.core.principal import AccessScope, Kind
from service.dashboard import acting
from service.dashboard.login import controllers
from service.dashboard.login.cookies import BROWSER, FORM, SIGN_IN
from service.storage.database import Database
from service.web.keys import ring
from service.web.keys.issuing import revoke_key
from service.web.logs.clients import clients_of
from service.web.sign_ins import operations, repository
from service.web.sign_ins.operations import IDLE, LASTS, NOTED_EVERY
from tests.dashboard.signing_in import COOKIE, HOME, browsing, opens, sign_in, sign_out, token_in
from tests.sandbox.visitor import Visitor
from tests.support.keys import issue_key
from tests.support.settings import ADMIN, make_settings


async def test_nothing_that_was_copied_works_after_sign_out(
    production: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_in(production)
    stolen = production.cookies[COOKIE]
    assert await opens(production, stolen)
    left = await sign_out(production)
    assert left.headers["location"] == "/dashboard/login"
    assert not await opens(production, stolen)

    async def only_the_cookie(token: str | None) -> bool:
        return token is not None

    monkeypatch.setattr(controllers, "sign_out", only_the_cookie)  # the control: as it was before
    await sign_in(production)
    stolen = production.cookies[COOKIE]
    await sign_out(production)
    assert await opens(production, stolen)


async def test_thirty_minutes_without_a_person_end_it(
    production: AsyncClient, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_in(production)
    token = production.cookies[COOKIE]
    clock.advance(IDLE - timedelta(seconds=1))
    assert await opens(production, token, **{"X-Unattended": "1"})  # a page that reads itself
    clock.advance(timedelta(seconds=1))
    assert not await opens(production, token)
    await sign_in(production)
    token = production.cookies[COOKIE]
    for _ in range(3):
        clock.advance(IDLE - timedelta(seconds=1))
        assert await opens(production, token)  # somebody is there
    monkeypatch.setattr(operations, "IDLE", LASTS)  # the control
    assert await opens(production, token)
    clock.advance(2 * IDLE)
    assert await opens(production, token)


async def test_who_was_signed_out_is_told_why_and_a_stranger_learns_nothing_by_it(
    production: AsyncClient, clock: ManualClock
) -> None:
    async def told(token: str | None) -> str:
        headers = {"cookie": f"{COOKIE}={token}"} if token is not None else {}
        return (await production.get("/dashboard/login", headers=headers)).text

    await sign_in(production)
    token = production.cookies[COOKIE]
    production.cookies.clear()
    why = "You were signed out: after 30 minutes without activity"
    assert why not in await told(token)  # still good
    assert why not in await told(None)  # nobody was ever here
    clock.advance(IDLE)
    ended = await told(token)
    assert why in ended
    # A cookie that was made up is answered in the same words.
    assert re.sub(r'"[^"]{40,}"', "", await told("made-up")) == re.sub(r'"[^"]{40,}"', "", ended)
    assert (IDLE, LASTS) == (timedelta(minutes=30), timedelta(hours=12))  # as the words say


async def test_twelve_hours_end_it_whoever_is_there(
    production: AsyncClient, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_in(production)
    token, end = production.cookies[COOKIE], clock.now() + LASTS
    monkeypatch.setattr(operations, "IDLE", LASTS)
    clock.advance(IDLE - timedelta(seconds=1))
    assert await opens(production, token)
    clock.advance(end - clock.now() - timedelta(seconds=1))
    assert await opens(production, token)  # the control
    clock.advance(timedelta(seconds=1))
    assert not await opens(production, token)


async def test_it_ends_with_the_key_that_was_shown(
    production: AsyncClient, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other = [await issue_key(clock, Kind.ADMIN) for _ in range(2)]
    tokens = []
    for issued in (first, other):
        await sign_in(production, issued.key)
        tokens.append(production.cookies[COOKIE])
        production.cookies.clear()
    await revoke_key(clock, first.key_id)
    clock.advance(ring.REMEMBERED_FOR)
    assert [await opens(production, token) for token in tokens] == [False, True]


async def test_each_sign_in_has_a_token_of_its_own_and_ends_the_one_before(
    production: AsyncClient,
) -> None:
    planted = "A" * 43
    production.cookies.set(COOKIE, planted, domain="pay.example.com", path="/dashboard")
    await sign_in(production)
    first = production.cookies.get(COOKIE, domain="pay.example.com")
    assert first != planted
    assert not await opens(production, planted)
    assert first is not None
    assert await opens(production, first)
    await sign_in(production)
    second = production.cookies[COOKIE]
    assert [await opens(production, one) for one in (first, second)] == [False, True]


async def test_neither_key_nor_token_is_in_the_database(
    production: AsyncClient, database: Database
) -> None:
    await sign_in(production)
    rows = await database["sign_ins"].find().to_list()
    assert len(rows) == 1
    kept = repr(rows) + repr(await database["audit_log"].find().to_list())
    assert production.cookies[COOKIE] not in kept
    assert ADMIN not in kept
    assert set(rows[0]) == {"_id", "merchantId", "keyHash", "createdAt", "lapsesAt", "endsAt"}
    assert rows[0]["lapsesAt"] - rows[0]["createdAt"] == IDLE
    index = (await database["sign_ins"].index_information())["lapses_at"]
    assert index["expireAfterSeconds"] == 3600


async def test_no_form_of_the_dashboard_is_taken_without_its_token(
    production: AsyncClient, app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every form there is: a new one without a check fails here."""
    forms = {
        route.path.replace("{payment_id:str}", "0" * 24)
        .replace("{endpoint_id:str}", "we_0")
        .replace("{subscription_id:str}", "sub_0")
        for route in app.routes
        for method in getattr(route, "methods", ())
        if route.path.startswith("/dashboard") and method not in {"GET", "HEAD", "OPTIONS"}
    }
    others = {f"/dashboard/operations/{act}" for act in ("run", "pause", "resume", "redeliver")}
    others |= {"/dashboard/refunds/approve", "/dashboard/refunds/deny", "/dashboard/reviews/decide"}
    others |= {f"/dashboard/payments/{'0' * 24}/refund", "/dashboard/endpoints/add"}
    others |= {f"/dashboard/endpoints/we_0/{act}" for act in ("rotate", "test", "resend")}
    others |= {f"/dashboard/endpoints/we_0/{act}" for act in ("switch", "remove", "missed")}
    others |= {"/dashboard/alerts/close", "/dashboard/mail/resend"}
    others |= {"/dashboard/recovery/pause", "/dashboard/recovery/send"}
    others |= {"/dashboard/subscriptions/sub_0/change"}
    assert forms == {"/dashboard/login", "/dashboard/logout"} | others
    await sign_in(production)
    other = token_in(await production.get("/dashboard"))
    before = token_in(await production.get("/dashboard/login"))
    await sign_in(production)
    behind = token_in(await production.get("/dashboard"))
    right = dict.fromkeys({*others, "/dashboard/logout"}, behind)
    right["/dashboard/login"] = token_in(await production.get("/dashboard/login"))
    for path in sorted(forms):
        login = path == "/dashboard/login"
        wrong = [None, "", "x", behind if login else right["/dashboard/login"]]
        for token in [*wrong, other, other if login else before]:
            sent = {"key": ADMIN} | ({} if token is None else {"token": token})
            assert (await production.post(path, data=sent)).status_code == 403, (path, token)
        for site in ("cross-site", "same-site"):
            headers = {"Sec-Fetch-Site": site}
            sent = {"key": ADMIN, "token": right[path]}
            refused = await production.post(path, data=sent, headers=headers)
            assert refused.status_code == 403
    for module in (controllers, acting):  # the control
        monkeypatch.setattr(module, "came_from_us", lambda *_: True)
    for path in (*sorted(others), "/dashboard/login", "/dashboard/logout"):
        assert (await production.post(path, data={"key": ADMIN})).status_code == 303


async def test_cookies_over_https_are_secure_by_name_and_a_plain_one_is_nothing(
    production: AsyncClient, database: Database, clock: ManualClock
) -> None:
    entered = await sign_in(production)
    set_now = [one.split("=")[0] for one in entered.headers.get_list("set-cookie")]
    assert set_now == [f"__Secure-{name}" for name in (SIGN_IN, FORM, BROWSER)]
    token = production.cookies[COOKIE]
    production.cookies.clear()
    assert not await opens(production, token, SIGN_IN)
    assert await opens(production, token, COOKIE)
    async with browsing(make_settings(PUBLIC_URL=HOME), database, clock) as plain:
        assert await opens(plain, token, SIGN_IN)  # the control: there it is its name


async def test_lines_of_pages_name_the_reader_and_no_line_names_an_address(
    production: AsyncClient, database: Database
) -> None:
    with structlog.testing.capture_logs() as logs:
        await production.get("/dashboard")
        await sign_in(production, "ak_" + "x" * 43)
        await sign_in(production)
        await production.get("/dashboard")
        await production.get("/dashboard/sessions/nobody")
        await sign_out(production)
    lines = [one for one in logs if one["event"] == "request"]
    told = [(one["method"], one["path"], one["principal"]) for one in lines]
    assert told == [
        ("GET", "/dashboard", None),  # the control: nobody was signed in
        ("GET", "/dashboard/login", None),
        ("POST", "/dashboard/login", None),
        ("GET", "/dashboard/login", None),
        ("POST", "/dashboard/login", "admin:ops"),
        ("GET", "/dashboard", "admin:ops"),
        ("GET", "/dashboard/sessions/{session_id}", "admin:ops"),
        ("GET", "/dashboard", "admin:ops"),
        ("POST", "/dashboard/logout", "admin:ops"),
    ]
    client = clients_of(make_settings()).name("127.0.0.1")
    assert {one["client"] for one in lines} == {client}
    entries = await database["audit_log"].find().to_list()
    assert {one["client"] for one in entries} == {client}
    assert clients_of(make_settings()).name("127.0.0.2") != client
    other = make_settings(PII_PEPPER="Another-Pepper-Of-32-Characters-0123456789")
    assert clients_of(other).name("127.0.0.1") != client
    assert "127.0.0.1" not in repr(logs) + repr(entries)


async def test_the_line_of_a_sign_in_names_who_comes_and_not_who_left(
    production: AsyncClient, clock: ManualClock, database: Database
) -> None:
    other = await issue_key(clock, Kind.ADMIN, name="night")
    await sign_in(production)
    page = await production.get("/dashboard/login")
    with structlog.testing.capture_logs() as logs:
        given = {"key": other.key, "token": token_in(page), "next": "/dashboard"}
        entered = await production.post("/dashboard/login", data=given)
    assert entered.status_code == 303
    assert [one["principal"] for one in logs if one["event"] == "request"] == ["admin:night"]
    acts = await database["audit_log"].find().sort("_id", 1).to_list()
    assert [(one["action"], one["actor"]) for one in acts] == [
        ("dashboard.signed_in", "admin:ops"),
        ("dashboard.signed_out", "admin:ops"),
        ("dashboard.signed_in", "admin:night"),
    ]


@pytest.mark.parametrize("path", ["/dashboard/login", "/dashboard", "/dashboard/sessions/ps_1"])
async def test_pages_keep_to_themselves_and_browsers_to_https(
    production: AsyncClient, path: str
) -> None:
    answer = await production.get(path)
    headers = answer.headers
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert answer.status_code == 303 or headers["cache-control"] == "no-store"


@pytest.mark.browser
async def test_in_chromium_a_copied_cookie_is_worth_nothing_after_sign_out(
    visitor: Visitor,
) -> None:
    """Over plain http, as `tillgate dev` serves: there the names have no `__Secure-`."""
    page, context = visitor.page, visitor.context

    async def cookie() -> dict[str, object]:
        return {one["name"]: one for one in await context.cookies()}[SIGN_IN]  # type: ignore[misc]

    await visitor.go("/dashboard")
    await page.fill("#key", ADMIN)
    await page.press("#key", "Enter")
    await page.wait_for_selector("text=Sign out")
    kept = await cookie()
    assert (kept["path"], kept["httpOnly"], kept["sameSite"]) == ("/dashboard", True, "Strict")
    assert await page.evaluate("document.cookie") == ""
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_selector("#key")
    await context.add_cookies([kept])  # type: ignore[list-item]
    await visitor.go("/dashboard")
    await page.wait_for_selector("#key")
    assert page.url.endswith("/dashboard/login?next=/dashboard")
    assert await cookie() == kept  # the control: it was sent


async def test_an_admin_key_that_reads_no_timelines_signs_nobody_in(
    production: AsyncClient, clock: ManualClock
) -> None:
    for scope, status in ((AccessScope.AUDIT_READ, 403), (AccessScope.TIMELINES_READ, 303)):
        issued = await issue_key(clock, Kind.ADMIN, scopes=[scope])
        assert (await sign_in(production, issued.key)).status_code == status
        production.cookies.clear()


async def test_its_end_is_postponed_once_a_minute_and_never_brought_forward(
    production: AsyncClient, database: Database, clock: ManualClock
) -> None:
    await sign_in(production)
    token, ends = production.cookies[COOKIE], []
    for _ in range(2):
        clock.advance(NOTED_EVERY / 2)
        assert await opens(production, token)
        [row] = await database["sign_ins"].find().to_list()
        ends.append(row["lapsesAt"] - row["createdAt"])
    assert ends == [IDLE, IDLE + NOTED_EVERY]
    await repository.prolong(row["_id"], row["createdAt"])  # by a process whose clock is behind
    assert await database["sign_ins"].find().to_list() == [row]
