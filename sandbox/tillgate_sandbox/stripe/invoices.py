"""Calls about invoices and what paid them.

https://docs.stripe.com/api/invoices, /api/invoice-payment.
"""

from service.core.strict_json import JsonObject
from service.providers.reading import inner, text
from tillgate_sandbox import repository
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.stripe import billing
from tillgate_sandbox.stripe.lists import PAGING, page_of
from tillgate_sandbox.stripe.parameters import refuse_unknown
from tillgate_sandbox.stripe.refusals import missing, no_such
from tillgate_sandbox.stripe.subscriptions import every_subscribed, subscribed

_PAYMENTS_TAKE = PAGING | {"created", "invoice", "payment", "status"}
_TAKES = PAGING | {"created", "customer", "status", "subscription"}


async def retrieve_invoice(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Read an invoice of a subscription."""
    return billing.invoice(await subscribed("invoice", ids[0]), ids[0])


async def list_invoices(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """List invoices: of a subscription, or all."""
    refuse_unknown(given, _TAKES)
    wanted = text(given, "subscription")
    of = [await subscribed("subscription", wanted)] if wanted else await every_subscribed()
    found = [
        billing.invoice(checkout, one.id, life)
        for checkout in of
        for life in (billing.life_of(checkout),)
        for one in reversed(life.invoices)
    ]
    return page_of(found, given, "/v1/invoices", ("customer", "status"))


async def list_invoice_payments(
    sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject
) -> JsonObject:
    """List what paid an invoice, or the invoice that an intent paid."""
    refuse_unknown(given, _PAYMENTS_TAKE)
    invoice_id = text(given, "invoice")
    intent_id = text(inner(given, "payment"), "payment_intent")
    if invoice_id is None and intent_id is None:
        raise missing("invoice")
    checkout = await (
        repository.find_by_payment(intent_id)
        if intent_id is not None
        else repository.find_by_object(invoice_id or "")
    )
    if checkout is None and invoice_id is not None:
        raise no_such("invoice", invoice_id, "invoice")
    found = billing.invoice_payments(checkout) if checkout is not None else []
    return page_of(found, given, "/v1/invoice_payments", ("invoice", "status"))
