"""Money as each provider counts it: by ISO 4217, but for what its traits say."""

from service.core import money
from service.core.errors import FieldProblem, InvalidInput
from service.providers.registry import REGISTRY


def exponent(provider: str, currency: str) -> int:
    """Return the decimals of a currency as a provider counts them. Raises `InvalidInput`."""
    row = REGISTRY.get(provider)
    own = None if row is None else row.traits.exponents.get(currency)
    return money.exponent(currency) if own is None else own


def check_step(provider: str, currency: str, amount: int) -> None:
    """Refuse an amount that a provider can't charge to the last digit. Raises `InvalidInput`."""
    row = REGISTRY.get(provider)
    step = 1 if row is None else row.traits.steps.get(currency, 1)
    if amount % step:
        problem = FieldProblem("amount", f"{provider} takes {currency} in steps of {step}")
        raise InvalidInput("The amount can't be charged exactly.", problems=(problem,))


def to_minor(price: str, provider: str, currency: str) -> int:
    """Turn a decimal string in major units ("29.99") into minor units. Raises `InvalidInput`."""
    return money.to_minor(price, exponent(provider, currency))


def to_major(amount: int, provider: str, currency: str) -> str:
    """Write minor units as a plain decimal string in major units ("29.99")."""
    return money.to_major(amount, exponent(provider, currency))
