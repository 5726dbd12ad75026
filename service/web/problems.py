"""Errors as problem details (RFC 9457), the one place where an error becomes a status.

A body carries the members of the RFC and, for callers of the reference services, `error` (a
stable word for programs) and `details` (the same text as `detail`). `type` is the page about that
word, `title` its title; both are the same in every problem of this kind.
"""

import re
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from urllib.parse import quote

import msgspec
import structlog
from litestar import Response
from litestar.exceptions import HTTPException, NotFoundException, ValidationException
from litestar.types import ExceptionHandlersMap, Scope, Send

from service.core import errors
from service.core.errors import FieldProblem, TillgateError
from service.core.json_text import to_json
from service.storage.answering import DatabaseError, is_no_answer
from service.web.error_pages.codes import explained, page_of
from service.web.pages.assets import SHARED
from service.web.pages.rendering import Pages
from service.web.requests import AnyRequest, header_of
from service.web.validation import field_problems

PROBLEM_TYPE = "application/problem+json"
_CONTENT_TYPE = (b"content-type", PROBLEM_TYPE.encode())
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

_TITLES = {status.value: status.phrase for status in HTTPStatus}

# What a path nearly always consists of; nothing of it is quoted in a URI reference.
_QUOTES_NOTHING = re.compile(r"[/\w.~-]*", re.ASCII)

_PAGES = Pages(SHARED)


class _Body(msgspec.Struct, frozen=True, omit_defaults=True):
    type: str
    title: str
    status: int
    detail: str
    error: str
    details: str
    instance: str
    errors: tuple[FieldProblem, ...] = ()


class Problem(msgspec.Struct, frozen=True):
    """One problem, ready to be written."""

    status: int
    error: str
    detail: str
    instance: str
    problems: tuple[FieldProblem, ...] = ()
    headers: Mapping[str, str] = {}

    def body(self) -> bytes:
        """Return the JSON body."""
        about = explained().get(self.error)
        return to_json(
            _Body(
                page_of(self.error) if about else "about:blank",
                about.title if about else _TITLES[self.status],
                self.status,
                self.detail,
                self.error,
                self.detail,
                self.instance,
                self.problems[:_MOST_ERRORS],
            )
        )


def problem_of(error: TillgateError, scope: Scope) -> Problem:
    """Turn one of our own errors into a problem."""
    kind: type = type(error)
    status = _status(kind)
    if status == 500:
        return _internal(scope)
    headers = {}
    retry_after = error.retry_after or _retry_after(kind)
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
    path = scope["path"]
    if _QUOTES_NOTHING.fullmatch(path):
        return path
    return quote(path, safe="/:@!$&'()*+,;=-._~")


def exception_handlers() -> ExceptionHandlersMap:
    """Return the handlers of an application; one answers every exception."""
    return {Exception: _respond}


def problem_for(error: Exception, scope: Scope) -> Problem:
    """Return the problem that an exception is to its caller; what is not the caller's is logged."""
    if isinstance(error, TillgateError):
        return _tillgate_error(error, scope)
    if isinstance(error, HTTPException):
        return _http_exception(error, scope)
    if isinstance(error, DatabaseError) and is_no_answer(error):
        unavailable = errors.Unavailable("The database can't answer now; try again.")
        unavailable.__cause__ = error
        return _tillgate_error(unavailable, scope)
    if isinstance(error, RecursionError):
        _log.warning("request refused", error="recursion", exc_info=error)
        return problem_of(errors.MalformedBody("The body nests too deeply."), scope)
    if isinstance(error, UnicodeDecodeError):
        _log.warning("request refused", error="encoding", exc_info=error)
        return problem_of(errors.MalformedBody("The request is not UTF-8."), scope)
    return _unexpected(error, scope)


async def send_problem(problem: Problem, send: Send) -> None:
    """Write a problem as an answer, without the framework."""
    body = problem.body()
    headers = [_CONTENT_TYPE, (b"content-length", b"%d" % len(body))]
    for name, value in problem.headers.items():
        headers.append((name.encode(), value.encode()))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _respond(request: AnyRequest, error: Exception) -> Response[bytes] | Response[str]:
    if isinstance(error, NotFoundException) and _is_read_by_a_person(request):
        return _PAGES.show("unknown.html", status_code=404)
    problem = problem_for(error, request.scope)
    if _is_read_by_a_person(request):
        return _page(problem)
    return Response(
        problem.body(),
        status_code=problem.status,
        media_type=PROBLEM_TYPE,
        headers=dict(problem.headers),
    )


def _page(problem: Problem) -> Response[str]:
    about = explained().get(problem.error)
    page = _PAGES.show(
        "problem.html",
        status_code=problem.status,
        title=about.title if about else _TITLES[problem.status],
        detail=problem.detail,
        about=page_of(problem.error) if about else None,
    )
    page.headers.update(problem.headers)
    return page


def _is_read_by_a_person(request: AnyRequest) -> bool:
    """Return whether a browser shows the answer as a page: it asks for HTML, and not by a script.

    What is below /api is for programs alone, whatever they accept.
    """
    accepted = header_of(request.scope, b"accept") or ""
    return "text/html" in accepted and not request.scope["path"].startswith("/api/")


def _tillgate_error(error: TillgateError, scope: Scope) -> Problem:
    problem = problem_of(error, scope)
    if problem.status == 500:
        return _unexpected(error, scope)
    if problem.status > 500:
        _log.warning(
            "request failed", status=problem.status, error=error.error, reason=_reason(error)
        )
    return problem


def _http_exception(error: HTTPException, scope: Scope) -> Problem:
    if error.status_code >= 500:
        return _unexpected(error, scope)
    status = error.status_code
    problems: tuple[FieldProblem, ...] = ()
    code = _CODES.get(status, "invalid_request")
    detail = _DETAILS.get(status, error.detail)
    if isinstance(error, ValidationException):
        code, detail, problems = field_problems(scope, error)
    return Problem(status, code, detail, instance_of(scope), problems, error.headers or {})


def _unexpected(error: Exception, scope: Scope) -> Problem:
    _log.error("request failed", status=500, error="internal_error", exc_info=error)
    return _internal(scope)


def _reason(error: TillgateError) -> str:
    """Return what stands behind an error that we raised on purpose; a traceback tells no more."""
    return f"{error.message} {error.__cause__!r}" if error.__cause__ else error.message


def _internal(scope: Scope) -> Problem:
    return Problem(500, "internal_error", _INTERNAL, instance_of(scope))


@cache
def _status(kind: type) -> int:
    return _of_class(kind, _STATUSES, 500)


@cache
def _retry_after(kind: type) -> int:
    return _of_class(kind, _RETRY_AFTER, 0)


def _of_class(kind: type, table: Mapping[type[TillgateError], int], default: int) -> int:
    return next((table[cls] for cls in kind.__mro__ if cls in table), default)
