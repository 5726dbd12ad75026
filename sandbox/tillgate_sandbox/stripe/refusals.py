"""How Stripe says no (https://docs.stripe.com/api/errors). The words are close to Stripe's own."""

import base64
import binascii

from service.core.ids import same
from service.core.strict_json import JsonObject
from service.providers.stripe.settings import StripeSettings


class StripeRefused(Exception):
    """A call that Stripe answers with an error.

    `began`: the call passed its checks before it failed, so that Stripe keeps the answer under the
    call's idempotency key (https://docs.stripe.com/api/idempotent_requests).
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        began: bool = False,
    ) -> None:
        """Keep what the answer says; `kind` is the error's `type`."""
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.began = began

    def body(self) -> JsonObject:
        """Return the answer's JSON."""
        error: JsonObject = {"message": self.message, "type": self.kind}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = "https://docs.stripe.com/error-codes/" + self.code.replace("_", "-")
        if self.param:
            error["param"] = self.param
        return {"error": error}


def missing(param: str) -> StripeRefused:
    """Refuse a call that lacks a parameter."""
    return StripeRefused(f"Missing required param: {param}.", code="parameter_missing", param=param)


def no_such(kind: str, object_id: str, param: str = "id") -> StripeRefused:
    """Refuse a call about an object that is not there: `no_such("payment_intent", "pi_…")`."""
    return StripeRefused(
        f"No such {kind}: '{object_id}'", status=404, code="resource_missing", param=param
    )


def no_such_route(method: str, path: str) -> StripeRefused:
    """Refuse an address that Stripe, or this sandbox, does not have."""
    message = (
        f"Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove "
        "the trailing slash. The sandbox plays a part of Stripe only."
    )
    return StripeRefused(message, status=404)


def check_key(authorization: str | None, settings: StripeSettings) -> None:
    """Check who calls (https://docs.stripe.com/api/authentication). Raises `StripeRefused`."""
    given = _key_in(authorization or "")
    if not given:
        message = (
            "You did not provide an API key. You need to provide your API key in the Authorization "
            "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
        raise StripeRefused(message, status=401)
    if settings.secret_key is None or not same(given, settings.secret_key):
        shown = f"{given[:8]}{'*' * 8}{given[-4:]}" if len(given) > 16 else "****"
        raise StripeRefused(f"Invalid API Key provided: {shown}", status=401)


def _key_in(authorization: str) -> str | None:
    """Read the key: a bearer token, or the user name of basic authentication."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return None
