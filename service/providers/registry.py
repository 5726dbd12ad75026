"""Which providers there are, and those of them that have credentials here."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Literal, TypeAlias

from service.core.clock import Clock
from service.core.errors import FieldProblem, Misconfigured
from service.core.variables import Password, Secret, Secrets
from service.providers.base import Provider
from service.providers.phonepe.registered import PHONEPE
from service.providers.razorpay.registered import RAZORPAY
from service.providers.settings import ProviderSettings
from service.providers.signing import is_secret
from service.providers.stripe.registered import STRIPE
from service.providers.traits import Registered, Traits
from service.providers.upi.registered import UPI

Providers = Mapping[str, Provider]

# A row for each provider, in the order in which people are shown them.
REGISTRY: Mapping[str, Registered] = {
    row.traits.name: row for row in (STRIPE, RAZORPAY, PHONEPE, UPI)
}

# On the wire and in documents a provider's name is one of these; for a type checker it is a text.
if TYPE_CHECKING:
    ProviderName: TypeAlias = str
else:
    ProviderName = Literal[tuple(REGISTRY)]


def every_traits() -> Iterator[Traits]:
    """Go through the traits of all providers, whether they have credentials or not."""
    return (row.traits for row in REGISTRY.values())


def build_providers(settings: Mapping[str, ProviderSettings], clock: Clock) -> Providers:
    """Build the adapters of all providers that anything is set for.

    Raises `Misconfigured` for a secret that is there and blank.
    """
    secrets = [group.texts_of(Secret, Secrets, Password) for group in settings.values()]
    refuse_blank(dict(chain.from_iterable(one.items() for one in secrets)))
    return {
        name: row.build(settings[name], clock)
        for name, row in REGISTRY.items()
        if settings[name].any_of(row.traits.pays_with + row.traits.hears_with)
    }


def refuse_blank(secrets: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse secrets that are there and blank, by their variable. Raises `Misconfigured`."""
    blank = [
        FieldProblem(variable, "is blank: anybody could sign with it. Unset it, or set a real one")
        for variable, texts in secrets.items()
        if not all(is_secret(text) for text in texts)
    ]
    if blank:
        named = ", ".join(problem.field for problem in blank)
        raise Misconfigured(f"Blank secrets can't be used: {named}.", problems=tuple(blank))


async def close_providers(providers: Providers) -> None:
    """Close the connections of the adapters that keep some."""
    for provider in providers.values():
        await provider.aclose()
