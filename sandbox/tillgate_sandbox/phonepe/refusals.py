"""How PhonePe refuses, and whom: a token of client credentials (v2), X-VERIFY (v1).

https://developer.phonepe.com/payment-gateway/website-integration/standard-checkout/
api-integration/api-reference/authorization
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from litestar import Response
from litestar.di import NamedDependency
from litestar.exceptions import ValidationException
from litestar.params import SkipValidation

from service.core.errors import TillgateError
from service.core.ids import derive, same
from service.core.strict_json import JsonObject, parse
from service.providers.phonepe.settings import PhonePeSettings
from service.providers.phonepe.verify import x_verify_of
from service.web.requests import AnyRequest
from tillgate_sandbox.base import Sandbox

TheSandbox = NamedDependency[SkipValidation[Sandbox]]

_TOKEN_LIFE = timedelta(hours=1)
_MISGIVEN = "A parameter of the query is not of its type."


class Refusal(Exception):
    """A call that PhonePe refuses."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        """Keep the content of the answer."""
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def refused(_: AnyRequest, error: Refusal) -> Response[JsonObject]:
    """Answer in PhonePe's shape."""
    problem: JsonObject = {"success": False, "code": error.code, "message": error.message}
    return Response(problem, status_code=error.status)


def misread(request: AnyRequest, error: TillgateError) -> Response[JsonObject]:
    """Answer in the same shape what our own layer refuses (invalid JSON, an unknown query)."""
    return refused(request, Refusal("BAD_REQUEST", error.message))


def misgiven(request: AnyRequest, error: ValidationException) -> Response[JsonObject]:
    """Answer in the same shape where a parameter is not of its type."""
    return refused(request, Refusal("BAD_REQUEST", _MISGIVEN))


def read_object(body: bytes) -> JsonObject:
    """Read a JSON object; a null is not there. Raises `Refusal`, `MalformedBody`.

    PhonePe's own library for Python sends a null for each field that is not set.
    """
    parsed = parse(body)
    if not isinstance(parsed, dict):
        raise Refusal("BAD_REQUEST", "The request body is not a JSON object.")
    return _without_nulls(parsed)


def _without_nulls(value: JsonObject) -> JsonObject:
    return {
        name: _without_nulls(found) if isinstance(found, dict) else found
        for name, found in value.items()
        if found is not None
    }


def issue_token(form: bytes, settings: PhonePeSettings, now: datetime) -> JsonObject:
    """Return a token for client credentials. Raises `Refusal`.

    It contains its expiry and is signed with the client secret, so nothing is stored.
    """
    given = dict(parse_qsl(form.decode("latin-1")))
    if given.get("grant_type") != "client_credentials":
        raise Refusal("BAD_REQUEST", "grant_type should be client_credentials.")
    if not _are_credentials(given, settings):
        raise Refusal("UNAUTHORIZED", "The client credentials are not those of a merchant.", 401)
    issued_at, expires_at = int(now.timestamp()), int((now + _TOKEN_LIFE).timestamp())
    return {
        "access_token": _token(expires_at, settings),
        "encrypted_access_token": _token(expires_at, settings),
        "refresh_token": None,
        "expires_in": 0,
        "issued_at": issued_at,
        "expires_at": expires_at,
        "session_expires_at": expires_at,
        "token_type": "O-Bearer",
    }


def provide_played(request: AnyRequest, sandbox: TheSandbox) -> Sandbox:
    """Return the sandbox to a caller with a valid token. Raises `Refusal`."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "O-Bearer" or not _is_good(
        token, sandbox.clock.now(), sandbox.settings.of(PhonePeSettings)
    ):
        raise Refusal("AUTHORIZATION_FAILED", "The token is missing, wrong or has run out.", 401)
    return sandbox


def check_x_verify(headers: Mapping[str, str], path: str, settings: PhonePeSettings) -> None:
    """Check v1's signature, which for a GET covers its path. Raises `Refusal`."""
    salt = settings.salt_key
    expected = x_verify_of(path, salt, settings.salt_index) if salt else None
    if expected is None or not same(headers.get("x-verify", ""), expected):
        raise Refusal("AUTHORIZATION_FAILED", "X-VERIFY does not fit the request.", 401)


def _are_credentials(given: Mapping[str, str], settings: PhonePeSettings) -> bool:
    if not (settings.client_id and settings.client_secret):
        return False
    return (
        same(given.get("client_id", ""), settings.client_id)
        and same(given.get("client_secret", ""), settings.client_secret)
        and given.get("client_version") == settings.client_version
    )


def _is_good(token: str, now: datetime, settings: PhonePeSettings) -> bool:
    ends = token.partition(".")[0]
    is_number = ends.isascii() and ends.isdigit() and len(ends) < 12
    # Without a client secret, nobody can have a token.
    good = settings.client_secret and is_number and int(ends) > now.timestamp()
    return bool(good) and same(token, _token(int(ends), settings))


def _token(expires_at: int, settings: PhonePeSettings) -> str:
    return f"{expires_at}.{derive(settings.client_secret or '', 'sandbox token', str(expires_at))}"
