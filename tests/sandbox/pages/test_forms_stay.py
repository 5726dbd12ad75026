"""What is wrong with a form is said where there is room for it: nothing around it moves."""

from typing import Any

import pytest

from tests.sandbox.visitor import Visitor

pytestmark = pytest.mark.browser

# From the top of the page's own part: where it is scrolled to is not to the point.
_PLACES = """() => {
  const main = document.querySelector("main");
  const from = main.getBoundingClientRect();
  return [...main.querySelectorAll("input, select, button, legend")]
    .filter((one) => one.checkVisibility())
    .map((one) => {
      const { left, top } = one.getBoundingClientRect();
      return [one.id || one.name || one.tagName, Math.round(left), Math.round(top - from.top)];
    });
}"""
# As it was: what is said takes its room only once it is there.
_WITHOUT_ROOM = (
    ".wrong, #chosen, .say.kept { min-height: 0 } .wrong:empty, .say:empty { display: none }"
)
WIDTHS = [1200, 360]


async def places(visitor: Visitor) -> list[Any]:
    """Return where each control stands on the page."""
    found: list[Any] = await visitor.page.evaluate(_PLACES)
    return found


async def _shop(visitor: Visitor, width: int) -> None:
    await visitor.page.set_viewport_size({"width": width, "height": 800})
    await visitor.go("/shop")
    await visitor.page.wait_for_selector("#pay:enabled")


async def _mistakes(visitor: Visitor) -> None:
    await visitor.page.fill("#email", "nobody")
    await visitor.page.click("#pay")
    await visitor.page.wait_for_selector("#email-wrong:not(:empty)")
    # The browser notes that the server refused.
    visitor.complaints[:] = [one for one in visitor.complaints if "400" not in one]


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_mistake_in_the_shop_moves_nothing(visitor: Visitor, width: int) -> None:
    await _shop(visitor, width)
    before = await places(visitor)
    await _mistakes(visitor)
    await visitor.keep(f"mistake-{width}")
    assert await places(visitor) == before


async def test_control_without_its_room_it_moves_what_stands_below(visitor: Visitor) -> None:
    await _shop(visitor, 360)
    # Its policy allows no style of another's; what its own sheet says is changed.
    await visitor.page.evaluate(
        "(rules) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(rules);"
        " document.adoptedStyleSheets = [sheet]; }",
        _WITHOUT_ROOM,
    )
    before = await places(visitor)
    await _mistakes(visitor)
    assert await places(visitor) != before


async def test_a_coupon_that_nobody_knows_moves_nothing(visitor: Visitor) -> None:
    await _shop(visitor, 1200)
    before = await places(visitor)
    await visitor.page.fill("#couponCode", "NOBODYS")
    await visitor.page.wait_for_selector("#couponCode-wrong:not(:empty)")
    assert await places(visitor) == before
    visitor.complaints.clear()


async def test_a_wrong_key_moves_nothing(visitor: Visitor) -> None:
    await visitor.go("/dashboard/login")
    before = await places(visitor)
    await visitor.page.fill("#key", "ak_of_nobody")
    await visitor.page.press("#key", "Enter")
    await visitor.page.wait_for_selector("#problem:not(:empty)")
    assert await places(visitor) == before
    visitor.complaints.clear()


async def test_what_a_payment_came_to_moves_no_button(visitor: Visitor) -> None:
    _, checkout = await visitor.lab.open()
    await visitor.go(f"/sandbox/pay/{checkout.page_id}")
    await visitor.page.wait_for_selector("[data-happening=paid]:enabled")
    before = await places(visitor)
    await visitor.page.get_by_role("button", name="Decline").click()
    await visitor.page.wait_for_selector("#said:not(:empty)")
    assert await places(visitor) == before


_FAINT_BUTTONS = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [x, y, z] = [r, g, b].map((v) => linear(v / 255));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const contrast = (a, b) => {
    const [x, y] = [light(parse(a)), light(parse(b))];
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  };
  const ground = getComputedStyle(document.body).backgroundColor;
  const shown = (one) => one.checkVisibility() && !one.disabled;
  const stands = (one) => {
    const { backgroundColor, borderTopColor } = getComputedStyle(one);
    const clear = (color) => parse(color)[3] === 0;
    return [backgroundColor, borderTopColor].some((c) => !clear(c) && contrast(c, ground) >= 3);
  };
  const buttons = [...document.querySelectorAll("button, .button")].filter(shown);
  return buttons.filter((one) => !stands(one)).map((one) => one.textContent.trim());
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_button_looks_like_one(visitor: Visitor, scheme: Any) -> None:
    """Its edge stands out from the ground by 3 : 1 (WCAG 2.2, 1.4.11), or else all of it does."""
    await visitor.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    _, checkout = await visitor.lab.open()
    await visitor.go(f"/sandbox/pay/{checkout.page_id}")
    await visitor.page.wait_for_selector("[data-happening=paid]:enabled")
    assert await visitor.page.evaluate(_FAINT_BUTTONS) == []
    # The control: an edge as faint as those of cards.
    faint = (
        "document.querySelector('button.quiet').style.setProperty('border-color', 'var(--line)')"
    )
    await visitor.page.evaluate(faint)
    assert len(await visitor.page.evaluate(_FAINT_BUTTONS)) == 1
