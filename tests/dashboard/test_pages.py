"""The dashboard's pages without a browser: what they carry, and what they hide."""

import re
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from types import ModuleType

import pytest

import service.dashboard
import tillgate_sandbox
from service.core.principal import AccessScope, Kind
from service.storage.database import Database
from service.web.client.builds import newest_build
from tests.dashboard.operated import EVIL
from tests.dashboard.signing_in import sign_in
from tests.sandbox.lab import Lab
from tests.support.api import SECRET
from tests.support.keys import issue_key
from tests.support.pages import assert_nothing_inline


async def test_policy_allows_nothing_inline_and_the_page_needs_nothing_inline(lab: Lab) -> None:
    page = await lab.api.http.get("/dashboard/login")
    assert_nothing_inline(page)


async def test_files_are_kept_for_good_under_an_address_that_names_their_content(lab: Lab) -> None:
    page = await lab.api.http.get("/dashboard/login")
    address = re.search(r'href="(/assets/[^"]+page\.css)"', page.text)
    assert address
    style = await lab.api.http.get(address[1])
    assert style.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert style.headers["content-type"].startswith("text/css")
    older = await lab.api.http.get("/assets/0123456789abcdef/page.css")
    assert older.headers["cache-control"] == "no-store"
    for name in ("nothing.css", "..%2fpage.py", "page.py"):
        assert (await lab.api.http.get(f"/assets/x/{name}")).status_code == 404


async def test_the_start_page_leads_to_what_is_there(lab: Lab) -> None:
    page = await lab.api.http.get("/")
    assert_nothing_inline(page)
    named = re.findall(r'<li><a href="([^"]+)"', page.text)
    assert {"/shop", "/sandbox/chaos", "/dashboard", "/docs"} <= set(named)
    for path in named:
        assert (await lab.api.http.get(path, follow_redirects=True)).status_code in {200, 307}, path
    build = newest_build()
    assert f"{lab.address}{build.path}" in page.text
    assert build.integrity in unescape(page.text)


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


async def test_an_unknown_page_is_html_for_a_browser(lab: Lab) -> None:
    page = await lab.api.http.get("/nothing/here", headers=BROWSER)
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert "There is no such page" in page.text
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "nothing/here" not in page.text


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/docs?find=%3Cb%3E", "find is not a parameter"),
        ("/sandbox/pay/<b>", "pageId must match"),
        ("/metrics", "key"),
    ],
)
async def test_a_mistake_in_an_address_is_html_for_a_browser(
    lab: Lab, path: str, says: str
) -> None:
    page = await lab.api.http.get(path, headers=BROWSER)
    told = (await lab.api.http.get(path, headers={"Accept": "*/*"})).json()
    assert page.status_code == told["status"] in {400, 401}
    assert page.headers["content-type"].startswith("text/html")
    assert says in unescape(page.text)
    assert told["title"] in unescape(page.text)
    assert f'href="{told["type"]}"' in page.text
    assert "<b>" not in page.text
    assert "unsafe" not in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/nothing/here", {"Accept": "*/*"}),
        ("/nothing/here", {"Accept": "application/json"}),
        ("/api/nothing", BROWSER),
        ("/api/payment-sessions/nobody", BROWSER),
    ],
)
async def test_control_programs_get_a_problem(lab: Lab, path: str, headers: dict[str, str]) -> None:
    answer = await lab.api.call("GET", path, headers=headers)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_what_callers_wrote_is_never_markup(lab: Lab) -> None:
    evil = "<script>alert(1)</script>"
    opened, _ = await lab.open(userId=evil, metadata={"x": evil})
    await sign_in(lab.api.http)
    page = (await lab.api.http.get(f"/dashboard/sessions/{opened['sessionId']}")).text
    assert evil not in page
    assert "&lt;script&gt;" in page


async def test_session_that_nobody_opened_is_a_page_that_says_so(lab: Lab) -> None:
    await sign_in(lab.api.http)
    page = await lab.api.http.get("/dashboard/sessions/nobody")
    assert page.status_code == 404
    assert "There is no such session" in page.text


async def test_search_leads_from_an_id_of_its_payment_to_the_session(
    lab: Lab, database: Database
) -> None:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    row = {
        **{"merchantId": "default", "provider": "stripe", "account": "default"},
        **{"providerPaymentId": "pi_1", "sessionId": "ps_paid", "amount": 1, "currency": "USD"},
        **{"status": "succeeded", "statusAt": at, "metadata": {}, "createdAt": at, "updatedAt": at},
        "aliases": ["ch_1", "0125836177", "cs_test_" + "x" * 58],
    }
    await database["payments"].insert_one(row)
    await sign_in(lab.api.http)
    for named in ("pi_1", "ch_1", "0125836177", "cs_test_" + "x" * 58):
        found = await lab.api.http.get("/dashboard/sessions", params={"sessionId": named})
        if found.headers["location"] == f"/dashboard/sessions/{named}":
            found = await lab.api.http.get(f"/dashboard/sessions/{named}")
        assert found.headers["location"] == "/dashboard/sessions/ps_paid"
    await database["payments"].update_one({}, {"$set": {"merchantId": "another"}})
    for named in ("ch_1", "hand:default:ps_2", "ps_paid"):
        missing = await lab.api.http.get(
            "/dashboard/sessions", params={"sessionId": named}, follow_redirects=True
        )
        assert missing.status_code == 404
    lab.api.http.cookies.clear()
    signed_out = await lab.api.http.get("/dashboard/sessions", params={"sessionId": "hand:a:b"})
    assert signed_out.headers["location"].startswith("/dashboard/login")


async def test_the_first_page_has_the_sessions_that_were_opened_last(
    lab: Lab, database: Database
) -> None:
    http = lab.api.http
    body = {"userId": "ada", "eventId": "e", "amount": 999, "currency": "INR", "provider": "upi"}
    for name in ("ps_1", "ps_2"):
        path = "/api/payment-sessions"
        opened = await lab.api.call("POST", path, SECRET, json=body | {"sessionId": name})
        assert opened.status_code == 201, opened.text
    await database["sessions"].update_many({}, {"$set": {"eventId": EVIL}})
    await sign_in(http)
    text = (await http.get("/dashboard")).text
    assert EVIL not in text
    links = re.findall(r'href="/dashboard/sessions/(ps_\d)"', text)
    assert links == ["ps_2", "ps_1"]
    assert '<span class="badge info">pending</span>' in text
    assert len(re.findall(r">\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC</td>", text)) == 2, "with their day"
    # By the address alone the same page is found.
    assert (await http.get("/dashboard/sessions")).headers["location"] == "/dashboard"
    others = [AccessScope.TIMELINES_READ]
    issued = await issue_key(lab.sandbox.clock, Kind.ADMIN, scopes=others)
    http.cookies.clear()
    await sign_in(http, issued.key)
    assert "ps_1" not in (await http.get("/dashboard")).text
    await sign_in(http)
    await database["sessions"].update_many({}, {"$set": {"merchantId": "another"}})
    assert "ps_1" not in (await http.get("/dashboard")).text


async def test_search_leads_to_the_session(lab: Lab) -> None:
    found = await lab.api.http.get("/dashboard/sessions", params={"sessionId": "ps_1"})
    assert found.headers["location"] == "/dashboard/sessions/ps_1"
    wrong = await lab.api.http.get("/dashboard/sessions", params={"sessionId": "../x"})
    assert wrong.status_code == 400


def test_the_dashboard_knows_no_page_of_the_sandbox() -> None:
    """What it shows of an extension, the extension names; a control finds one in the sandbox."""
    names = re.compile(r"/shop|/sandbox|sandbox's")

    def named_in(package: ModuleType) -> list[str]:
        [folder] = package.__path__
        files = [file for kind in ("py", "html", "js") for file in Path(folder).rglob(f"*.{kind}")]
        return [file.name for file in files if names.search(file.read_text())]

    assert named_in(service.dashboard) == []
    assert "mounted.py" in named_in(tillgate_sandbox)
