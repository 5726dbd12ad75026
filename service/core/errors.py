"""The one tree of errors. The domain raises them; `web.problems` maps them to HTTP.

TillgateError
├── InvalidInput            the caller sent something that can't be used
│   ├── MalformedBody       the body is not the JSON that a route takes
│   └── SignatureRejected   a webhook is not from whom it claims to be
├── Unauthenticated         no credential, or one that nobody issued
├── Forbidden               a known caller may not do this
├── NotFound                there is nothing here that this caller may see
├── Conflict                the request is sound, the present state forbids it
│   ├── Busy                somebody else is at it; the same call may work soon
│   └── PayloadDiffers      an idempotency key came back with another payload
├── TooManyRequests         a rate limit is used up
├── ProviderFailed          a payment provider refused, or gave a wrong answer
│   ├── CaptureRefused      it does not let us take money that it held
│   ├── RefundRefused       it does not give money back, for a reason
│   ├── NotOffered          it has no way to do what was asked for
│   └── ProviderUnreachable a payment provider did not answer in time
├── Unavailable             the database can't answer now; nothing was lost
└── Misconfigured           a setting is missing, weak or contradicts another
"""

from typing import ClassVar

from msgspec import Struct

_LONGEST_REASON = 500


class FieldProblem(Struct, frozen=True):
    """One thing that is wrong with one field of a request.

    `field` is the path as the caller wrote it (`metadata.cart[2]`), `message` says what to change.
    """

    field: str
    message: str


class TillgateError(Exception):
    """Base of every error that Tillgate raises on purpose.

    `code` is stable and meant for programs, the message is meant for people.
    """

    code: ClassVar[str] = "internal_error"
    logged: ClassVar[bool] = True
    """False where the request leaves no line in the log: it is counted elsewhere."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        problems: tuple[FieldProblem, ...] = (),
        retry_after: int | None = None,
    ) -> None:
        """Keep the message, an own `code` if given, the fields at fault, and seconds to wait."""
        super().__init__(message)
        self.message = message
        self.error = code or self.code
        self.problems = problems
        self.retry_after = retry_after


def reason_of(error: BaseException) -> str:
    """Return what may be stored and shown of an error: the message of one of ours, else its kind.

    What a driver or a library says may hold rows, addresses and keys, and be of any length: that
    stays in the log.
    """
    if isinstance(error, TillgateError):
        return error.message[:_LONGEST_REASON]
    return f"{type(error).__name__}: the log of the service says more."


class InvalidInput(TillgateError):
    """The caller sent something that can't be used; nothing was written."""

    code = "invalid_request"


class MalformedBody(InvalidInput):
    """The body is not the JSON that a route takes."""

    code = "malformed_body"


class SignatureRejected(InvalidInput):
    """A webhook or callback is not from whom it claims to be. `reason` is a short stable word."""

    code = "invalid_signature"

    def __init__(self, reason: str, message: str) -> None:
        """Keep the reason for the log of rejections."""
        super().__init__(message)
        self.reason = reason


class Unauthenticated(TillgateError):
    """No credential, or one that nobody issued."""

    code = "unauthenticated"


class Forbidden(TillgateError):
    """A known caller may not do this."""

    code = "forbidden"


class NotFound(TillgateError):
    """There is nothing here that this caller may see."""

    code = "not_found"


class Conflict(TillgateError):
    """The request is sound, the present state forbids it."""

    code = "conflict"


class Busy(Conflict):
    """Somebody else is at it; the same call may work soon."""

    code = "in_progress"


class PayloadDiffers(Conflict):
    """An idempotency key came back with another payload."""

    code = "idempotency_key_reused"


class TooManyRequests(TillgateError):
    """A rate limit is used up."""

    code = "rate_limited"


class ProviderFailed(TillgateError):
    """A payment provider refused, or gave a wrong answer. `definite`: it surely did nothing."""

    code = "provider_failed"

    def __init__(self, message: str, *, definite: bool = True, retry_after: int | None = None):
        """Keep whether the provider surely did not act on the call."""
        super().__init__(message, retry_after=retry_after)
        self.definite = definite


class CaptureRefused(ProviderFailed):
    """A payment provider does not let us take money that it held, now or later."""

    code = "capture_refused"


class RefundRefused(ProviderFailed):
    """A payment provider will not make a refund. `reason` is its own code for why.

    The message says it in plain words.
    """

    code = "refund_refused"

    def __init__(self, reason: str, message: str) -> None:
        """Keep the provider's code."""
        super().__init__(message)
        self.reason = reason


class NotOffered(ProviderFailed):
    """A payment provider has no way to do what was asked for, now or later."""


class ProviderUnreachable(ProviderFailed):
    """A payment provider did not answer in time: whether it acted is unknown."""

    code = "provider_unreachable"

    def __init__(self, message: str) -> None:
        """Keep the message; the outcome is never definite."""
        super().__init__(message, definite=False, retry_after=2)


class Unavailable(TillgateError):
    """The database can't answer now; nothing was lost, and the call may be repeated."""

    code = "unavailable"

    def __init__(self, message: str, *, retry_after: int = 2) -> None:
        """Keep the message and the seconds to wait."""
        super().__init__(message, retry_after=retry_after)


class Misconfigured(TillgateError):
    """A setting is missing, weak or contradicts another."""

    code = "misconfigured"
