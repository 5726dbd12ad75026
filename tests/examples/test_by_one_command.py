"""Each example by the one command of its page, in the directory of a real `tillgate dev`."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.cli.running import started
from tests.support.browsers import new_context
from tests.support.patience import IN_TIME
from tests.support.ports import held_port

EXAMPLES = Path(__file__).parents[2] / "examples"
UV = Path(sys.executable).with_name("uv")

pytestmark = [pytest.mark.browser, pytest.mark.soak]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory in which `tillgate dev` runs, with nothing set."""
    directory = tmp_path_factory.mktemp("shopkeeper")
    with started("dev", "--port", "0", cwd=directory, until="Ctrl-C stops it"):
        yield directory


@asynccontextmanager
async def example(home: Path, *command: str | Path) -> AsyncIterator[str]:
    """Run an example on a port of its own; its address once it answers."""
    with held_port() as port:
        # How a registry is reached is the machine's affair.
        around = {name: v for name, v in os.environ.items() if not name.startswith("TILLGATE_")}
        process = await asyncio.create_subprocess_exec(
            *command, cwd=home, env=around | {"PORT": str(port)}
        )
        try:
            async with asyncio.timeout(IN_TIME):
                while True:
                    try:
                        _, writer = await asyncio.open_connection("127.0.0.1", port)
                        writer.close()
                        break
                    except ConnectionRefusedError:
                        assert process.returncode is None, "the example has ended"
                        await asyncio.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            async with asyncio.timeout(IN_TIME):
                await process.wait()


async def test_the_node_shop(home: Path, browser: Browser) -> None:
    """Soak: it waits for a server that starts from nothing; `test_node` has the shop itself."""
    node = shutil.which("node")
    assert node is not None
    async with example(home, node, EXAMPLES / "node" / "server.mjs") as address:
        page = await (await new_context(browser)).new_page()
        await page.goto(address)
        await page.get_by_role("button", name="Buy").click()
        await page.get_by_role("button", name="Pay by card").click()
        await page.wait_for_selector("#said:has-text('on its way')")
        await page.context.close()


async def test_the_fastapi_shop(home: Path, browser: Browser) -> None:
    """Soak: uv fetches what the shop is made of, which is not part of Tillgate."""
    async with example(home, UV, "run", EXAMPLES / "fastapi" / "shop.py") as address:
        page = await (await new_context(browser)).new_page()
        await page.goto(address)
        await page.fill("input[name=email]", "ada@example.com")
        await page.get_by_role("button", name="Buy").click()
        await page.get_by_role("button", name="Pay by card").click()
        await page.wait_for_selector("text=Your seat is kept")
        await page.context.close()
