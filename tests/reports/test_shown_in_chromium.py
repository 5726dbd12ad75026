"""The pages of reports in a real browser: narrow and wide, under the policy that they come with."""

from typing import Literal
from urllib.parse import urlsplit

import pytest
from httpx import Response
from playwright.async_api import Browser, Page, Route

from tests.analytics.test_now import roll_up
from tests.reports.months import at, close, moment, sold
from tests.sandbox.looks import FAINT, TOO_WIDE
from tests.sandbox.visitor import ARTEFACTS
from tests.support.api import ADMIN
from tests.support.axe import violations
from tests.support.browsers import new_context
from tests.support.shop import Shop

pytestmark = pytest.mark.browser
BASE = "/api/v1/analytics/reports"
GROUND = "getComputedStyle(document.body).backgroundColor"
_GROUNDS: dict[Literal["dark", "light"], str] = {
    "dark": "rgb(16, 22, 20)",
    "light": "rgb(255, 255, 255)",
}
_LOOKS: list[tuple[int, Literal["dark", "light"]]] = [
    (360, "dark"),
    (360, "light"),
    (1280, "light"),
    (1280, "dark"),
]


async def _look(page: Page, path: str, width: int, scheme: Literal["dark", "light"]) -> None:
    await page.set_viewport_size({"width": width, "height": 780})
    await page.emulate_media(color_scheme=scheme)
    assert await page.evaluate(GROUND) == _GROUNDS[scheme], path
    assert not await page.evaluate(TOO_WIDE), (path, width)
    assert await page.evaluate(FAINT) == [], path
    assert await violations(page) == [], (path, scheme)
    if ARTEFACTS.is_dir():
        name = f"{ARTEFACTS}{path}-{width}-{scheme}.png"
        await page.screenshot(path=name, full_page=True)


async def test_reports_are_read_on_a_phone_and_on_paper(shop: Shop, browser: Browser) -> None:
    await sold(shop, 15, 41, days=15)
    widest = {"$set": {"plan": "a-plan-" + "of-a-long-name-" * 8}}
    await shop.database["sessions"].update_many({}, widest)
    await roll_up(shop)
    await at(shop, moment(2026, 12, 4))
    await close(shop)
    said: list[str] = []
    pages: dict[str, Response] = {}
    for name, asked in (("monthly", {"month": "2026-11"}), ("weekly", {"week": "2026-11-20"})):
        params = asked | {"currency": "USD", "format": "html"}
        pages[f"/{name}"] = await shop.api.call("GET", f"{BASE}/{name}", ADMIN, params=params)

    async def serve(route: Route) -> None:
        answer = pages[urlsplit(route.request.url).path]
        await route.fulfill(body=answer.text, headers=dict(answer.headers))

    async with await new_context(browser) as context:
        page = await context.new_page()
        page.on("console", lambda message: said.append(message.text))
        await page.route("http://tillgate.test/**", serve)
        for path in pages:
            await page.goto(f"http://tillgate.test{path}")
            for width, scheme in _LOOKS:
                await _look(page, path, width, scheme)
            await page.emulate_media(media="print", color_scheme="dark")
            assert await page.evaluate(GROUND) == _GROUNDS["light"], path
            await page.emulate_media(media="screen")
    assert said == []
