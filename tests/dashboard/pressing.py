"""Pages of money without a browser: what a form carries, and what pressing its button comes to."""

import html
import re
from typing import Any

from httpx import AsyncClient, Response

from tests.dashboard.signing_in import token_in


async def page(http: AsyncClient, path: str, expected: int = 200, **params: str) -> str:
    """Return the text of a page, as a person reads it."""
    answer = await http.get(path, params=params)
    assert answer.status_code == expected, (answer.status_code, answer.headers, answer.text)
    return answer.text


def words(text: str) -> str:
    """Return what a page says, without its markup."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text)))


def seed_in(text: str) -> str:
    """Return what tells the form on a payment's page from all others."""
    found = re.search(r'name="seed" value="([^"]+)"', text)
    assert found, text
    return found[1]


async def press(http: AsyncClient, here: str, act: str, **given: str) -> Response:
    """Fill in a form and press its button."""
    token = token_in(await http.get(here))
    return await http.post(act, data={"token": token} | given)


async def said(http: AsyncClient, here: str, act: str, **given: Any) -> str:
    """Press a button, and return what the page that follows says."""
    answer = await press(http, here, act, **given)
    assert answer.status_code == 303, answer.text
    found = re.search(r'id="said"[^>]*>([^<]*)<', (await http.get(answer.headers["location"])).text)
    assert found
    return html.unescape(found[1])
