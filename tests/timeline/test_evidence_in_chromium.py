"""The page of the evidence as a browser shows it: styled under its own policy, and accessible."""

from playwright.async_api import Browser, Route

from tests.support.axe import violations
from tests.support.shop import Shop
from tests.timeline.test_evidence import PATH, disputed


async def test_the_page_is_styled_and_can_be_read_by_everybody(
    shop: Shop, browser: Browser
) -> None:
    await disputed(shop)
    answer = await shop.api.call("GET", PATH, params={"format": "html"})
    headers = {name: answer.headers[name] for name in ("content-type", "content-security-policy")}

    async def fulfil(route: Route) -> None:
        await route.fulfill(status=200, headers=headers, body=answer.text)

    page = await browser.new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text))
    await page.route("**/evidence", fulfil)
    for width in (360, 1280):
        await page.set_viewport_size({"width": width, "height": 900})
        await page.goto("http://tillgate.test/evidence")
        # The style took effect: the policy allows its very text.
        collapsed = "getComputedStyle(document.querySelector('table')).borderCollapse"
        assert await page.evaluate(collapsed) == "collapse"
        wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert await page.evaluate(wide)
        assert await violations(page) == []
    assert refused == []
