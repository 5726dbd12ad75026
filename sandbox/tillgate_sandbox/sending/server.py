"""A development server, as `tillgate events send` talks to it over HTTP."""

from datetime import datetime
from typing import Any

import httpx
from msgspec import Struct

from service.core.errors import InvalidInput, Misconfigured, NotFound, Unavailable
from service.production.hosts import is_loopback
from service.providers.registry import ProviderName
from service.settings import Settings
from tillgate_sandbox.events.sale import Sale, SignedEvent

ANSWER_WITHIN_S = 15.0


class Delivery(Struct, frozen=True):
    """What the server answered to one delivery."""

    status: int
    outcome: str
    duplicate: bool | None


class Server:
    """A server on this machine; another one is refused, for these events are forged."""

    def __init__(self, address: str, settings: Settings) -> None:
        """Connect nowhere yet. Raises `Misconfigured`."""
        if settings.production:
            raise Misconfigured("ENVIRONMENT is production: events come from the providers there.")
        if not is_loopback(address):
            raise Misconfigured(f"{address} is not on this machine: events are sent to none else.")
        if not settings.access.secret_keys:
            raise Misconfigured(
                "There is no secret key to read the session with. Run `tillgate dev` first, or "
                "name its directory with --data-dir."
            )
        self.settings = settings
        self._address = address.rstrip("/")
        self._key = settings.access.secret_keys[0].rpartition(":")[2]

    def read_session(self, session_id: str) -> dict[str, Any]:
        """Read a session as JSON. Raises `NotFound`, `Unavailable`, `Misconfigured`."""
        answer = self._call(
            "GET",
            f"/api/payment-sessions/{session_id}",
            headers={"Authorization": f"Bearer {self._key}"},
        )
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NotFound(f"{self._address} knows no session {session_id!r}. Open it first.")
        if answer.status_code != httpx.codes.OK:
            raise Misconfigured(
                f"{self._address} does not let us read the session: {_detail(answer)}"
            )
        session: dict[str, Any] = answer.json()["session"]
        return session

    def deliver(self, provider: ProviderName, event: SignedEvent) -> Delivery:
        """Post an event as the provider would."""
        answer = self._call(
            "POST", f"/api/webhooks/{provider}", content=event.body, headers=dict(event.headers)
        )
        if answer.status_code != httpx.codes.OK:
            return Delivery(answer.status_code, _detail(answer), None)
        result = answer.json()
        return Delivery(answer.status_code, result["outcome"], result["duplicate"])

    def _call(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            # Not by a proxy of the environment: the server is on this machine.
            with httpx.Client(timeout=ANSWER_WITHIN_S, trust_env=False) as http:
                return http.request(method, self._address + path, **request)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"Nothing answers at {self._address}. Start it with `tillgate dev`, or name "
                "another address with --url."
            ) from error


def sale_of(session: dict[str, Any], provider: ProviderName, now: datetime) -> Sale:
    """Turn a session into what its provider knows of it. Raises `InvalidInput`."""
    if session["provider"] != provider:
        raise InvalidInput(
            f"The session was opened for {session['provider']}: an event of {provider} would not "
            "find it."
        )
    return Sale(
        session_id=session["sessionId"],
        amount=session["amount"],
        currency=session["currency"],
        at=now,
        mode=session["mode"],
        checkout_ref=session["providerSessionId"],
        user_id=session["userId"],
        email=session["email"],
        underway=session["status"] == "processing",
    )


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code}"
