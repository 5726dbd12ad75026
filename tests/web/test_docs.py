"""The OpenAPI document, and its page in a real browser."""

from typing import Any, Literal

import pytest
from httpx import AsyncClient
from playwright.async_api import Browser, ConsoleMessage, Error, Request, ViewportSize

from service.core.clock import ManualClock
from service.storage.database import Database
from tests.support.browsers import new_context, tell_what_is_shown
from tests.web.app import create_test_app, settings_for
from tests.web.serving import serving


async def test_the_document_tells_what_the_framework_does_not_know(http: AsyncClient) -> None:
    document: dict[str, Any] = (await http.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    post = document["paths"]["/api/orders"]["post"]
    problem = {"$ref": "#/components/schemas/Problem"}
    for status in ("400", "default"):
        content = post["responses"][status]["content"]
        assert content == {"application/problem+json": {"schema": problem}}
    assert [item["name"] for item in post["parameters"]] == ["Idempotency-Key"]
    assert document["paths"]["/health/live"]["get"]["security"] == []
    assert post["security"] == [{"bearer": ["sessions:write"]}, {"key": ["sessions:write"]}]
    assert document["security"] == [{"bearer": []}, {"key": []}]
    assert set(document["components"]["securitySchemes"]) == {"bearer", "key"}
    order = document["components"]["schemas"]["Order"]
    assert order["properties"]["amount"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 9007199254740991,
    }
    assert "sessionId" in order["properties"]
    assert "/docs" not in document["paths"]


async def test_a_wrong_asset_is_a_problem(http: AsyncClient) -> None:
    for name in ("passwd", "..%2fpage.py", "docs.html"):
        assert (await http.get(f"/docs/assets/{name}")).status_code == 404


async def test_the_root_is_left_to_others(http: AsyncClient) -> None:
    assert (await http.get("/")).status_code == 404


@pytest.mark.browser
async def test_the_page_works_in_a_browser_without_the_internet(
    database: Database, clock: ManualClock, browser: Browser
) -> None:
    said: list[str] = []
    asked: list[str] = []
    app = create_test_app(settings_for(), clock, database)
    async with serving(app) as address, await new_context(browser) as context:
        page = await context.new_page()

        def note_console(message: ConsoleMessage) -> None:
            said.append(f"{message.type}: {message.text}")

        def note_request(request: Request) -> None:
            asked.append(request.url)

        page.on("console", note_console)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", note_request)
        try:
            await page.goto(f"{address}/docs")
            await page.wait_for_selector("#operations-default-createOrder")
            await page.click("#operations-default-createOrder button")
            await page.wait_for_selector("#operations-default-createOrder .opblock-body")
            await page.wait_for_load_state("networkidle")
        except Error:
            await tell_what_is_shown(context.pages)
            raise
    assert said == []
    assert asked
    assert [url for url in asked if not url.startswith((address, "data:"))] == []


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_is_dark_where_that_is_preferred_and_its_dialogue_in_view(
    database: Database, clock: ManualClock, browser: Browser, scheme: Literal["light", "dark"]
) -> None:
    app = create_test_app(settings_for(), clock, database)
    seen = ViewportSize(width=800, height=300)
    async with (
        serving(app) as address,
        await new_context(browser, color_scheme=scheme, viewport=seen) as context,
    ):
        page = await context.new_page()
        await page.goto(f"{address}/docs")
        await page.click("button.authorize")
        middle = await page.locator(".modal-ux").evaluate(
            "(one) => (one.getBoundingClientRect().top + one.getBoundingClientRect().bottom) / 2"
        )
        turned = await page.evaluate("getComputedStyle(document.documentElement).filter")
    assert middle == pytest.approx(seen["height"] / 2, abs=1)
    assert (turned != "none") is (scheme == "dark")
