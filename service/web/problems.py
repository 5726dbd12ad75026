"""Errors as problem details (RFC 9457), the one place where an error becomes a status.

A body carries the members of the RFC and, for callers of the reference services, `error` (a
stable word for programs) and `details` (the same text as `detail`). `type` is `about:blank`:
the status says what class of problem it is, and `error` which one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote

import msgspec
import structlog
from litestar import Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap, Scope, Send

from service.core import errors
from service.core.errors import FieldProblem, TillgateError
from service.storage.answering import DatabaseError, is_no_answer
from service.web.requests import AnyRequest
from service.web.validation import field_problems

PROBLEM_TYPE = "application/problem+json"
_MOST_ERRORS = 50

_STATUSES: dict[type[TillgateError], int] = {
    errors.InvalidInput: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.PayloadDiffers: 422,
    errors.TooManyRequests: 429,
    errors.ProviderFailed: 502,
    errors.ProviderUnreachable: 504,
    errors.Unavailable: 503,
    errors.Misconfigured: 500,
}

# Seconds, where the error itself names none.
_RETRY_AFTER: dict[type[TillgateError], int] = {
    errors.Busy: 1,
    errors.TooManyRequests: 60,
    errors.ProviderUnreachable: 2,
    errors.Unavailable: 2,
}

_CODES = {
    400: "invalid_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    503: "unavailable",
}

_DETAILS = {
    404: "Nothing answers at this address.",
    405: "This address does not take this method; the header Allow lists those that it takes.",
    413: "The body is larger than this address takes.",
}

_INTERNAL = "Something went wrong here. The request id finds it in the log."

_log = structlog.get_logger("tillgate.errors")


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem, ready to be written."""

    status: int
    error: str
    detail: str
    instance: str
    problems: Sequence[FieldProblem] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        """Return the JSON body."""
        members: dict[str, object] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "error": self.error,
            "details": self.detail,
            "instance": self.instance,
        }
        if self.problems:
            members["errors"] = [
                {"field": problem.field, "message": problem.message}
                for problem in self.problems[:_MOST_ERRORS]
            ]
        return msgspec.json.encode(members)


def problem_of(error: TillgateError, scope: Scope) -> Problem:
    """Turn one of our own errors into a problem."""
    status = _of_class(error, _STATUSES, 500)
    if status == 500:
        return _internal(scope)
    headers = {}
    retry_after = error.retry_after or _of_class(error, _RETRY_AFTER, 0)
    if retry_after:
        headers["retry-after"] = str(retry_after)
    if status == 401:
        wrong = error.error != errors.Unauthenticated.code
        headers["www-authenticate"] = 'Bearer realm="tillgate"' + (
            ', error="invalid_token"' if wrong else ""
        )
    return Problem(status, error.error, error.message, instance_of(scope), error.problems, headers)


def instance_of(scope: Scope) -> str:
    """Return the path of a request as a URI reference, without its query."""
    return quote(scope["path"], safe="/:@!$&'()*+,;=-._~")


def exception_handlers() -> ExceptionHandlersMap:
    """Return the handlers of an application; together they answer every exception."""
    return {
        TillgateError: _tillgate_error,
        HTTPException: _http_exception,
        DatabaseError: _database_error,
        RecursionError: _too_deep,
        UnicodeDecodeError: _not_utf8,
        Exception: _unexpected,
    }


async def send_problem(problem: Problem, send: Send) -> None:
    """Write a problem as an answer, without the framework."""
    body = problem.body()
    headers = [
        (b"content-type", PROBLEM_TYPE.encode()),
        *((name.encode(), value.encode()) for name, value in problem.headers.items()),
        (b"content-length", b"%d" % len(body)),
    ]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _tillgate_error(request: AnyRequest, error: TillgateError) -> Response[bytes]:
    problem = problem_of(error, request.scope)
    if problem.status == 500:
        return _unexpected(request, error)
    if problem.status > 500:
        _log.warning(
            "request failed", status=problem.status, error=error.error, reason=_reason(error)
        )
    return _response(problem)


def _http_exception(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    if error.status_code >= 500:
        return _unexpected(request, error)
    status = error.status_code
    problems: tuple[FieldProblem, ...] = ()
    code = _CODES.get(status, "invalid_request")
    detail = _DETAILS.get(status, error.detail)
    if isinstance(error, ValidationException):
        code, detail, problems = field_problems(request, error)
    return _response(
        Problem(status, code, detail, instance_of(request.scope), problems, error.headers or {})
    )


def _database_error(request: AnyRequest, error: DatabaseError) -> Response[bytes]:
    if not is_no_answer(error):
        return _unexpected(request, error)
    unavailable = errors.Unavailable("The database can't answer now; try again.")
    unavailable.__cause__ = error
    return _tillgate_error(request, unavailable)


def _too_deep(request: AnyRequest, error: RecursionError) -> Response[bytes]:
    _log.warning("request refused", error="recursion", exc_info=error)
    return _tillgate_error(request, errors.MalformedBody("The body nests too deeply."))


def _not_utf8(request: AnyRequest, error: UnicodeDecodeError) -> Response[bytes]:
    _log.warning("request refused", error="encoding", exc_info=error)
    return _tillgate_error(request, errors.MalformedBody("The request is not UTF-8."))


def _unexpected(request: AnyRequest, error: Exception) -> Response[bytes]:
    _log.error("request failed", status=500, error="internal_error", exc_info=error)
    return _response(_internal(request.scope))


def _reason(error: TillgateError) -> str:
    """Return what stands behind an error that we raised on purpose; a traceback tells no more."""
    return f"{error.message} {error.__cause__!r}" if error.__cause__ else error.message


def _internal(scope: Scope) -> Problem:
    return Problem(500, "internal_error", _INTERNAL, instance_of(scope))


def _of_class(error: TillgateError, table: Mapping[type[TillgateError], int], default: int) -> int:
    return next((table[cls] for cls in type(error).__mro__ if cls in table), default)


def _response(problem: Problem) -> Response[bytes]:
    return Response(
        problem.body(),
        status_code=problem.status,
        media_type=PROBLEM_TYPE,
        headers=dict(problem.headers),
    )
