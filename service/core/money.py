"""Money: strict integers in minor units with an ISO 4217 code."""

from decimal import Decimal, InvalidOperation, Overflow

from iso4217 import Currency

from service.core.errors import FieldProblem, InvalidInput

# BSON keeps 64 bits, JavaScript 53: an amount must survive both.
LARGEST_AMOUNT = 2**53 - 1

_EXPONENTS: dict[str, int] = {
    currency.code: currency.exponent for currency in Currency if currency.exponent is not None
}


def currency_exists(code: str) -> bool:
    """Return whether a code is a currency of ISO 4217, in capitals."""
    return code in _EXPONENTS


def exponent(currency: str) -> int:
    """Return the decimals of a currency by ISO 4217. Raises `InvalidInput`."""
    found = _EXPONENTS.get(currency)
    if found is None:
        problem = FieldProblem("currency", f"{currency!r} is not a currency of ISO 4217")
        raise InvalidInput("The currency is unknown.", problems=(problem,))
    return found


def to_minor(price: str, places: int) -> int:
    """Turn a decimal string in major units ("29.99") into minor units. Raises `InvalidInput`."""
    try:
        minor = Decimal(price).scaleb(places)
    except (InvalidOperation, Overflow):
        minor = Decimal("NaN")
    if not minor.is_finite() or minor != minor.to_integral_value():
        problem = FieldProblem("price", f"must be a decimal number with at most {places} decimals")
        raise InvalidInput("The price can't be read.", problems=(problem,))
    if not 0 < minor <= LARGEST_AMOUNT:
        problem = FieldProblem("price", "must be more than zero and fit 53 bits in minor units")
        raise InvalidInput("The price is out of range.", problems=(problem,))
    return int(minor)


def to_major(amount: int, places: int) -> str:
    """Write minor units as a plain decimal string in major units ("29.99")."""
    return f"{Decimal(amount).scaleb(-places):f}"
