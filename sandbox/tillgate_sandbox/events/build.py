"""Build an event of any provider: rendered and signed by the code that plays it."""

from service.providers.registry import REGISTRY, ProviderName
from service.settings import Settings
from tillgate_sandbox.events.phonepe import phonepe_callback
from tillgate_sandbox.events.razorpay import razorpay_event
from tillgate_sandbox.events.sale import Outcome, OutcomeUnknownToProvider, Sale, SignedEvent
from tillgate_sandbox.events.stripe import stripe_event
from tillgate_sandbox.phonepe.events import PlayedPhonePe
from tillgate_sandbox.razorpay.events import PlayedRazorpay
from tillgate_sandbox.stripe.events import PlayedStripe


def signed_event(
    provider: ProviderName, sale: Sale, outcome: Outcome, settings: Settings
) -> SignedEvent:
    """Build a provider's event, signed with the first of its webhook secrets.

    Raises `Misconfigured` without one, `OutcomeUnknownToProvider` if no event reports it.
    """
    match provider:
        case "stripe":
            event = stripe_event(sale, outcome)
            headers = PlayedStripe(settings).sign(event, sale.at, None)
        case "razorpay":
            event = razorpay_event(sale, outcome, settings)
            headers = PlayedRazorpay(settings).sign(event, sale.at, None)
        case "phonepe":
            event = phonepe_callback(sale, outcome, settings)
            headers = PlayedPhonePe(settings).sign_callback(event, None)
        case _:
            raise OutcomeUnknownToProvider(_silent(provider))
    return SignedEvent(event.type, event.event_id, event.body, headers)


def _silent(provider: ProviderName) -> str:
    traits = REGISTRY[provider].traits
    if traits.manual:
        return f"{traits.title} sends no events: a secret key completes the session."
    return f"The sandbox does not play {traits.title}."
