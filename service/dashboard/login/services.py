"""What signing in needs, built once."""

from typing import TypeAlias

from litestar.di import NamedDependency
from litestar.params import SkipValidation
from msgspec import Struct

from service.core.clock import Clock
from service.core.errors import Misconfigured
from service.dashboard.login.cookies import Cookies
from service.dashboard.login.refusals import Refusals
from service.merchants.operations.merchants import Merchants
from service.settings import Settings
from service.web.keys.ring import KeyRing
from service.web.limits.addresses import Addresses
from service.web.sign_ins.guesses import Guesses


class LoginServices(Struct, frozen=True):
    """Cookies, keys, merchants, and the counts of tries."""

    jar: Cookies
    keys: KeyRing
    merchants: Merchants
    clock: Clock
    addresses: Addresses
    guesses: Guesses
    refusals: Refusals


TheLogin: TypeAlias = NamedDependency[SkipValidation[LoginServices]]


def build_login(settings: Settings, clock: Clock, merchants: Merchants) -> LoginServices:
    """Build them from the settings. Raises `Misconfigured` without a pepper."""
    peppers = settings.access.peppers
    if not peppers:
        raise Misconfigured("PII_PEPPER is not set: nobody could sign in to the dashboard.")
    return LoginServices(
        Cookies(peppers, secure=settings.web.public_url.startswith("https://")),
        KeyRing(settings.access, clock),
        merchants,
        clock,
        Addresses(settings.web.trusted_proxies),
        Guesses(clock),
        Refusals(clock),
    )
