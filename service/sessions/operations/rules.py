"""The rules for all sessions, from the settings."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from service.core.ids import derive, digest
from service.core.origins import is_loopback_origin
from service.merchants.documents import Merchant
from service.outbox.operations.hearing import Heard, nobody
from service.providers.base import CheckoutMode
from service.providers.registry import REGISTRY
from service.sessions.documents import Session
from service.sessions.errors import wrong_field
from service.sessions.states import Lifetimes


class Rules(Struct, frozen=True):
    """The settings that sessions follow. `live` is each provider's mode, by its keys.

    `on_this_machine`: customers may be sent back to any origin of it, which is for development.
    Everything is derived with `pepper`; `older_peppers` are the ones that it replaced. What only
    those outside want to know is written where it is `heard`.
    """

    default_currency: str
    lifetimes: Lifetimes
    public_url: str
    origins: frozenset[str]
    pepper: str
    live: Mapping[str, bool | None]
    older_peppers: tuple[str, ...] = ()
    on_this_machine: bool = False
    heard: Heard = nobody

    @property
    def peppers(self) -> tuple[str, ...]:
        """Return the peppers that something may have been derived with, newest first."""
        return (self.pepper, *self.older_peppers)

    def of(self, merchant: Merchant) -> "Rules":
        """Return the rules as a merchant has them: its currency, and its origins besides ours."""
        if merchant.default_currency is None and not merchant.return_origins:
            return self
        return replace(
            self,
            default_currency=merchant.default_currency or self.default_currency,
            origins=self.origins.union(merchant.return_origins),
        )

    def currency_for(self, provider: str, sent: str | None) -> str:
        """Return a session's currency. Raises `InvalidInput` for one the provider can't take."""
        traits = REGISTRY[provider].traits
        only = traits.only_currency
        if only and sent not in {None, only}:
            raise wrong_field("currency", f"must be {only} with {provider}")
        return sent or traits.usual_currency or self.default_currency

    def check_mode(self, provider: str, mode: CheckoutMode) -> None:
        """Refuse a mode that can't be opened at the provider. Raises `InvalidInput`."""
        modes = REGISTRY[provider].traits.modes
        if mode not in modes:
            raise wrong_field("mode", f"must be {' or '.join(sorted(modes))} with {provider}")

    def check_url(self, field: str, url: str | None) -> None:
        """Refuse a URL outside of our own origins: it would be an open redirect."""
        if url is None:
            return
        origin = _origin(url)
        if origin is None:
            raise wrong_field(field, "must be an http or https address")
        if not self._knows(origin):
            raise wrong_field(
                field,
                "must be below PUBLIC_URL, one of CORS_ORIGINS or a return origin of the merchant",
            )

    def _knows(self, origin: str) -> bool:
        if self.on_this_machine and is_loopback_origin(origin):
            return True
        return origin in self.origins or "*" in self.origins

    def known_client_secret(self, session: Session) -> str | None:
        """Return a session's client secret again: it is derived, and only its hash is stored.

        None if it was derived with a pepper that has been removed.
        """
        for pepper in self.peppers:
            derived = client_secret(pepper, session.session_id, session.secret_salt)
            if digest(derived) == session.client_secret_hash:
                return derived
        return None


def _origin(url: str) -> str | None:
    """Return a URL's origin, None for one that a browser would not follow as written."""
    try:
        parts = urlsplit(url)
    except ValueError:  # an unclosed bracket
        return None
    plain = url.isprintable() and " " not in url and "\\" not in url
    if not plain or parts.scheme not in {"http", "https"} or not parts.netloc:
        return None
    return f"{parts.scheme}://{parts.netloc}"


def session_id_in(client_secret: str) -> str:
    """Return the session id in a client secret; the secret itself is not checked."""
    return client_secret.rpartition("_secret_")[0]


def client_secret(pepper: str, session_id: str, salt: str) -> str:
    """Derive a client secret of 256 bits."""
    return f"{session_id}_secret_{derive(pepper, 'client-secret', session_id, salt)}"
