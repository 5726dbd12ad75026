"""Money: strict integers in minor units with an ISO 4217 code, and each provider's exponents."""

from decimal import Decimal, InvalidOperation

from iso4217 import Currency

from service.core.errors import FieldProblem, InvalidInput

# BSON keeps 64 bits, JavaScript 53: an amount must survive both.
LARGEST_AMOUNT = 2**53 - 1

_EXPONENTS: dict[str, int] = {
    currency.code: currency.exponent for currency in Currency if currency.exponent is not None
}

# Where a provider counts otherwise than ISO 4217.
# Stripe: https://docs.stripe.com/currencies (UGX and ISK are sent with two decimals that are zero;
# MGA has no decimals there). Razorpay: three-decimal currencies are sent x1000, last digit 0.
_PROVIDER_EXPONENTS: dict[tuple[str, str], int] = {
    ("stripe", "ISK"): 2,
    ("stripe", "UGX"): 2,
    ("stripe", "MGA"): 0,
}

# The smallest step that a provider takes, in its own minor units.
_STEPS: dict[tuple[str, str], int] = {
    ("stripe", "ISK"): 100,
    ("stripe", "UGX"): 100,
    **{("stripe", code): 10 for code in ("BHD", "JOD", "KWD", "OMR", "TND")},
    **{("razorpay", code): 10 for code in ("BHD", "KWD", "OMR")},
}


def currency_exists(code: str) -> bool:
    """Tell whether a code is a currency of ISO 4217, in capitals."""
    return code in _EXPONENTS


def exponent(provider: str, currency: str) -> int:
    """Give the decimals of a currency as a provider counts them. Raises `InvalidInput`."""
    found = _PROVIDER_EXPONENTS.get((provider, currency), _EXPONENTS.get(currency))
    if found is None:
        problem = FieldProblem("currency", f"{currency!r} is not a currency of ISO 4217")
        raise InvalidInput("The currency is unknown.", problems=(problem,))
    return found


def check_step(provider: str, currency: str, amount: int) -> None:
    """Refuse an amount that a provider can't charge to the last digit. Raises `InvalidInput`."""
    step = _STEPS.get((provider, currency), 1)
    if amount % step:
        problem = FieldProblem("amount", f"{provider} takes {currency} in steps of {step}")
        raise InvalidInput("The amount can't be charged exactly.", problems=(problem,))


def to_minor(price: str, provider: str, currency: str) -> int:
    """Turn a decimal string in major units ("29.99") into minor units. Raises `InvalidInput`."""
    places = exponent(provider, currency)
    try:
        minor = Decimal(price).scaleb(places)
    except InvalidOperation:
        minor = Decimal("NaN")
    if not minor.is_finite() or minor != minor.to_integral_value():
        problem = FieldProblem("price", f"must be a decimal number with at most {places} decimals")
        raise InvalidInput("The price can't be read.", problems=(problem,))
    if not 0 < minor <= LARGEST_AMOUNT:
        problem = FieldProblem("price", "must be more than zero and fit 53 bits in minor units")
        raise InvalidInput("The price is out of range.", problems=(problem,))
    return int(minor)


def to_major(amount: int, provider: str, currency: str) -> str:
    """Write minor units as a plain decimal string in major units ("29.99")."""
    return f"{Decimal(amount).scaleb(-exponent(provider, currency)):f}"
