"""The shop's pages without a browser: what they carry, and what they hide."""

from tests.sandbox.lab import Lab
from tests.support.pages import assert_nothing_inline
from tests.support.settings import ADMIN, PUBLISHABLE, SECRET


async def test_shop_carries_the_publishable_key_and_no_other(lab: Lab) -> None:
    page = await lab.api.http.get("/shop", headers={"host": lab.address.removeprefix("http://")})
    assert f'name="tillgate-publishable-key" content="{PUBLISHABLE}"' in page.text
    assert SECRET not in page.text
    assert ADMIN not in page.text


async def test_shop_under_another_name_leads_to_the_public_one(lab: Lab) -> None:
    elsewhere = await lab.api.http.get("/shop", headers={"host": "localhost:8000"})
    assert elsewhere.status_code == 307
    assert elsewhere.headers["location"] == f"{lab.address}/shop"


async def test_shop_without_prices_sells_nothing_and_says_so(lab: Lab) -> None:
    page = await lab.api.http.get("/shop", headers={"host": lab.address.removeprefix("http://")})
    assert page.text.count("Has no price in the catalog") == 3
    assert page.text.count(' name="item"') == page.text.count("disabled data-field=")


async def test_policy_allows_nothing_inline_and_the_pages_need_nothing_inline(lab: Lab) -> None:
    http = lab.api.http
    host = {"host": lab.address.removeprefix("http://")}
    for path in ("/shop", "/shop/return?sessionId=x&any=thing"):
        page = await http.get(path, headers=host)
        assert_nothing_inline(page)
