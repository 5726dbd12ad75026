"""Which order and payment link a payment was made for, and how they stand: Razorpay is asked.

https://razorpay.com/docs/api/orders/fetch-with-id, and by `payment_id`
https://razorpay.com/docs/api/payments/payment-links/fetch-all-standard.
"""

import re
from collections.abc import Iterable
from datetime import datetime

from msgspec import structs

from service.core.strict_json import JsonObject, JsonValue
from service.providers.calling import Refused
from service.providers.facts import Fact, PaymentFact, Subject
from service.providers.razorpay.client import RazorpayClient
from service.providers.razorpay.entities import subject_of
from service.providers.reading import entries, text, whole

_ID = re.compile(r"(order|pay)_[A-Za-z0-9_]{1,60}")
_INVOICE = re.compile(r"inv_[A-Za-z0-9_]{1,60}")
_SUBSCRIPTION = re.compile(r"sub_[A-Za-z0-9_]{1,60}")
_NOT_FOUND = frozenset({400, 404})
_MOST = "100"


def payment_and_order(subject: Subject) -> tuple[str, str] | None:
    """Return the ids to ask with; None for an event that names its payment link itself."""
    if any(ref.startswith("plink_") for ref in subject.checkout_refs):
        return None
    ids = {one.partition("_")[0]: one for one in subject.object_ids if _ID.fullmatch(one)}
    return (ids["pay"], ids["order"]) if ids.keys() >= {"pay", "order"} else None


def invoice_of(facts: Iterable[Fact]) -> str | None:
    """Return the invoice that an event's payment pays, None where it names none."""
    for fact in facts:
        details = fact.payment.details if isinstance(fact, PaymentFact) else None
        if details is not None and _INVOICE.fullmatch(details.invoice_id or ""):
            return details.invoice_id
    return None


async def read_invoice(client: RazorpayClient, invoice_id: str) -> Subject | None:
    """Read of which subscription an invoice is, None where it is of none.

    Its session was opened for the first payment, which names it; a renewal pays none, and its order
    is nobody's checkout. Raises as `calling.ask` does.
    """
    invoice = await _read(client, f"invoices/{invoice_id}", {})
    subscription_id = text(invoice, "subscription_id")
    if subscription_id is None or not _SUBSCRIPTION.fullmatch(subscription_id):
        return None
    found = await _read(client, f"subscriptions/{subscription_id}", {})
    listed = await _read(client, "invoices", {"subscription_id": subscription_id, "count": _MOST})
    named = subject_of(payment={}, order={}, link={}, subscription=found)
    if named.sent_ids and _is_first(invoice, entries(listed, "items")):
        return structs.replace(named, subscription_id=subscription_id)
    return Subject(
        sent_ids=named.sent_ids,
        merchant_id=named.merchant_id,
        subscription_id=subscription_id,
        renews=True,
    )


def _is_first(invoice: JsonObject, listed: Iterable[JsonObject]) -> bool:
    """Return whether no other invoice of a subscription was paid before."""
    others = [one for one in listed if text(one, "id") != text(invoice, "id")]
    paid = [whole(one, "paid_at") or 0 for one in others if text(one, "status") == "paid"]
    own = whole(invoice, "paid_at")
    return not paid or (own is not None and own < min(paid))


async def read_parents(client: RazorpayClient, payment_id: str, order_id: str) -> Subject:
    """Read the order and the link of a payment, as far as there are any.

    Raises as `calling.ask` does. A refusal says that there is no such thing in our account.
    """
    order = await _read(client, f"orders/{order_id}", {})
    listed = await _read(client, "payment_links", {"payment_id": payment_id})
    links = [one for one in entries(listed, "payment_links") if _is_of(one, payment_id, order_id)]
    link = links[0] if links else {}
    return subject_of(payment={}, order=order, link=link, subscription={})


async def _read(client: RazorpayClient, path: str, query: dict[str, str]) -> JsonObject:
    try:
        return await client.get(path, query)
    except Refused as refusal:
        if refusal.status not in _NOT_FOUND:
            raise
        return {}


def _is_of(link: JsonObject, payment_id: str, order_id: str) -> bool:
    """Compare again: people report that the filters of the lists are not always honoured."""
    paid = {text(payment, "payment_id") for payment in entries(link, "payments")}
    return payment_id in paid or text(link, "order_id") == order_id


async def read_again(client: RazorpayClient, ref: str, now: datetime) -> JsonObject:
    """Read an order, a payment link or a payment, with its payments, as `fetched` takes it."""
    envelope: JsonObject = {"fetched": ref, "fetchedAt": int(now.timestamp())}
    if ref.startswith("order_"):
        envelope["order"] = await client.get(f"orders/{ref}")
        envelope["payments"] = await _payments_of_order(client, ref)
    elif ref.startswith("plink_"):
        envelope["link"] = link = await client.get(f"payment_links/{ref}")
        envelope["payments"] = await _payments_of_link(client, link)
    elif ref.startswith("sub_"):
        envelope["subscription"] = await client.get(f"subscriptions/{ref}")
        envelope["payments"] = await _first_payment(client, ref)
    else:
        envelope["payments"] = [await client.get(f"payments/{ref}")]
    return envelope


async def _payments_of_order(client: RazorpayClient, order_id: str) -> list[JsonValue]:
    return list(entries(await client.get(f"orders/{order_id}/payments"), "items"))


async def _first_payment(client: RazorpayClient, subscription_id: str) -> list[JsonValue]:
    """A subscription's session was opened for the first of its payments alone."""
    listed = await client.get("invoices", {"subscription_id": subscription_id, "count": _MOST})
    paid = [one for one in entries(listed, "items") if text(one, "status") == "paid"]
    first = min(paid, key=lambda one: whole(one, "paid_at") or 0, default=None)
    payment_id = text(first, "payment_id") if first is not None else None
    if payment_id is None or not _ID.fullmatch(payment_id):
        return []
    return [await client.get(f"payments/{payment_id}")]


async def _payments_of_link(client: RazorpayClient, link: JsonObject) -> list[JsonValue]:
    """A link lists captured payments only; its order also knows those that are held."""
    ids = [text(payment, "payment_id") or "" for payment in entries(link, "payments")]
    found = [await client.get(f"payments/{one}") for one in ids if _ID.fullmatch(one)]
    order_id = text(link, "order_id") or ""
    if found or not _ID.fullmatch(order_id):
        return list(found)
    return await _payments_of_order(client, order_id)
