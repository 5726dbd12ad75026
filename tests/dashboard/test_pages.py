"""The shop's and the dashboard's pages without a browser: what they carry, and what they hide."""

import re

from tests.dashboard.test_login import sign_in
from tests.sandbox.lab import Lab
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
    for path in ("/shop", "/shop/return?sessionId=x&any=thing", "/dashboard/login"):
        page = await http.get(path, headers=host)
        assert page.status_code == 200, path
        policy = page.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert page.headers["cache-control"] == "no-store"
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page.text)
        for address in re.findall(r'(?:src|href)="([^"#]+)"', page.text):
            assert address.startswith("/"), address


async def test_files_are_kept_for_good_under_an_address_that_names_their_content(lab: Lab) -> None:
    page = await lab.api.http.get("/dashboard/login")
    address = re.search(r'href="(/assets/[^"]+page\.css)"', page.text)
    assert address
    style = await lab.api.http.get(address[1])
    assert style.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert style.headers["content-type"].startswith("text/css")
    older = await lab.api.http.get("/assets/0123456789abcdef/page.css")
    assert older.headers["cache-control"] == "no-store"
    for name in ("nothing.css", "..%2fpage.py", "page.py"):
        assert (await lab.api.http.get(f"/assets/x/{name}")).status_code == 404


async def test_timeline_tells_every_delivery_with_the_reason(lab: Lab) -> None:
    opened, checkout = await lab.open(amount=2500)
    chaos = {"faults": ["bad_signature", "duplicate"], "copies": 2, "delayMs": 0, "seed": 1}
    await lab.api.http.put(f"/sandbox/api/checkouts/{checkout.page_id}/chaos", json=chaos)
    declined = {"method": "card", "declineCode": "expired_card"}
    await lab.api.http.post(f"/sandbox/pay/{checkout.page_id}/declined", json=declined)
    await lab.api.http.post(f"/sandbox/pay/{checkout.page_id}/paid", json={})
    await lab.deliver_all()

    await sign_in(lab.api.http)
    page = (await lab.api.http.get(f"/dashboard/sessions/{opened['sessionId']}")).text

    assert "was completed by stripe" in page
    assert "was declined: expired_card" in page
    assert "rejected, 400 invalid_signature, the signature is not genuine" in page
    assert "accepted, 200 processed, taken and applied" in page
    assert "accepted, 200 duplicate, a copy" in page
    deliveries = await lab.deliveries(opened["sessionId"])
    tries = sum(len(delivery.attempts) for delivery in deliveries)
    assert page.count('data-kind="delivery"') == tries > 8


async def test_what_callers_wrote_is_never_markup(lab: Lab) -> None:
    evil = "<script>alert(1)</script>"
    opened, _ = await lab.open(userId=evil, metadata={"x": evil})
    await sign_in(lab.api.http)
    page = (await lab.api.http.get(f"/dashboard/sessions/{opened['sessionId']}")).text
    assert evil not in page
    assert "&lt;script&gt;" in page


async def test_session_that_nobody_opened_is_a_page_that_says_so(lab: Lab) -> None:
    await sign_in(lab.api.http)
    page = await lab.api.http.get("/dashboard/sessions/nobody")
    assert page.status_code == 404
    assert "There is no such session" in page.text


async def test_search_leads_to_the_session(lab: Lab) -> None:
    found = await lab.api.http.get("/dashboard/sessions", params={"sessionId": "ps_1"})
    assert found.headers["location"] == "/dashboard/sessions/ps_1"
    wrong = await lab.api.http.get("/dashboard/sessions", params={"sessionId": "../x"})
    assert wrong.status_code == 400
