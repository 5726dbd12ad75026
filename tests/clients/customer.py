"""A merchant's own page on another origin than Tillgate's, and somebody who buys there."""

import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from service.storage.database import Database, Row
from service.web.client.builds import newest_build
from tests.sandbox.lab import Lab
from tests.support.browsers import new_context, tell_what_is_shown
from tests.support.outcomes import has_failed
from tests.support.patience import IN_TIME
from tests.support.settings import PUBLISHABLE

PAGES = Path(__file__).parent / "pages"
GUIDE = Path(__file__).parents[2] / "docs" / "first-payment.md"
COOKIE = "cookie"
"""Sets a cookie; asked for as `127.0.0.1` it is another site's."""
_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


def pages_of_the_guide() -> list[str]:
    """Return the pages of docs/first-payment.md, as they stand there."""
    text = GUIDE.read_text()
    return re.findall(r"^```html\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@dataclass
class Customer:
    """Somebody with a browser at the merchant's page. `complaints` are errors of the console."""

    lab: Lab
    home: str
    context: BrowserContext
    page: Page
    database: Database
    complaints: list[str] = field(default_factory=list)

    async def go(self, path: str) -> None:
        """Open a page of the merchant's."""
        await self.page.goto(self.home + path)

    async def press(self, name: str) -> None:
        """Press a button of whatever page is shown."""
        await self.page.get_by_role("button", name=name, exact=False).click()

    async def until(self, status: str) -> None:
        """Wait until the merchant's page shows a status."""
        await self.page.wait_for_selector(f'#status:text-is("{status}")', timeout=IN_TIME * 1000)

    async def problem(self) -> tuple[str, str]:
        """Wait for a problem; return its code and its words."""
        found = await self.page.wait_for_selector("#problem[data-code]")
        assert found is not None
        return await found.get_attribute("data-code") or "", await found.inner_text()

    async def sessions(self) -> list[Row]:
        """Return all sessions that there are."""
        return await self.database["sessions"].find().to_list()


@contextmanager
def merchant(lab: Lab) -> Iterator[str]:
    """Serve the merchant's pages on `localhost`: to a browser another site than `127.0.0.1`."""
    build = newest_build()
    words = {
        "{home}": lab.address,
        "{path}": build.path,
        "{integrity}": build.integrity,
        "{key}": PUBLISHABLE,
        "http://127.0.0.1:8000": lab.address,
        "pk_…": PUBLISHABLE,
    }
    guide = dict(zip(("guide.html", "guide-thanks.html"), pages_of_the_guide(), strict=True))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = urlsplit(self.path).path.strip("/") or "index.html"
            if name == COOKIE:
                self.send_response(200)
                self.send_header("Set-Cookie", "left=here; SameSite=None; Secure")
                self.end_headers()
                return
            file = PAGES / name
            text = guide.get(name) or (file.read_text() if file.is_file() else "")
            if not text:
                self.send_error(404)
                return
            for word, meaning in words.items():
                text = text.replace(word, meaning)
            self.send_response(200)
            self.send_header("Content-Type", _TYPES[file.suffix])
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest_asyncio.fixture
async def customer(
    shop: Lab, database: Database, browser: Browser, request: pytest.FixtureRequest
) -> AsyncIterator[Customer]:
    """Somebody at the merchant's page; nothing may be complained of, unless a test clears it."""
    with merchant(shop) as home:
        context = await new_context(browser)
        page = await context.new_page()
        found = Customer(shop, home, context, page, database)

        def note(kind: str, text: str) -> None:
            if kind in {"error", "warning"} and "favicon" not in text:
                found.complaints.append(f"{kind}: {text}")

        page.on("console", lambda said: note(said.type, f"{said.text} {said.location['url']}"))
        page.on("pageerror", lambda error: note("error", str(error)))
        yield found
        if has_failed(request.node):
            await tell_what_is_shown(context.pages)
            print("the browser complained of", found.complaints)  # noqa: T201
        await context.close()
        assert found.complaints == []
