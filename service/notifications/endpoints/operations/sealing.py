"""Seal what must be readable again: an endpoint's secrets and its own headers.

The key is derived from the pepper and the endpoint's id, so a copy of the database signs nothing,
and what is sealed for one endpoint opens for no other. The pepper's id stands before it, so that
peppers can be rotated.
"""

import base64
import secrets
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken

from service.core.errors import Misconfigured
from service.core.ids import derive
from service.core.peppers import Pepper

_PURPOSE = "webhook-endpoint"
_SECRET_BYTES = 32
PREFIX = "whsec_"


def new_secret() -> str:
    """Make a signing secret of 256 random bits, as Standard Webhooks writes them."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


class Sealer:
    """Seals with the first pepper, and opens what was sealed with any of them."""

    def __init__(self, peppers: Sequence[Pepper]) -> None:
        """Use these peppers, the newest first."""
        self._newest = peppers[0]
        self._by_id = {pepper.id: pepper for pepper in peppers}

    def seal(self, endpoint_id: str, text: str) -> str:
        """Return a text sealed for an endpoint, with the pepper's id before it."""
        sealed = _box(self._newest, endpoint_id).encrypt(text.encode()).decode()
        return f"{self._newest.id}.{sealed}"

    def open(self, endpoint_id: str, sealed: str) -> str:
        """Return what was sealed for an endpoint. Raises `Misconfigured` without its pepper."""
        pepper_id, _, rest = sealed.partition(".")
        pepper = self._by_id.get(pepper_id)
        try:
            if pepper is not None:
                return _box(pepper, endpoint_id).decrypt(rest.encode()).decode()
        except InvalidToken:
            pass
        raise Misconfigured(
            f"The secrets of webhook endpoint {endpoint_id} were sealed under an entry of "
            "PII_PEPPER that is not set any more: put it back behind the first, or rotate them."
        )


def _box(pepper: Pepper, endpoint_id: str) -> Fernet:
    return Fernet(derive(pepper.secret, _PURPOSE, endpoint_id) + "=")
