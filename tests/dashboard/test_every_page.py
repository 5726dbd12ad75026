"""Every page for people: found from the routes, so that a new one can't be left out.

Each is small, can be read by everybody, and names nobody by an id of ours. What stands on a page
besides, and how it is used, is tested in its room.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest
from litestar import Litestar
from litestar.enums import MediaType
from litestar.routes import HTTPRoute

from service.core.clock import SystemClock
from service.notifications.alerts.operations.agree import agree
from service.notifications.alerts.operations.condition import Sighting
from service.notifications.mail.operations.unsubscribe import link
from service.recovery.operations.links import link as resume_link
from service.storage.database import Row
from tests.dashboard.test_money_in_chromium import _in_review, _ledger
from tests.sandbox.looks import look_at_this
from tests.sandbox.mailbox.test_mailbox import send
from tests.sandbox.pages.test_layout import an_order
from tests.sandbox.shop.test_membership import _subscribe
from tests.sandbox.visitor import Visitor, signed_in
from tests.support.api import ADMIN
from tillgate_sandbox.extension import SANDBOX

LARGEST_PAGE = 60_000
"""Bytes of a page with all that it loads, unpacked."""

_ONE = [(360, "dark")]
_ALL = [(360, "dark"), (360, "light"), (1280, "dark"), (1280, "light")]
# A label of the audit where people read: `publishable:3fa9c1d200ff`, `secret:ops`.
_LABEL = re.compile(r"\b(?:publishable|secret|admin|jobs|user):[A-Za-z0-9]")
# What a page's script puts there is waited for.
_DRAWN = {
    "/shop": "#pay:enabled",
    "/shop/membership": '#state[data-status="active"]',
    "/shop/return": '#state[data-status="completed"]',
}


@dataclass(frozen=True)
class Things:
    """What there is to show, by what its page takes."""

    session_id: str
    payment_id: str
    subscription: str
    dispute_id: str
    endpoint_id: str
    pay_page: str
    mail_id: str
    unsubscribe: str
    resume: str

    def pages(self) -> Mapping[str, str]:
        """Return an address for each page, by its route."""
        session, dispute = self.session_id, f"/dashboard/disputes/{self.dispute_id}"
        return {
            "/": "/",
            "/errors": "/errors",
            "/errors/{code}": "/errors/session_not_found",
            "/mail/unsubscribe": self.unsubscribe,
            "/resume": self.resume,
            "/dashboard/login": "/dashboard/login",
            "/dashboard": "/dashboard",
            "/dashboard/sessions": f"/dashboard/sessions?sessionId={session}",
            "/dashboard/sessions/{session_id}": f"/dashboard/sessions/{session}",
            "/dashboard/operations": "/dashboard/operations",
            "/dashboard/payments": "/dashboard/payments",
            "/dashboard/payments/{payment_id}": f"/dashboard/payments/{self.payment_id}",
            "/dashboard/subscriptions": "/dashboard/subscriptions",
            "/dashboard/subscriptions/{subscription_id}": self.subscription,
            "/dashboard/refunds": "/dashboard/refunds?status=any",
            "/dashboard/reviews": "/dashboard/reviews",
            "/dashboard/disputes": "/dashboard/disputes",
            "/dashboard/disputes/{dispute_id}": dispute,
            "/dashboard/disputes/{dispute_id}/evidence": f"{dispute}/evidence",
            "/dashboard/alerts": "/dashboard/alerts?status=any",
            "/dashboard/mail": "/dashboard/mail",
            "/dashboard/leads": "/dashboard/leads",
            "/dashboard/figures": "/dashboard/figures?currency=USD",
            "/dashboard/reports": "/dashboard/reports",
            "/dashboard/reports/month": "/dashboard/reports/month?currency=USD",
            "/dashboard/reports/week": "/dashboard/reports/week?currency=USD",
            "/dashboard/recovery": "/dashboard/recovery",
            "/dashboard/recovery/{session_id}": f"/dashboard/recovery/{session}",
            "/dashboard/endpoints": "/dashboard/endpoints",
            "/dashboard/endpoints/{endpoint_id}": f"/dashboard/endpoints/{self.endpoint_id}",
            "/sandbox/pay/{page_id}": self.pay_page,
            "/sandbox/chaos": "/sandbox/chaos",
            "/shop": "/shop",
            "/shop/membership": "/shop/membership",
            "/shop/return": f"/shop/return?sessionId={session}",
            "/sandbox/mail": "/sandbox/mail",
            "/sandbox/mail/{mail_id}": f"/sandbox/mail/{self.mail_id}",
        }


# Nobody has left that session for an hour: its page is looked at in tests/recovery.
_STATUSES = {"/resume": 404, "/dashboard/recovery/{session_id}": 404}

# The viewer of the API and the site of the docs are made by others; a mail is its sender's.
_OF_OTHERS = {"/docs", "/docs/framework/{path}", "/docs/guide", "/sandbox/mail/{mail_id}/html"}


def html_routes(app: Litestar) -> set[str]:
    """Return the routes that answer with a page: by their type, or by what they return.

    Those of the API's document answer programs.
    """
    found = set()
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            returned = str(handler.parsed_fn_signature.return_type.raw)
            is_page = "Response[str]" in returned or handler.media_type == MediaType.HTML
            is_ours = "GET" in handler.http_methods and not handler.resolve_include_in_schema()
            if is_page and is_ours:
                found.add(route.path_format)
    return found


async def _things(visitor: Visitor) -> Things:
    await _subscribe(visitor, "stripe")  # before the chaos that an order is bought in
    subscription = await visitor.page.get_attribute("#behind a", "href")
    assert subscription
    session_id = await an_order(visitor)
    paid, disputed = await _ledger()
    await _in_review(visitor)
    lab, now = visitor.lab, SystemClock().now()
    await agree("jobs_late", [Sighting("The job cleanup is late.", "cleanup")], now, None)
    body = {"url": "http://127.0.0.1:9/hook", "events": ["*"]}
    added = await lab.api.call("POST", "/api/webhook-endpoints", ADMIN, json=body)
    assert added.status_code == 201, added.text
    async with SANDBOX.receiving_mail(SystemClock()) as url:
        await send(url)
    listed = (await lab.api.http.get("/sandbox/mail")).text
    found = re.search(r'href="/sandbox/mail/([^"]+)"', listed)
    assert found
    opened, open_checkout = await lab.open()
    back = urlsplit(resume_link("default", opened["sessionId"], now, lab.api.container.mail))
    leaving = urlsplit(link("default", "ann@shop.example", lab.api.container.mail))
    return Things(
        session_id=session_id,
        payment_id=str(paid["_id"]),
        subscription=subscription,
        dispute_id=str(disputed["_id"]),
        endpoint_id=added.json()["endpoint"]["id"],
        pay_page=f"/sandbox/pay/{open_checkout.page_id}",
        mail_id=found[1],
        unsubscribe=f"{leaving.path}?{leaving.query}",
        resume=f"{back.path}?{back.query}",
    )


async def _size(http: httpx.AsyncClient, page: str) -> int:
    """Return the bytes of a page and of what it names of this service."""
    total, seen, waiting = len(page.encode()), set[str](), [page]
    while waiting:
        text = waiting.pop()
        for path in re.findall(r'(?:src|href|from|import)[=( ]*"([^"]+\.(?:js|css|svg))"', text):
            if path in seen or path.startswith("data:"):
                continue
            seen.add(path)
            answer = await http.get(path if path.startswith("/") else _beside(seen, path))
            assert answer.status_code == 200, path
            total += len(answer.content)
            waiting.append(answer.text)
    return total


def _beside(seen: set[str], path: str) -> str:
    """Return the address of what a script names beside itself."""
    folder = next(one for one in seen if one.startswith("/") and one.endswith(".js"))
    return folder.rpartition("/")[0] + "/" + path.removeprefix("./")


async def _shown(visitor: Visitor) -> str:
    """Return what can be read without opening any detail."""
    text: str = await visitor.page.evaluate("document.body.innerText")
    return text


@pytest.mark.browser
@pytest.mark.parametrize("looks", [_ONE, pytest.param(_ALL, marks=pytest.mark.soak)])
async def test_every_page_is_small_can_be_read_and_names_people_in_words(
    visitor: Visitor, looks: list[tuple[int, str]]
) -> None:
    """Soak: in each width and scheme, which the rooms' own tests look at, too."""
    things = await _things(visitor)
    pages = things.pages()
    assert html_routes(visitor.lab.app) - _OF_OTHERS == set(pages), "give a new page its row here"
    await signed_in(visitor, "/dashboard")
    cookies = {one["name"]: one["value"] for one in await visitor.context.cookies()}
    found: dict[str, str] = {}
    async with httpx.AsyncClient(base_url=visitor.lab.address, cookies=cookies) as http:
        for route, path in pages.items():
            answer = await http.get(path, follow_redirects=True)
            assert answer.status_code == _STATUSES.get(route, 200), path
            size = await _size(http, answer.text)
            if size > LARGEST_PAGE:
                found[route] = f"{size} bytes"
            await visitor.go(path)
            if route in _DRAWN:
                await visitor.page.wait_for_selector(_DRAWN[route])
            if label := _LABEL.search(await _shown(visitor)):
                found[route] = f"shows {label[0]}"
            name = "every" + route.replace("/", "-").replace("{", "").replace("}", "")
            await look_at_this(visitor, name, looks)
    assert found == {}
    visitor.complaints[:] = [
        one for one in visitor.complaints if not re.search("sandboxed|404", one)
    ]


def test_control_a_label_is_found_and_words_are_not() -> None:
    assert _LABEL.search("to completed by publishable:3fa9c1d200ff")
    assert _LABEL.search("admin:cli:grace")
    assert not _LABEL.search("by the customer's browser. Reason: seen. Status: secret")


async def test_control_a_session_has_labels_that_a_page_could_show(visitor: Visitor) -> None:
    """They stand in the details, for whoever must know which key it was."""
    session_id = await an_order(visitor)
    row: Row | None = await visitor.lab.app.state.container.database["sessions"].find_one(
        {"sessionId": session_id}
    )
    assert row is not None
    assert row["history"][0]["by"].startswith("publishable:")
    await signed_in(visitor, f"/dashboard/sessions/{session_id}")
    await visitor.page.evaluate(
        "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
    )
    assert _LABEL.search(await _shown(visitor))
