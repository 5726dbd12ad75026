"""How Razorpay refuses (https://razorpay.com/docs/api/errors), and whom: basic auth by the key."""

import base64
import binascii

from litestar import Response
from litestar.di import NamedDependency
from litestar.exceptions import ValidationException
from litestar.params import SkipValidation

from service.core.errors import TillgateError
from service.core.ids import same
from service.core.strict_json import JsonObject, parse
from service.providers.razorpay.settings import RazorpaySettings
from service.web.requests import AnyRequest
from tillgate_sandbox.base import Sandbox

TheSandbox = NamedDependency[SkipValidation[Sandbox]]

_MISGIVEN = "A parameter of the query is not of its type."
_CODES = {500: "SERVER_ERROR", 502: "GATEWAY_ERROR"}


class Refusal(Exception):
    """A call that Razorpay refuses; `field` is the parameter at fault."""

    def __init__(
        self,
        description: str,
        *,
        field: str | None = None,
        reason: str = "input_validation_failed",
        step: str = "payment_initiation",
        status: int = 400,
    ) -> None:
        """Keep the content of the answer."""
        super().__init__(description)
        self.status = status
        self.error: JsonObject = {
            "code": _CODES.get(status, "BAD_REQUEST_ERROR"),
            "description": description,
            "source": "NA" if status == 401 else "business",
            "step": "NA" if status == 401 else step,
            "reason": "NA" if status == 401 else reason,
            "metadata": {},
            "field": field,
        }


class NoSuchId(Refusal):
    """Razorpay knows nothing by this id; it says so with 400, not 404."""

    def __init__(self) -> None:
        """Say it in Razorpay's words."""
        super().__init__("The id provided does not exist")


def refused(_: AnyRequest, error: Refusal) -> Response[JsonObject]:
    """Answer in Razorpay's shape."""
    headers = {"www-authenticate": 'Basic realm="Razorpay"'} if error.status == 401 else {}
    return Response({"error": error.error}, status_code=error.status, headers=headers)


def misread(request: AnyRequest, error: TillgateError) -> Response[JsonObject]:
    """Answer in the same shape what our own layer refuses (invalid JSON, an unknown query)."""
    return refused(request, Refusal(error.message))


def misgiven(request: AnyRequest, error: ValidationException) -> Response[JsonObject]:
    """Answer in the same shape where a parameter is not of its type."""
    return refused(request, Refusal(_MISGIVEN))


def provide_played(request: AnyRequest, sandbox: TheSandbox) -> Sandbox:
    """Return the sandbox to a caller with the account's key. Raises `Refusal`."""
    given = request.headers.get("authorization", "")
    if not _is_key(given, sandbox.settings.of(RazorpaySettings)):
        raise Refusal("Authentication failed", status=401)
    return sandbox


def read_object(body: bytes) -> JsonObject:
    """Read a JSON object; an empty body is an empty one. Raises `Refusal`, `MalformedBody`."""
    parsed = parse(body) if body.strip() else {}
    if not isinstance(parsed, dict):
        raise Refusal("The request body is not a JSON object.")
    return parsed


def _is_key(header: str, settings: RazorpaySettings) -> bool:
    scheme, _, encoded = header.partition(" ")
    try:
        given = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        return False
    expected = f"{settings.key_id}:{settings.key_secret}"
    has_key = bool(settings.key_id and settings.key_secret)
    return has_key and scheme.lower() == "basic" and same(given, expected)
