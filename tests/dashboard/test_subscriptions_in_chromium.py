"""Subscriptions by the keyboard alone: as the customer in the shop, and as the merchant."""

import pytest

from tests.sandbox.shop.test_membership import HERE, _stands
from tests.sandbox.visitor import Visitor, signed_in

pytestmark = pytest.mark.browser

# What a press of the key would do something to, in words.
_FOCUSED = """() => {
  const at = document.activeElement;
  return (at.labels?.[0] ?? at).textContent.trim().replace(/\\s+/g, " ");
}"""


async def _reach(visitor: Visitor, words: str) -> None:
    """Go on by Tab until something is focused that begins with these words."""
    for _ in range(200):
        if str(await visitor.page.evaluate(_FOCUSED)).startswith(words):
            return
        await visitor.page.keyboard.press("Tab")
    raise AssertionError(f"no Tab leads to {words!r}")


async def _press(visitor: Visitor, words: str) -> None:
    await _reach(visitor, words)
    await visitor.page.keyboard.press("Enter")


async def test_a_customer_subscribes_and_the_merchant_ends_it_without_a_mouse(
    visitor: Visitor,
) -> None:
    page = visitor.page
    await visitor.go(HERE)
    await _stands(visitor, "none")
    await _reach(visitor, "Basic, a month")
    await page.keyboard.press("ArrowDown")
    assert await page.is_checked('input[name="plan"][value="premium"]')
    await _reach(visitor, "Email")
    await page.keyboard.type("ada@example.com")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/sandbox/pay/**")
    await _press(visitor, "Pay by card")
    await page.wait_for_url(f"**{HERE}?**")
    await _stands(visitor, "active", "premium")
    await _press(visitor, "Cancel the membership")
    await _stands(visitor, "ending")
    await _press(visitor, "Stay a member")
    await _stands(visitor, "active")

    await signed_in(visitor, "/dashboard/subscriptions")
    await _press(visitor, "premium")
    await page.wait_for_url("**/dashboard/subscriptions/*")
    await _press(visitor, "Change this subscription")
    await _reach(visitor, "Reason")
    await page.keyboard.type("Asked for by phone.")
    await page.keyboard.press("Enter")  # in a field it presses nothing
    await _press(visitor, "End with its period")
    await page.wait_for_selector("#said")
    assert await page.evaluate("document.activeElement.id") == "said"
    assert "ends" in await visitor.text("#stands")
