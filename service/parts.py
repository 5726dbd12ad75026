"""What rooms are handed, built of the settings: parts of what `wiring` puts together."""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from service.core.clock import Clock
from service.core.errors import Misconfigured
from service.intents.operations.services import FindFollowed, IntentServices
from service.merchants.operations.merchants import Merchants
from service.notifications.endpoints.operations.addresses import LOOPBACK, Addresses
from service.notifications.endpoints.operations.known import Endpoints
from service.notifications.endpoints.operations.sealing import Sealer
from service.notifications.endpoints.operations.services import EndpointServices
from service.notifications.mail.operations.services import MailServices, StillWanted
from service.outbox.operations.hearing import Heard, nobody
from service.payments.refunds.operations.rules import RefundRules
from service.providers.refunding import Refunds
from service.providers.registry import Providers
from service.sessions.operations.rules import Rules
from service.sessions.settings import SessionSettings
from service.sessions.states import Lifetimes
from service.settings import Settings


def build_mail(
    settings: Settings, clock: Clock, still_wanted: Mapping[str, StillWanted] | None = None
) -> MailServices:
    """Build what mail needs. Nothing is connected."""
    return MailServices(
        clock=clock,
        server=settings.mail.server,
        sender=settings.mail.sender,
        public_url=settings.web.public_url,
        peppers=settings.access.peppers,
        still_wanted=still_wanted or {},
    )


def build_rules(settings: Settings, providers: Providers, heard: Heard = nobody) -> Rules:
    """Build the rules of sessions. Raises `Misconfigured` without a pepper."""
    _require_pepper(settings)
    peppers = tuple(pepper.secret for pepper in settings.access.peppers)
    home = urlsplit(settings.web.public_url)
    return Rules(
        default_currency=settings.sessions.default_currency,
        lifetimes=lifetimes_of(settings.sessions),
        public_url=settings.web.public_url,
        origins=frozenset({f"{home.scheme}://{home.netloc}", *settings.web.cors_origins}),
        pepper=peppers[0],
        older_peppers=peppers[1:],
        on_this_machine=not settings.production,
        live={name: provider.live for name, provider in providers.items()},
        heard=heard,
    )


def build_refund_rules(settings: Settings, providers: Providers) -> RefundRules:
    """Build the rules of refunds."""
    asked = {name: one.live for name, one in providers.items() if isinstance(one, Refunds)}
    window = timedelta(days=settings.refunds.refund_window_days)
    return RefundRules(window, settings.refunds.refund_limit, asked)


def build_endpoints(settings: Settings, clock: Clock) -> EndpointServices:
    """Build what webhook endpoints share. In development they may be on this machine.

    Raises `Misconfigured` without a pepper.
    """
    _require_pepper(settings)
    here = () if settings.production else LOOPBACK
    addresses = Addresses((*here, *settings.webhooks.networks))
    return EndpointServices(clock, Endpoints(clock), addresses, Sealer(settings.access.peppers))


def _require_pepper(settings: Settings) -> None:
    if not settings.access.peppers:
        raise Misconfigured("PII_PEPPER is not set: no client secret could be made.")


def lifetimes_of(policy: SessionSettings) -> Lifetimes:
    """Return how long sessions live and are kept."""
    completed = policy.purge_completed_days
    return Lifetimes(
        payment=timedelta(minutes=policy.payment_session_minutes),
        checkout=timedelta(hours=policy.checkout_session_hours),
        purge_ended=timedelta(days=policy.purge_expired_days),
        purge_completed=timedelta(days=completed) if completed is not None else None,
    )


def build_intents(
    settings: Settings,
    clock: Clock,
    merchants: Merchants,
    find_followed: FindFollowed,
    heard: Heard,
) -> IntentServices:
    """Build what leads need. They are announced where an endpoint has them `heard`."""
    home = urlsplit(settings.web.public_url)
    return IntentServices(
        clock=clock,
        merchants=merchants,
        default_currency=settings.sessions.default_currency,
        origin=f"{home.scheme}://{home.netloc}",
        peppers=settings.access.peppers,
        keep_for=timedelta(days=settings.intents.retention_days),
        keep_addresses=settings.intents.keep_addresses,
        archive_dir=settings.intents.archive_dir,
        find_followed=find_followed,
        mails=settings.mail.server is not None,
        heard=heard,
    )
