"""The shop with a Node backend: it delivers what Tillgate says was paid for, and nothing else."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.sandbox.lab import Lab
from tests.support.browsers import new_context
from tests.support.patience import IN_TIME
from tests.support.settings import PUBLISHABLE, SECRET

SERVER = Path(__file__).parents[2] / "examples" / "node" / "server.mjs"
NODE = shutil.which("node")

pytestmark = [pytest.mark.browser, pytest.mark.skipif(NODE is None, reason="needs node")]


class Shop:
    """A started example: where it is, and what it has printed."""

    def __init__(self, address: str, said: Sequence[str]) -> None:
        """Keep both; `said` grows."""
        self.address = address
        self.said = said


@pytest_asyncio.fixture
async def node(shop: Lab, tmp_path: Path) -> AsyncIterator[Shop]:
    """The example, started as its page says, selling through the lab."""
    process = await asyncio.create_subprocess_exec(
        NODE or "node",
        str(SERVER),
        cwd=tmp_path,
        env={
            "PORT": "0",
            "TILLGATE_ADDRESS": shop.address,
            "TILLGATE_PUBLISHABLE_KEY": PUBLISHABLE,
            "TILLGATE_SECRET_KEY": SECRET,
        },
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(IN_TIME):
        first = (await process.stdout.readline()).decode()
    said: list[str] = []

    async def listen(stdout: asyncio.StreamReader) -> None:
        async for line in stdout:
            said.append(line.decode().strip())

    listening = asyncio.create_task(listen(process.stdout))
    found = re.search(r"http://localhost:\d+", first)
    assert found is not None, first
    yield Shop(found[0], said)
    process.terminate()
    async with asyncio.timeout(IN_TIME):
        await asyncio.gather(process.wait(), listening)


async def test_a_ticket_is_bought_and_delivered_once(
    node: Shop, shop: Lab, browser: Browser
) -> None:
    context = await new_context(browser)
    page = await context.new_page()
    await page.goto(node.address)
    await page.wait_for_selector("#price:has-text('$10.00')")
    await page.get_by_role("button", name="Buy").click()
    await page.get_by_role("button", name="Pay by card").click()
    await page.wait_for_selector("#said:has-text('on its way')")
    await page.reload()
    await page.wait_for_selector("#said:has-text('on its way')")
    assert [line for line in node.said if line.startswith("paid: tg_")] == node.said
    assert len(node.said) == 1
    await context.close()


async def test_nothing_is_delivered_that_was_not_paid_or_is_not_ours(node: Shop, shop: Lab) -> None:
    unpaid, _ = await shop.open()
    async with httpx.AsyncClient(base_url=node.address, trust_env=False) as http:
        asked = await http.get(f"/orders/{unpaid['sessionId']}")
        assert asked.json() == {"status": "pending", "delivered": False}
        assert (await http.get("/orders/nothing")).status_code == 404
        assert (await http.get("/server.mjs")).status_code == 404
        # Less than the ticket's price, and the least that Stripe takes.
        for fields in ({"amount": 50}, {"eventId": "another"}):
            cheap, _ = await shop.open(**fields)
            done = {
                "sessionId": cheap["sessionId"],
                "status": "completed",
                "providerPaymentId": f"by hand {fields}",
                "reason": "paid in cash",
            }
            answer = await shop.api.call("PATCH", "/api/payment-sessions", json=done)
            assert answer.status_code == 200, answer.text
            asked = await http.get(f"/orders/{cheap['sessionId']}")
            assert asked.json() == {"status": "completed", "delivered": False}
    assert node.said == []
