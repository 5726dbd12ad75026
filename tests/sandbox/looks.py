"""Whether pages fit and can be read: in each width and scheme, and what axe-core finds on them."""

from collections.abc import Mapping, Sequence

from tests.sandbox.visitor import Visitor
from tests.support.axe import violations
from tests.support.browsers import drawn

TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"

# Texts whose contrast is below WCAG 2.2's 4.5 : 1 (1.4.3), on the ground that they stand on.
FAINT = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [x, y, z] = [r, g, b].map((v) => linear(v / 255));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0.99) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const exempt = element.closest(":disabled, noscript, option");
    if (!own || exempt || !element.checkVisibility()) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faint.push(`${element.tagName} ${element.className} ${contrast}`);
  }
  return faint;
}"""

LOOKS = [(360, "dark"), (360, "light"), (1200, "light")]
# What a page's script puts there is waited for.
_DRAWN = {"shop": "#pay:enabled", "return": '#state[data-status="completed"]'}


async def look_at(
    visitor: Visitor, pages: Mapping[str, str], looks: Sequence[tuple[int, str]] = LOOKS
) -> None:
    """Look at pages, by name and path; assert that each can be used."""
    for name, path in pages.items():
        await visitor.go(path)
        if drawn := _DRAWN.get(name):
            await visitor.page.wait_for_selector(drawn)
        await look_at_this(visitor, name, looks)


async def look_at_this(
    visitor: Visitor, name: str, looks: Sequence[tuple[int, str]] = LOOKS
) -> None:
    """Look at the page that is open: one that answers a form can't be opened again."""
    page = visitor.page
    await drawn(page)
    for width, scheme in looks:
        # Without motion: a colour that fades into another is neither.
        await page.emulate_media(
            color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce"
        )
        await page.set_viewport_size({"width": width, "height": 780})
        await visitor.keep(f"look-{name}-{width}-{scheme}")
        assert not await page.evaluate(TOO_WIDE), f"{name} is wider than {width} px"
        assert await page.evaluate(FAINT) == [], (name, width, scheme)
    broken = await violations(page)
    assert broken == [], f"{name}: {broken}"
