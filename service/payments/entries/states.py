"""Accounts, and what stands on them; pure."""

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

Balances: TypeAlias = Mapping[tuple[str, str], int]
"""Minor units by (account, currency): positive is debit, negative credit."""

SALES: Final = "sales"
SUSPENSE: Final = "suspense"
REFUNDS: Final = "refunds"
REFUNDS_IN_TRANSIT: Final = "refunds_in_transit"
DISPUTE_HOLDS: Final = "dispute_holds"
DISPUTE_LOSSES: Final = "dispute_losses"
FEES: Final = "fees"
FX: Final = "fx"
BY_HAND: Final = "clearing:hand"
BY_BANK: Final = "clearing:bank"


def clearing(provider: str) -> str:
    """Return the account of the money that a provider has for us."""
    return f"clearing:{provider}"


def total(several: Iterable[Balances]) -> dict[tuple[str, str], int]:
    """Return balances added up, without those that are zero."""
    found: dict[tuple[str, str], int] = {}
    for one in several:
        for key, amount in one.items():
            found[key] = found.get(key, 0) + amount
    return {key: amount for key, amount in found.items() if amount}


def difference(target: Balances, posted: Balances) -> dict[tuple[str, str], int]:
    """Return what is still to be posted for the balances to be as they should be."""
    return total((target, {key: -amount for key, amount in posted.items()}))


def unbalanced(balances: Balances) -> dict[str, int]:
    """Return by currency what debit and credit differ by, where they do."""
    by_currency: dict[str, int] = {}
    for (_, currency), amount in balances.items():
        by_currency[currency] = by_currency.get(currency, 0) + amount
    return {currency: amount for currency, amount in by_currency.items() if amount}
