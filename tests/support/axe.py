"""What axe-core finds wrong on a page: it comes in a package, so no network is needed."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page

from tests.support.browsers import drawn


async def violations(page: Page) -> list[str]:
    """Return each rule that the page breaks, with the first element that breaks it."""
    await drawn(page)
    await page.evaluate(AXE_SCRIPT)
    found: dict[str, Any] = await page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found["violations"]]
