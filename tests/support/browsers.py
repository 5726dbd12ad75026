"""A real browser for the tests, and what its pages showed when one of them failed."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Error, Page, async_playwright

from tests.support.patience import IN_TIME

CHROMIUM = Path("/usr/bin/chromium")
_HAS_CHROMIUM = CHROMIUM.exists()
# Long enough to be told by a page that still answers; one that hangs holds up no other test.
_ANSWERS_WITHIN_S = 10.0

# What is focused, what can be pressed or filled in and what can't, and the text. No values: what is
# typed may be a key.
_SHOWN = """() => {
  const named = (one) => [
    one.tagName.toLowerCase() + (one.id && `#${one.id}`),
    one.name ?? "", one.type ?? "", one.disabled ? "DISABLED" : "", one.checked ? "checked" : "",
    one.getAttribute("aria-invalid") ? "invalid" : "",
    one.textContent.trim().replace(/\\s+/g, " ").slice(0, 60),
  ].filter(Boolean).join(" ");
  const controls = [...document.querySelectorAll("button, input, select, a.button")];
  return {
    "ready": document.readyState,
    "focused": document.activeElement ? named(document.activeElement) : "nothing",
    "controls": controls.filter((one) => one.checkVisibility()).slice(0, 25).map(named),
    "text": (document.body?.innerText.replace(/\\s*\\n\\s*/g, " | ").slice(0, 1500) ?? "")
      .match(/.{1,500}/g) ?? [],
  };
}"""


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for the run; in CI its absence is a failure."""
    if not _HAS_CHROMIUM:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is missing, and CI must run these tests")
        pytest.skip(f"needs {CHROMIUM}")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox"], timeout=IN_TIME * 1000
        )
        yield running
        await running.close()


async def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Begin anew, as another person with another browser; what is waited for has all the time."""
    context = await browser.new_context(**options)
    context.set_default_timeout(IN_TIME * 1000)
    return context


async def drawn(page: Page) -> None:
    """Wait until the page has its styles: an element is found before they have come."""
    await page.wait_for_load_state()


async def tell_what_is_shown(pages: Sequence[Page]) -> None:
    """Print what each page shows, for whoever reads why a test failed."""
    for page in pages:
        print(f"{page.url} shows")  # noqa: T201 - into the test's output
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN_S):
                shown: dict[str, Any] = await page.evaluate(_SHOWN)
        except (Error, TimeoutError) as error:
            print(f"  nothing that it would tell: {error!r}"[:500])  # noqa: T201
            continue
        for name, value in shown.items():
            lines = value if isinstance(value, list) else [value]
            print(f"  {name}:", *lines, sep="\n    ")  # noqa: T201
