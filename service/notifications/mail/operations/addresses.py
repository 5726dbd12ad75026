"""Addresses: how they are masked, and how one is known again without being kept. Pure."""

from collections.abc import Sequence

from service.core.ids import digest
from service.core.peppers import Pepper

_PURPOSE = "mail-address"


def masked(address: str) -> str:
    """Return what lists and logs show of an address: `j***@shop.example`."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}"


def normal(address: str) -> str:
    """Return an address as it is compared: servers hardly ever tell cases apart."""
    return address.strip().lower()


def suppression_id(merchant_id: str, address: str, pepper: Pepper) -> str:
    """Return the id under which a merchant's suppression of an address is kept."""
    return f"{merchant_id}:{pepper.derive(_PURPOSE, merchant_id, normal(address))}"


def suppression_ids(merchant_id: str, address: str, peppers: Sequence[Pepper]) -> list[str]:
    """Return all ids under which it may be kept: older ones were made with older peppers."""
    return [suppression_id(merchant_id, address, pepper) for pepper in peppers]


def mail_id(cause: str, template: str, address: str) -> str:
    """Return the id of the one mail of a template about something to an address."""
    named = "\n".join((cause, template, normal(address)))
    return f"ml_{digest(named)[:32]}"
