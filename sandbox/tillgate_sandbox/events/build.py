"""Build the event of any provider, signed with what the settings hold for it."""

from service.core.errors import Misconfigured
from service.providers.phonepe.settings import PhonePeSettings
from service.providers.razorpay.settings import RazorpaySettings
from service.providers.registry import REGISTRY, ProviderName
from service.providers.stripe.settings import StripeSettings
from service.settings import Settings
from tillgate_sandbox.events.phonepe import phonepe_callback
from tillgate_sandbox.events.razorpay import razorpay_event
from tillgate_sandbox.events.sale import Outcome, OutcomeUnknownToProvider, Sale, SignedEvent
from tillgate_sandbox.events.stripe import stripe_event


def signed_event(
    provider: ProviderName, sale: Sale, outcome: Outcome, settings: Settings
) -> SignedEvent:
    """Build a provider's event, signed with the first of its webhook secrets.

    Raises `Misconfigured` without one, `OutcomeUnknownToProvider` where no event tells it.
    """
    match provider:
        case "stripe":
            secret = _first(settings.of(StripeSettings).webhook_secrets, "STRIPE_WEBHOOK_SECRET")
            return stripe_event(sale, outcome, secret)
        case "razorpay":
            secret = _first(
                settings.of(RazorpaySettings).webhook_secrets, "RAZORPAY_WEBHOOK_SECRET"
            )
            return razorpay_event(sale, outcome, secret)
        case "phonepe":
            phonepe = settings.of(PhonePeSettings)
            salts = (phonepe.salt_key,) if phonepe.salt_key else ()
            return phonepe_callback(
                sale,
                outcome,
                salt=_first(salts, "PHONEPE_SALT_KEY"),
                index=phonepe.salt_index,
                merchant_account=phonepe.merchant_id,
            )
    traits = REGISTRY[provider].traits
    if traits.manual:
        says = f"{traits.title} sends no events: a secret key settles it by hand."
        raise OutcomeUnknownToProvider(says)
    raise OutcomeUnknownToProvider(f"The sandbox does not play {traits.title}.")


def _first(secrets: tuple[str, ...], variable: str) -> str:
    if not secrets:
        raise Misconfigured(f"{variable} is not set: nothing could sign the event.")
    return secrets[0]
