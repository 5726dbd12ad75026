"""The pages of webhook endpoints: who sees what, what the buttons do, what is shown once."""

import re

import pytest
import pytest_asyncio
from httpx import AsyncClient

from service.core.principal import AccessScope, Kind
from tests.dashboard.operated import EVIL
from tests.dashboard.pressing import page, press, said, words
from tests.dashboard.signing_in import sign_in
from tests.merchants.asking import put
from tests.notifications.receivers import answers, answers_in_turn, receiving
from tests.notifications.telling import fan_out, send, tell
from tests.sandbox.looks import look_at, look_at_this
from tests.sandbox.visitor import Visitor, signed_in
from tests.support.keys import issue_key
from tests.support.pages import assert_nothing_inline
from tests.support.shop import Shop

HERE = "/dashboard/endpoints"


@pytest_asyncio.fixture
async def http(store: Shop) -> AsyncClient:
    """An admin's browser."""
    found: AsyncClient = store.api.http
    found.cookies.clear()
    await sign_in(found)
    return found


async def _added(store: Shop, http: AsyncClient, url: str, **given: str) -> tuple[str, str]:
    """Add an endpoint by its form; return its address and what the answer says."""
    await fan_out(store)
    answer = await press(http, HERE, f"{HERE}/add", url=url, seed="a-seed", **given)
    assert answer.status_code == 200, answer.text
    store.pass_time(seconds=10)
    found = re.search(rf'href="({HERE}/we_[^"]+)"', answer.text)
    assert found, answer.text
    return found[1], answer.text


async def test_an_endpoint_is_added_and_its_secret_is_shown_on_that_page_alone(
    store: Shop, http: AsyncClient
) -> None:
    async with receiving() as receiver:
        address, text = await _added(store, http, receiver.url(), description=EVIL)
    assert "The one before" not in text
    found = re.search(r"whsec_[A-Za-z0-9+/=]+", text)
    assert found
    for path in (HERE, address):
        shown = await page(http, path)
        assert found[0] not in shown
        assert receiver.url() in shown
        assert EVIL not in shown
    assert found[0] not in str(http.cookies)


async def test_what_was_sent_is_shown_with_its_tries_and_sent_again(
    store: Shop, http: AsyncClient
) -> None:
    async with receiving(answers_in_turn(answers(500, "no room"), answers())) as receiver:
        address, _ = await _added(store, http, receiver.url())
        await tell(store)
        await send(store)
        shown = words(await page(http, address))
        assert "session.completed" in shown
        assert re.search(r"It answered 500; .* It took \d+ ms. Its answer: no room", shown)
        event = receiver.got[0].id
        told = await said(http, address, f"{address}/resend", event=event)
        assert told == f"{event} is being sent again, under the same id."
        await send(store)
        assert "It answered 200. It took" in words(await page(http, address, status="delivered"))
    assert list(receiver.times().values()) == [2]


async def test_what_was_missed_while_it_was_disabled_is_sent_by_one_button(
    store: Shop, http: AsyncClient
) -> None:
    began = store.clock.now()
    async with receiving() as receiver:
        address, _ = await _added(store, http, receiver.url())
        await said(http, address, f"{address}/switch", to="disabled")
        await tell(store, "missed")
        await said(http, address, f"{address}/switch", to="enabled")
        shown = words(await page(http, address))
        assert "Hears everything" in shown
        assert "Sends ids, status and amount, in any order" in shown
        assert await send(store) == 0  # the control: by itself nothing comes
        given = {"since": f"{began:%Y-%m-%dT%H:%M}"}
        told = await said(http, address, f"{address}/missed", **given)
        assert told == "1 event is being sent again."
        await send(store)
        assert "can't be used" in await said(http, address, f"{address}/missed", since="noon")
    assert len(receiver.got) == 1


async def test_it_is_tried_disabled_enabled_and_removed_by_its_buttons(
    store: Shop, http: AsyncClient
) -> None:
    async with receiving() as receiver:
        address, _ = await _added(store, http, receiver.url())
        assert "is being sent" in await said(http, address, f"{address}/test")
        await send(store)
        assert "canceled" in await said(http, address, f"{address}/switch", to="disabled")
        assert "Disabled by hand, " in words(await page(http, address))
        assert "disabled; enable it first" in await said(http, address, f"{address}/test")
        assert "enabled" in await said(http, address, f"{address}/switch", to="enabled")
        rotated = words((await press(http, address, f"{address}/rotate")).text)
        assert "whsec_" in rotated
        assert "The one before still signs, too, until " in rotated
        assert "; the one before signs until " in words((await http.get(address)).text)
        assert "removed" in await said(http, address, f"{address}/remove")
    assert len(receiver.got) == 1
    assert "None. Nobody is told" in words(await page(http, HERE))


async def test_nothing_on_the_pages_is_inline(store: Shop, http: AsyncClient) -> None:
    async with receiving() as receiver:
        address, _ = await _added(store, http, receiver.url())
        await said(http, address, f"{address}/test")
        await send(store)
    for path in (HERE, address):
        assert_nothing_inline(await http.get(path))


@pytest.mark.parametrize(
    "description", ["card 4242 4242 4242 4242", "a\x1b[2J", "a\x00b", "a\u202eb", "x" * 256]
)
async def test_a_description_that_the_api_refuses_is_refused_here(
    store: Shop, http: AsyncClient, description: str
) -> None:
    given = {"url": "http://127.0.0.1:9/hook", "seed": "s", "description": description}
    assert "description" in await said(http, HERE, f"{HERE}/add", **given)
    assert await store.database["webhook_endpoints"].count_documents({}) == 0


async def test_what_can_not_be_added_is_said(store: Shop, http: AsyncClient) -> None:
    told = await said(http, HERE, f"{HERE}/add", url="https://10.0.0.1/x")
    assert "leads to a private address" in told


@pytest.mark.parametrize("may", [(), (AccessScope.ENDPOINTS_READ,)])
async def test_only_those_with_the_scopes_see_and_do(
    store: Shop, http: AsyncClient, may: tuple[AccessScope, ...]
) -> None:
    async with receiving() as receiver:
        address, _ = await _added(store, http, receiver.url())
    scopes = [AccessScope.TIMELINES_READ, *may]
    issued = await issue_key(store.clock, Kind.ADMIN, scopes=scopes)
    http.cookies.clear()
    await sign_in(http, issued.key)
    assert (await http.get(HERE)).status_code == (200 if may else 403)
    if may:
        assert "Add an endpoint" not in await page(http, HERE)
        assert "Send a test event" not in await page(http, address)
        assert (await press(http, HERE, f"{address}/test")).status_code == 403


async def test_an_operator_sees_and_changes_those_of_a_merchant_that_it_names(
    store: Shop, http: AsyncClient
) -> None:
    assert (await put(store, "alpha")).status_code == 201
    await fan_out(store)
    of_alpha = {"merchant": "alpha"}
    async with receiving() as receiver:
        url = receiver.url()
        made = await press(http, HERE, f"{HERE}/add?merchant=alpha", url=url, seed="s")
        found = re.search(rf'href="({HERE}/we_[^"?]+)\?merchant=alpha"', made.text)
        assert found, made.text
        assert url not in await page(http, HERE)
        assert f"{found[1]}?merchant=alpha" in await page(http, HERE, **of_alpha)
        store.pass_time(seconds=10)
        await tell(store, merchant="alpha")
        await send(store)
        shown = await page(http, found[1], **of_alpha)
        assert "It answered 200" in words(shown)
        assert 'href="/dashboard/sessions/' not in shown  # which would be one of the operator's
        tried = await said(http, HERE, f"{found[1]}/test?merchant=alpha")
        assert "is being sent" in tried
        gone = await said(http, HERE, f"{found[1]}/remove?merchant=alpha")
    assert gone == "The endpoint is removed."
    rows = await store.database["audit_log"].find({"action": "endpoint.removed"}).to_list()
    assert [(row["merchantId"], row["actor"]) for row in rows] == [("alpha", "admin:operator:ops")]


async def test_control_nobody_else_names_another_merchant(store: Shop, http: AsyncClient) -> None:
    issued = await issue_key(store.clock, Kind.ADMIN, merchant_id="beta")
    assert (await put(store, "alpha")).status_code == 201
    http.cookies.clear()
    await sign_in(http, issued.key)
    assert 'id="merchant"' not in await page(http, HERE)
    assert (await http.get(HERE, params={"merchant": "alpha"})).status_code == 403
    given = {"url": "http://127.0.0.1:9/hook", "seed": "s"}
    assert (await press(http, HERE, f"{HERE}/add?merchant=alpha", **given)).status_code == 303
    assert await store.database["webhook_endpoints"].count_documents({}) == 0
    own = await press(http, HERE, f"{HERE}/add?merchant=beta", **given)
    assert "whsec_" in own.text


@pytest.mark.browser
async def test_the_pages_fit_whatever_stands_in_them(visitor: Visitor) -> None:
    looks = [(360, "dark"), (360, "light"), (1280, "dark"), (1280, "light")]
    await signed_in(visitor, HERE)
    await look_at(visitor, {"endpoints-empty": HERE}, looks[:1])
    async with receiving(answers(500, "x" * 300)) as receiver:
        await visitor.page.fill("#url", f"{receiver.url()}?{'q' * 300}")
        await visitor.page.fill("#description", EVIL * 3)
        await visitor.page.press("#description", "Enter")
        await visitor.page.wait_for_selector("#secret")
        await look_at_this(visitor, "endpoint-secret", looks)
        await visitor.page.click("text=To the endpoint")
        await visitor.page.click("text=Send a test event")
        await visitor.page.wait_for_selector("#said")
        await visitor.page.fill("#since", "2026-01-01T00:00")
        await visitor.page.press("#since", "Enter")
        await visitor.page.wait_for_selector('#said:has-text("0 events are being sent again.")')
        assert await visitor.page.evaluate("document.activeElement.id") == "said"
        address = visitor.page.url.removeprefix(visitor.lab.address)
    await look_at(visitor, {"endpoints": HERE, "endpoint": address}, looks)
