"""The sandbox's pages and their API over HTTP. Development only: nobody is asked for a key."""

from typing import Annotated

import msgspec
from litestar import Controller, Response, Router, delete, get, post, put
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody, PathParameter, QueryParams, SkipValidation

from service.core.errors import Busy, NotFound
from service.core.strict_json import JsonObject
from service.providers.razorpay.settings import RazorpaySettings
from service.web.authentication import PUBLIC
from service.web.limits.rate_limits import UNLIMITED
from tillgate_sandbox import repository
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.chaos import Chaos, merge
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.pages.chaos_page import chaos_page
from tillgate_sandbox.pages.checkout_script import checkout_script
from tillgate_sandbox.pages.frame import ASSETS
from tillgate_sandbox.pages.pay_page import missing_page, pay_page
from tillgate_sandbox.pages.views import (
    ChaosRequest,
    CheckoutsAnswer,
    CheckoutView,
    HappenRequest,
    checkout_view,
)
from tillgate_sandbox.playing import chaos_of, happen
from tillgate_sandbox.razorpay.handover import handed_over
from tillgate_sandbox.states import Happening, PaymentStatus

TheSandbox = NamedDependency[SkipValidation[Sandbox]]
PageId = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9_-]{1,100}$")]

_LATEST = 25


class PayPages(Controller):
    """The pages that a customer sees at a played provider."""

    @get("/sandbox/pay/{page_id:str}")
    async def show(self, page_id: PageId, query: QueryParams, sandbox: TheSandbox) -> Response[str]:
        """Show the page; the query is for its script."""
        checkout = await _find(page_id)
        if checkout is None:
            return missing_page()
        return pay_page(checkout, await _view(checkout, sandbox))

    @post("/sandbox/pay/{page_id:str}/{happening:str}", status_code=200)
    async def happen(
        self,
        page_id: PageId,
        happening: FromPath[Happening],
        data: JSONBody[HappenRequest],
        sandbox: TheSandbox,
    ) -> CheckoutView:
        """Let something happen; 409 where the checkout's state forbids it."""
        checkout = await _needed(page_id)
        after = await happen(
            checkout, happening, sandbox, method=data.method, decline_code=data.decline_code
        )
        return await _view(after, sandbox)


class ChaosPages(Controller):
    """The faults, for all checkouts and for each."""

    @get("/sandbox/chaos")
    async def show(self, sandbox: TheSandbox) -> Response[str]:
        """Show the page."""
        latest = await repository.latest_checkouts(_LATEST)
        return chaos_page(await _standing(), [await _view(one, sandbox) for one in latest])

    @get("/sandbox/api/chaos")
    async def standing(self) -> Chaos:
        """Return the standing rule."""
        return await _standing()

    @put("/sandbox/api/chaos")
    async def rule(self, data: JSONBody[ChaosRequest]) -> Chaos:
        """Set the standing rule."""
        chaos = data.to_chaos()
        await repository.set_standing_chaos(_stored(chaos))
        return chaos

    @get("/sandbox/api/checkouts")
    async def latest(self, sandbox: TheSandbox) -> CheckoutsAnswer:
        """List the checkouts that were opened last."""
        latest = await repository.latest_checkouts(_LATEST)
        return CheckoutsAnswer([await _view(one, sandbox) for one in latest])

    @get("/sandbox/api/checkouts/{page_id:str}")
    async def checkout(self, page_id: PageId, sandbox: TheSandbox) -> CheckoutView:
        """Return a checkout with the state of its deliveries."""
        return await _view(await _needed(page_id), sandbox)

    @put("/sandbox/api/checkouts/{page_id:str}/chaos")
    async def own(
        self, page_id: PageId, data: JSONBody[ChaosRequest], sandbox: TheSandbox
    ) -> CheckoutView:
        """Return a checkout faults of its own."""
        return await _change(page_id, _stored(data.to_chaos()), sandbox)

    @delete("/sandbox/api/checkouts/{page_id:str}/chaos", status_code=200)
    async def forget(self, page_id: PageId, sandbox: TheSandbox) -> CheckoutView:
        """Let a checkout follow the standing rule."""
        return await _change(page_id, None, sandbox)


def page_routes(sandbox: Sandbox) -> Router:
    """Build the routes. `SHARED.route()` must be mounted besides."""
    return Router(
        "/",
        route_handlers=[PayPages, ChaosPages, checkout_script, ASSETS.route()],
        dependencies={"sandbox": Provide(lambda: sandbox, sync_to_thread=False)},
        opt={PUBLIC: True, UNLIMITED: True},
        include_in_schema=False,
    )


async def _find(page_id: str) -> SandboxCheckout | None:
    """Find a checkout by its page, or by the provider's id: all that Checkout.js knows of one."""
    return await repository.find_page(page_id) or await repository.find_checkout(page_id)


async def _needed(page_id: str) -> SandboxCheckout:
    checkout = await _find(page_id)
    if checkout is None:
        raise NotFound("There is no such checkout in the sandbox.")
    return checkout


async def _view(checkout: SandboxCheckout, sandbox: Sandbox) -> CheckoutView:
    deliveries = await repository.deliveries_of(checkout.session_id)
    chaos = await chaos_of(checkout)
    now = sandbox.clock.now()
    return checkout_view(checkout, deliveries, chaos, _handed_over(checkout, sandbox), now)


def _handed_over(checkout: SandboxCheckout, sandbox: Sandbox) -> dict[str, str]:
    """Return the proof that the browser carries back; only Razorpay provides one."""
    paid = [one for one in checkout.payments if one.status is PaymentStatus.SUCCEEDED]
    if checkout.provider != "razorpay" or not paid:
        return {}
    return handed_over(checkout, paid[-1], sandbox.settings.of(RazorpaySettings))


async def _standing() -> Chaos:
    stored = await repository.standing_chaos()
    return merge(None, stored.chaos if stored else None)


async def _change(page_id: str, chaos: JsonObject | None, sandbox: Sandbox) -> CheckoutView:
    before = await _needed(page_id)
    now = sandbox.clock.now()
    after = before.model_copy(update={"chaos": chaos, "updated_at": now})
    if not await repository.change_checkout(before, after):
        raise Busy("Something happened to the checkout just now; try again.")
    return await _view(after, sandbox)


def _stored(chaos: Chaos) -> JsonObject:
    stored: JsonObject = msgspec.to_builtins(chaos)
    return stored
