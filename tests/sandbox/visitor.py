"""A shop in a real browser: Chromium, a served application, and everything that it complains of."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from service.core.clock import SystemClock
from service.core.principal import Kind, Principal
from service.storage.database import Database
from tests.sandbox.lab import Lab, standing_shop
from tests.support.browsers import new_context, tell_what_is_shown
from tests.support.outcomes import has_failed
from tests.support.patience import IN_TIME
from tests.support.settings import ADMIN
from tillgate_sandbox.demo_prices import put_demo_prices

ARTEFACTS = Path(__file__).parents[2] / ".artefacts"
Served = Callable[[], AbstractAsyncContextManager[Lab]]
CLERK = Principal(Kind.ADMIN, "default", "0" * 12, "clerk")


@dataclass
class Visitor:
    """Somebody with a browser. `complaints` are console errors, and calls to other origins."""

    lab: Lab
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Keep whatever the browser complains of."""
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))

    async def go(self, path: str) -> None:
        """Open a page of the service."""
        await self.page.goto(self.lab.address + path)

    async def keep(self, name: str) -> None:
        """Keep a picture of the whole page in `.artefacts`, where that directory is.

        A picture takes as long as a page; for most runs nobody looks at it.
        """
        if ARTEFACTS.is_dir():
            await self.page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)

    async def text(self, selector: str) -> str:
        """Return what stands in an element."""
        return await self.page.inner_text(selector)

    async def until(self, status: str) -> None:
        """Wait until the return page shows a status of the session, without reloading it."""
        await self.page.wait_for_selector(f'#state[data-status="{status}"]', timeout=IN_TIME * 1000)

    async def session_id(self) -> str:
        """Read the session's id from the return page's address."""
        await self.page.wait_for_url("**/shop/return?**")
        found: str = await self.page.evaluate(
            "new URLSearchParams(location.search).get('sessionId')"
        )
        return found

    def _said(self, message: object) -> None:
        kind, text = getattr(message, "type", ""), getattr(message, "text", "")
        if kind in {"error", "warning"}:
            self.complaints.append(f"{kind}: {text}")

    def _asked(self, url: str) -> None:
        if not url.startswith((self.lab.address, "data:")):
            self.complaints.append(f"asked {url}")


@pytest_asyncio.fixture(scope="session")
async def served_shop(indexed_database: Database) -> AsyncIterator[Served]:
    """What serves the lab of all visitors: to build one for each took a third of their time."""
    async with standing_shop(indexed_database) as serve:
        yield serve


@pytest_asyncio.fixture
async def shop(served_shop: Served, database: Database) -> AsyncIterator[Lab]:
    """The service with its sandbox and its loops, on the real clock, with prices."""
    async with served_shop() as lab:
        await put_demo_prices(CLERK, SystemClock().now())
        yield lab


@pytest_asyncio.fixture
async def visitor(
    shop: Lab, browser: Browser, request: pytest.FixtureRequest
) -> AsyncIterator[Visitor]:
    """Somebody who comes to the shop; nothing may be complained of, unless a test clears it."""
    context = await new_context(browser, viewport={"width": 1200, "height": 800})
    page = await context.new_page()
    found = Visitor(shop, context, page)
    found.watch()
    yield found
    if has_failed(request.node):
        await tell_what_is_shown(context.pages)
        print("the browser complained of", found.complaints)  # noqa: T201
    await context.close()
    assert found.complaints == []


async def signed_in(visitor: Visitor, following: str) -> None:
    """Sign in to the dashboard, on the way to a page."""
    await visitor.go(following)
    await visitor.page.fill("#key", ADMIN)
    await visitor.page.press("#key", "Enter")
    # To the letter: the address of the form ends with it too.
    await visitor.page.wait_for_url(visitor.lab.address + following)
