"""The pictures of the docs are those of the pages as they are.

`KEEP_PICTURES=1 python -m pytest -m soak tests/docs/test_pictures.py` makes them anew.
"""

import base64
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import Struct
from playwright.async_api import Page

from tests.docs.blocks import ROOT, pages
from tests.sandbox.visitor import Visitor, served_shop, shop, signed_in, visitor

__all__ = ["served_shop", "shop", "visitor"]

PLACE = ROOT / "docs" / "pictures"
LARGEST_BYTES = 60_000
_PICTURE = re.compile(r"!\[([^\]]+)\]\(([^)]+)\)")


class Shown(Struct, frozen=True):
    """What is on a picture: patterns of the route, the title and the heading of its page."""

    route: str
    title: str
    heading: str


PICTURES = {
    "shop": Shown("/shop", "Shop · Lantern Hall", "Quiet music, warm light"),
    "pay": Shown(r"/sandbox/pay/[\w-]+", r"Pay 10\.00 USD · Tillgate sandbox", r"10\.00 USD"),
    "timeline": Shown(r"/dashboard/sessions/shop_\w+", r"Session shop_\w+ · Tillgate", r"shop_\w+"),
}

# A picture as WebP, which Chromium itself writes.
_PACK = """async (png) => {
  const image = await createImageBitmap(await (await fetch(png)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext("2d").drawImage(image, 0, 0);
  const packed = await canvas.convertToBlob({ type: "image/webp", quality: 0.8 });
  const bytes = new Uint8Array(await packed.arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}"""
# How far two pictures are from each other: the mean of 40 x 30 grey fields, of 255.
_DIFFER = """async ([one, other]) => {
  const fields = async (address) => {
    const image = await createImageBitmap(await (await fetch(address)).blob());
    const canvas = new OffscreenCanvas(40, 30);
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, 40, 30);
    const { data } = context.getImageData(0, 0, 40, 30);
    const starts = Array.from({ length: data.length / 4 }, (_, at) => 4 * at);
    return starts.map((at) => (data[at] + data[at + 1] + data[at + 2]) / 3);
  };
  const [a, b] = [await fields(one), await fields(other)];
  return a.reduce((sum, value, at) => sum + Math.abs(value - b[at]), 0) / a.length;
}"""


async def _each_page(visitor: Visitor) -> AsyncIterator[str]:
    """Open each page that the docs show, as somebody comes to it; yield its name."""
    page = visitor.page
    await page.set_viewport_size({"width": 1000, "height": 900})
    await page.emulate_media(color_scheme="light", reduced_motion="reduce")
    await visitor.go("/shop")
    await page.fill("#email", "ada@example.com")
    await page.wait_for_selector("#pay:enabled")
    await page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    yield "shop"
    await page.click("#pay")
    await page.wait_for_url("**/sandbox/pay/**")
    yield "pay"
    await page.get_by_role("button", name="Pay by card").click()
    await visitor.until("completed")
    await signed_in(visitor, f"/dashboard/sessions/{await visitor.session_id()}")
    yield "timeline"


def _data(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


async def _taken(page: Page) -> bytes:
    """Return the page as a picture."""
    png = _data(await page.screenshot(), "png")
    blank = await page.context.new_page()
    packed: str = await blank.evaluate(_PACK, png)
    await blank.close()
    return base64.b64decode(packed)


def _named() -> dict[str, Path]:
    """Return each picture that a page of the docs shows, by its name."""
    found = {}
    for page in pages():
        for alt, address in _PICTURE.findall(page.read_text()):
            if address.endswith(".webp"):
                assert len(alt.split()) > 3, f"{page.name}: say what is on {address}"
                found[Path(address).stem] = (page.parent / address).resolve()
    return found


def test_every_picture_that_is_shown_is_there_and_small_and_no_other() -> None:
    named = _named()
    assert named.keys() == PICTURES.keys()
    assert {path.resolve() for path in PLACE.iterdir()} == set(named.values())
    assert all(0 < path.stat().st_size <= LARGEST_BYTES for path in named.values())


@pytest.mark.browser
async def test_the_pages_on_the_pictures_are_where_they_were(visitor: Visitor) -> None:
    found = set()
    async for name in _each_page(visitor):
        page, shown = visitor.page, PICTURES[name]
        assert re.fullmatch(shown.route, page.url.removeprefix(visitor.lab.address))
        assert re.fullmatch(shown.title, await page.title())
        assert re.fullmatch(shown.heading, await page.inner_text("h1"))
        found.add(name)
    assert found == PICTURES.keys()


@pytest.mark.browser
@pytest.mark.soak
async def test_the_pictures_are_what_the_pages_look_like(visitor: Visitor) -> None:
    """Soak: it compares pictures, which takes a browser longer than to draw them."""
    kept = {name: PLACE / f"{name}.webp" for name in PICTURES}
    differ = {}
    taken: dict[str, bytes] = {}
    async for name in _each_page(visitor):
        taken[name] = await _taken(visitor.page)
        if os.environ.get("KEEP_PICTURES"):
            PLACE.mkdir(exist_ok=True)
            kept[name].write_bytes(taken[name])
    blank = await visitor.context.new_page()
    for name, now in taken.items():
        pair = [_data(kept[name].read_bytes(), "webp"), _data(now, "webp")]
        differ[name] = await blank.evaluate(_DIFFER, pair)
    assert all(distance < 4 for distance in differ.values()), differ
    # The control: another page is further away.
    pair = [_data(taken["shop"], "webp"), _data(taken["timeline"], "webp")]
    assert await blank.evaluate(_DIFFER, pair) > 8
