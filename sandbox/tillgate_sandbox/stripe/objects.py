"""Calls about intents and events (https://docs.stripe.com/api)."""

from datetime import datetime

from service.core import strict_json
from service.core.clock import from_unix
from service.core.strict_json import JsonObject
from service.providers.reading import inner, text
from tillgate_sandbox import repository
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.documents import (
    SandboxEvent,
)
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import Happening, PaymentStatus
from tillgate_sandbox.stripe import render
from tillgate_sandbox.stripe.paid import the_payment
from tillgate_sandbox.stripe.parameters import read_whole, refuse_unknown
from tillgate_sandbox.stripe.refusals import StripeRefused, no_such
from tillgate_sandbox.stripe.sessions import page, page_size

_MOST_LOOKED_AT = 1000


async def retrieve_intent(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Read a payment intent."""
    return render.payment_intent(*await the_payment(ids[0]))


async def capture_intent(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Capture an intent that is held."""
    checkout, payment = await the_payment(ids[0])
    if payment.status is not PaymentStatus.AUTHORIZED:
        status = render.payment_intent(checkout, payment)["status"]
        message = (
            "This PaymentIntent could not be captured because it has a status of "
            f"{status}. Only a PaymentIntent with one of the following statuses may be captured: "
            "requires_capture."
        )
        raise StripeRefused(message, code="payment_intent_unexpected_state", began=True)
    asked = read_whole(given, "amount_to_capture")
    if asked is not None and asked != payment.amount:
        raise StripeRefused("The sandbox captures the whole amount.", param="amount_to_capture")
    captured = await happen(checkout, Happening.CAPTURED, sandbox)
    return render.payment_intent(captured, captured.payments[-1])


async def retrieve_event(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Read an event."""
    event = await repository.find_event(ids[0])
    if event is None or event.provider != "stripe":
        raise no_such("event", ids[0])
    return _event(event)


async def list_events(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """List events, newest first: by `type`, `types[]`, `created[gte]` and `delivery_success`.

    `delivery_success=false` gives those that no delivery has brought home yet
    (https://docs.stripe.com/webhooks/process-undelivered-events).
    """
    limit = page_size(given)
    after = None
    if (last := text(given, "starting_after")) is not None:
        after = await repository.find_event(last)
        if after is None:
            raise no_such("event", last, "starting_after")
    delivered = text(given, "delivery_success")
    looked_at = limit + 1 if delivered is None else _MOST_LOOKED_AT
    found = await repository.list_events(
        "stripe", _since(given), _types(given), looked_at, after=after
    )
    if delivered is not None:
        arrived = await repository.delivered_events([event.id for event in found])
        found = [event for event in found if (event.id in arrived) == (delivered == "true")]
    return page([_event(event) for event in found], limit, "/v1/events")


def _event(event: SandboxEvent) -> JsonObject:
    body = strict_json.parse(event.body)
    return body if isinstance(body, dict) else {}


def _types(given: JsonObject) -> list[str]:
    kind, kinds = text(given, "type"), given.get("types")
    if kind is not None:
        return [kind]
    return [one for one in kinds if isinstance(one, str)] if isinstance(kinds, list) else []


def _since(given: JsonObject) -> datetime | None:
    created = inner(given, "created")
    refuse_unknown(created, frozenset({"gte", "gt"}))
    since = read_whole(created, "gte", "created[gte]")
    if since is None:
        above = read_whole(created, "gt", "created[gt]")
        since = above + 1 if above is not None else None
    return None if since is None else from_unix(since)
