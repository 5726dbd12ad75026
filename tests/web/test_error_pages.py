"""Each code of an error has a page, and the `type` of its problems leads there."""

import json
import re

import pytest
from httpx import AsyncClient
from playwright.async_api import Browser

from service.core.clock import ManualClock
from service.core.errors import TillgateError
from service.storage.database import Database
from service.web.error_pages.codes import explained
from service.web.problems import Problem
from tests.support.axe import violations
from tests.support.browsers import new_context
from tests.support.error_codes import all_errors, codes, status_of
from tests.web.app import create_test_app, settings_for
from tests.web.serving import serving

HTML = {"Accept": "text/html"}


def _problem(code: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(Problem(400, code, "Why.", "/api").body())
    return found


def test_every_code_is_explained_and_no_other() -> None:
    assert set(explained()) == codes()


def test_every_error_of_the_tree_has_the_status_of_its_page() -> None:
    told = {error.code: status_of(error) for error in all_errors() if _is_ours(error)}
    assert len(told) > 80
    assert {code: explained()[code].status for code in told} == told


def _is_ours(error: type[TillgateError]) -> bool:
    return error.__module__.startswith("service.") and "code" in vars(error)


async def test_the_type_of_every_problem_leads_to_its_page(http: AsyncClient) -> None:
    listed = (await http.get("/errors")).text
    for code in sorted(codes()):
        problem = _problem(code)
        shown = await http.get(problem["type"])
        assert shown.status_code == 200, code
        row = f'<a href="{problem["type"]}"><code>{code}</code></a> ({explained()[code].status}): '
        assert row in listed
        text = re.sub(r"<[^>]+>", "", shown.text)
        assert f"<h1>{explained()[code].title}</h1>".replace("'", "&#39;") in shown.text
        assert f'"error":"{code}"' in text
        assert problem["title"] == explained()[code].title


async def test_words_of_code_are_shown_as_code_and_each_text_ends(http: AsyncClient) -> None:
    about = explained()["amount_mismatch"]
    assert not about.change.endswith("."), "control: its full stop is the page's"
    shown = await http.get("/errors/amount_mismatch")
    assert f"{about.change.replace(chr(39), '&#39;')}.</p>" in re.sub(
        r"\s+</p>", "</p>", shown.text
    )
    shown = await http.get("/errors/bad_row")
    assert "<code>tillgate import sessions</code> read a row" in shown.text


async def test_a_problem_that_was_answered_leads_to_its_page(http: AsyncClient) -> None:
    problem = (await http.get("/api/whoami", headers={"X-API-Key": "sk_nobody"})).json()
    assert (problem["error"], problem["type"]) == ("invalid_api_key", "/errors/invalid_api_key")
    assert "unknown, has expired, or was revoked" in (await http.get(problem["type"])).text


async def test_control_a_code_that_nobody_explains_has_no_page(http: AsyncClient) -> None:
    assert _problem("made_up") | {"detail": ""} == {
        **{"type": "about:blank", "title": "Bad Request", "status": 400, "detail": ""},
        **{"error": "made_up", "details": "Why.", "instance": "/api"},
    }
    assert (await http.get("/errors/made_up", headers=HTML)).status_code == 404


def test_what_stands_between_backticks_is_closed_and_every_text_is_a_sentence() -> None:
    for code, about in explained().items():
        assert about.when.count("`") % 2 == about.change.count("`") % 2 == 0, code
        assert about.when.endswith("."), code
        assert not about.title.endswith("."), code


@pytest.mark.browser
async def test_the_pages_are_accessible(
    database: Database, clock: ManualClock, browser: Browser
) -> None:
    app = create_test_app(settings_for(), clock, database)
    async with serving(app) as address, await new_context(browser) as context:
        page = await context.new_page()
        for path in ("/errors", "/errors/invalid_request"):
            await page.goto(address + path)
            assert await violations(page) == []
