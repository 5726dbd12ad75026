"""What is particular about a provider, so that nobody else has to know it by its name."""

from collections.abc import Callable, Mapping
from typing import Literal, TypeVar

from msgspec import Struct, field

from service.core.clock import Clock
from service.providers.base import CheckoutMode, Provider
from service.providers.settings import ProviderSettings

SessionKind = Literal["payment", "checkout"]
_Own = TypeVar("_Own", bound=ProviderSettings)


class Traits(Struct, frozen=True):
    """One provider's traits; each folder declares one record of them.

    `name` stands in routes and documents, `title` is what people read, `hint` what a customer may
    expect of paying with it.

    What it needs of the settings: any variable of `pays_with` lets it open a checkout, any of
    `hears_with` believe a webhook. The variables of each group in `together` are set all or none.
    `demo` makes what `tillgate dev` uses of each variable; `_dev_` stands in every value that must
    stay secret.

    The value of a variable in `begins` starts with one of its prefixes. `mode_variable` is the
    variable that shows whether real money moves.

    `only_currency` is the one that it takes where it takes but one, `usual_currency` the one of a
    session that names none. `exponents` are the decimals of a currency where it counts otherwise
    than ISO 4217, `steps` the smallest step of an amount in its own minor units.

    `declines` says in plain English what its codes for a payment that failed mean, `refusals` those
    for a refund that failed, waits or was refused.

    `modes` can be opened here. `manual`: it reports nothing, a secret key completes its sessions.
    `closes` are the kinds of sessions whose open checkouts it can close.
    """

    name: str
    title: str
    hint: str
    pays_with: tuple[str, ...]
    together: tuple[tuple[str, ...], ...]
    demo: Mapping[str, Callable[[], str]]
    hears_with: tuple[str, ...] = ()
    begins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mode_variable: str | None = None
    only_currency: str | None = None
    usual_currency: str | None = None
    exponents: Mapping[str, int] = field(default_factory=dict)
    steps: Mapping[str, int] = field(default_factory=dict)
    declines: Mapping[str, str] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)
    modes: frozenset[CheckoutMode] = frozenset({"payment"})
    manual: bool = False
    closes: frozenset[SessionKind] = frozenset()


class Registered(Struct, frozen=True):
    """One provider: its traits, its settings, and what builds its adapter of them."""

    traits: Traits
    settings: type[ProviderSettings]
    build: Callable[[ProviderSettings, Clock], Provider]


def registered(
    traits: Traits, settings: type[_Own], build: Callable[[_Own, Clock], Provider]
) -> Registered:
    """Put the parts of one provider together for the registry."""

    def built(given: ProviderSettings, clock: Clock) -> Provider:
        if not isinstance(given, settings):
            raise TypeError(f"{traits.title} is built of {settings.__name__}.")
        return build(given, clock)

    return Registered(traits, settings, built)
