"""Calls in words: who asked whom for what, and what the answer was. Pure."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from service.core.principal import Kind
from service.extension import Line
from tillgate_sandbox.calls.documents import SandboxCall
from tillgate_sandbox.chaos import times
from tillgate_sandbox.pages.words import PROVIDERS

_CALLERS: dict[str | None, str] = {
    Kind.PUBLISHABLE: "A browser with a publishable key",
    Kind.SECRET: "A server with a secret key",
    Kind.ADMIN: "Somebody with an admin key",
    Kind.JOBS: "A job with a jobs key",
    Kind.USER: "A user with a token",
    None: "Somebody without a valid key",
}


def with_calls(lines: Iterable[Line], calls: Iterable[SandboxCall]) -> list[Line]:
    """Put calls between the lines, in the order of time.

    A page that waits asks again and again: equal reads with nothing between them are one line.
    """
    # A call stands before what came of it in the same moment.
    found: list[SandboxCall | Line] = sorted([*calls, *lines], key=lambda one: one.at)
    drawn: list[Line] = []
    for read, run in groupby(found, key=_read):
        if read is None:
            drawn += [one if isinstance(one, Line) else _line([one]) for one in run]
        else:
            drawn.append(_line([one for one in run if isinstance(one, SandboxCall)]))
    return drawn


def _read(one: SandboxCall | Line) -> tuple[object, ...] | None:
    """Return what makes reads equal; None for what has a line of its own."""
    if isinstance(one, Line) or one.method != "GET":
        return None
    return one.provider, one.path, one.status, one.error, one.caller, one.heard


def _line(run: Sequence[SandboxCall]) -> Line:
    """Return the line of a call, or of several equal ones."""
    first, last = run[0], run[-1]
    asker = "Tillgate" if first.provider else _CALLERS[first.caller]
    asked = PROVIDERS[first.provider] if first.provider else "Tillgate"
    often = f" {times(len(run))}" if len(run) > 1 else ""
    text = f"{asker} asked {asked}{often}: {first.method} {first.path}, {_answer(run)}"
    detail = {
        "request": None if first.provider else first.request_id,
        "idempotency key": first.idempotency_key,
        "the last time": f"{last.at:%T}" if len(run) > 1 else None,
        "call": first.id,
    }
    kept = {name: value for name, value in detail.items() if value is not None}
    return Line(first.at, "call", text, _tone(first), kept)


def _answer(run: Sequence[SandboxCall]) -> str:
    first = run[0]
    took = sorted({f"{max(call.latency_ms, 1):.0f}" for call in run}, key=int)
    within = f"{took[0]} to {took[-1]} ms" if len(took) > 1 else f"{took[0]} ms"
    if first.status is None:
        return f"no answer after {within}"
    why = f" ({first.error})" if first.error else ""
    if not first.heard:
        return f"answered {first.status}{why} after {within}, when nobody waited any more"
    return f"answered {first.status}{why} in {within}"


def _tone(call: SandboxCall) -> str:
    if call.status is None or call.status >= 500:
        return "bad"
    return "" if call.status < 400 and call.heard else "warn"
