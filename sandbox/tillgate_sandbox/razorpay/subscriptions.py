"""Calls about Razorpay's subscriptions, plans and invoices."""

from typing import Annotated

from litestar import get, patch, post
from litestar.params import FromPath, QueryParameter, RawBody

from service.core.clock import from_unix
from service.core.ids import new_id
from service.core.strict_json import JsonObject
from service.providers.reading import inner, text, whole
from tillgate_sandbox import listing, lives, repository
from tillgate_sandbox.base import Sandbox, pay_page
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.lives import Life, Step
from tillgate_sandbox.playing import Announcement, announce, chaos_of, happen
from tillgate_sandbox.razorpay import billing
from tillgate_sandbox.razorpay.controllers import PlayedApi, ThePart
from tillgate_sandbox.razorpay.refusals import NoSuchId, Refusal, TheSandbox, read_object
from tillgate_sandbox.razorpay.render import collection, made_id
from tillgate_sandbox.repository import KEEP_FOR
from tillgate_sandbox.states import CheckoutStatus, Happening

_PLAN = "plan_sandbox_"
_MOST = 100


class RazorpaySubscriptions(PlayedApi):
    """Subscriptions (https://razorpay.com/docs/api/payments/subscriptions)."""

    path = "/sandbox/razorpay/v1"

    @post("/subscriptions", status_code=200)
    async def create(self, body: RawBody, played: TheSandbox) -> JsonObject:
        """Open a subscription."""
        given, now = read_object(body), played.clock.now()
        amount, currency = lives.cost_of(_plan_id(given))
        notes = inner(given, "notes")
        checkout_id = made_id("sub_", new_id("sub"))
        ends = whole(given, "expire_by")
        checkout = SandboxCheckout(
            id=checkout_id,
            provider="razorpay",
            kind="subscription",
            page_id=new_id("rzp"),
            session_id=text(notes, "sessionId") or checkout_id,
            amount=amount * (whole(given, "quantity") or 1),
            currency=currency.upper(),
            request=given,
            object_ids=[checkout_id, billing.first_invoice_id(checkout_id)],
            created_at=now,
            updated_at=now,
            expires_at=from_unix(ends) if ends else None,
            purge_at=now + KEEP_FOR,
        )
        await repository.insert_checkout(checkout)
        return _shown(checkout, played)

    @get("/subscriptions")
    async def find(
        self,
        played: TheSandbox,
        part: ThePart,
        plan_id: Annotated[str | None, QueryParameter(name="plan_id")] = None,
    ) -> JsonObject:
        """List subscriptions, newest first."""
        wanted = part.within.wanted()
        wanted |= {} if plan_id is None else {"request.plan_id": {"$eq": plan_id}}
        found = await listing.list_checkouts("razorpay", ["subscription"], wanted, part.span)
        return collection([_shown(one, played) for one in found])

    @get("/subscriptions/{subscription_id:str}")
    async def read(self, subscription_id: FromPath[str], played: TheSandbox) -> JsonObject:
        """Read a subscription."""
        return _shown(await _found(subscription_id), played)

    @patch("/subscriptions/{subscription_id:str}")
    async def change(
        self, subscription_id: FromPath[str], body: RawBody, played: TheSandbox
    ) -> JsonObject:
        """Change the plan now."""
        checkout, given = await _found(subscription_id), read_object(body)
        life, now = _alive(checkout), int(played.clock.now().timestamp())
        after = lives.changed(life, _plan_id(given), life.quantity, now, prorated=True)
        return await _take(checkout, [Step(after, now, ("subscription.updated",))], played)

    @post("/subscriptions/{subscription_id:str}/cancel", status_code=200)
    async def cancel(
        self, subscription_id: FromPath[str], body: RawBody, played: TheSandbox
    ) -> JsonObject:
        """End a subscription with its cycle, or now; one that nobody paid is over at once."""
        checkout, given = await _found(subscription_id), read_object(body)
        if checkout.status is CheckoutStatus.OPEN:
            return _shown(await happen(checkout, Happening.CANCELED, played), played)
        life, now = _alive(checkout), int(played.clock.now().timestamp())
        if given.get("cancel_at_cycle_end") in (1, True):
            after = lives.ending(life, now, ends=True)
            return await _take(checkout, [Step(after, now, ("subscription.updated",))], played)
        return await _take(checkout, [lives.canceled(life, now)], played)

    @post("/subscriptions/{subscription_id:str}/advance", status_code=200)
    async def advance(
        self, subscription_id: FromPath[str], body: RawBody, played: TheSandbox
    ) -> JsonObject:
        """Let happen what does by itself until a time: the sandbox's own, Razorpay has none.

        With `declines` what is tried from now on is refused, or not any more.
        """
        checkout, given = await _found(subscription_id), read_object(body)
        _alive(checkout)
        declines = given.get("declines")
        payer: lives.Payer = "declines" if declines is True else "pays"
        until = whole(given, "until") or 0
        moved = await advance(
            checkout, until, played, payer if isinstance(declines, bool) else None
        )
        return _shown(moved, played)

    @get("/plans/{plan_id:str}")
    async def plan(self, plan_id: FromPath[str], played: TheSandbox) -> JsonObject:
        """Read a plan."""
        return billing.plan(_plan_id({"plan_id": plan_id}))

    @get("/invoices")
    async def invoices(
        self,
        played: TheSandbox,
        part: ThePart,
        subscription_id: Annotated[str, QueryParameter(name="subscription_id")],
    ) -> JsonObject:
        """List the invoices of a subscription."""
        checkout = await _found(subscription_id)
        if not _is_paid(checkout):
            return collection([])
        span, invoices = part.span, billing.life_of(checkout).invoices
        found = [one for one in invoices if part.within.holds(one.created)]
        listed = found[span.skip : span.skip + span.limit]
        return collection([billing.invoice(checkout, one) for one in listed])

    @get("/invoices/{invoice_id:str}")
    async def invoice(self, invoice_id: FromPath[str], played: TheSandbox) -> JsonObject:
        """Read an invoice."""
        checkout = await repository.find_by_object(invoice_id)
        if checkout is None or checkout.kind != "subscription":
            raise NoSuchId
        found = billing.life_of(checkout).invoices if _is_paid(checkout) else ()
        for one in found:
            if billing.invoice_id(one) == invoice_id:
                return billing.invoice(checkout, one)
        raise NoSuchId


def _is_paid(checkout: SandboxCheckout) -> bool:
    return checkout.status is CheckoutStatus.PAID


def _plan_id(given: JsonObject) -> str:
    plan_id = text(given, "plan_id") or ""
    if not plan_id.startswith(_PLAN):
        raise Refusal("The id provided does not exist", field="plan_id")
    return plan_id


def _alive(checkout: SandboxCheckout) -> Life:
    if not _is_paid(checkout) or billing.life_of(checkout).ended_at:
        raise Refusal("Subscription is not in a valid state for this.", field="status")
    return billing.life_of(checkout)


async def _found(subscription_id: str) -> SandboxCheckout:
    found = await repository.find_checkout(subscription_id)
    if found is None or found.kind != "subscription":
        raise NoSuchId
    return found


async def advance(
    checkout: SandboxCheckout, until: int, sandbox: Sandbox, payer: lives.Payer | None = None
) -> SandboxCheckout:
    """Let happen to one subscription what does by itself until a time.

    With a `payer` tries come to something else from now on.
    """
    life = billing.life_of(checkout)
    if payer is not None:
        life = lives.paying(life, payer)
    steps = list(lives.lived(life, until))
    return await _kept(checkout, steps or [Step(life, life.started, ())], sandbox)


async def _take(checkout: SandboxCheckout, steps: list[Step], played: Sandbox) -> JsonObject:
    return _shown(await _kept(checkout, steps, played), played)


async def _kept(checkout: SandboxCheckout, steps: list[Step], played: Sandbox) -> SandboxCheckout:
    """Keep what happened, and report each step by its webhooks."""
    changes = {
        "more": checkout.more | {"subscription": lives.kept(steps[-1].life)},
        "object_ids": [*dict.fromkeys([*checkout.object_ids, *_invoice_ids(steps[-1].life)])],
        "updated_at": played.clock.now(),
    }
    after: SandboxCheckout = checkout.model_copy(update=changes)
    page = pay_page(played.settings, after.page_id)
    events = [event for step in steps for event in billing.events_of(after, step, page)]
    salt = f"{checkout.session_id}:{checkout.version}"
    told = Announcement(events, await chaos_of(checkout), salt)
    return await announce(checkout, after, played, told)


def _invoice_ids(life: Life) -> list[str]:
    return [billing.invoice_id(one) for one in life.invoices]


def _shown(checkout: SandboxCheckout, played: Sandbox) -> JsonObject:
    return billing.subscription(checkout, pay_page(played.settings, checkout.page_id))
