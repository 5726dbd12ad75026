"""What the scripts share: where the sandbox is, what a customer does there, and what was called.

They run in an environment of their own, in which nothing of Tillgate is installed.
"""

import json
import sys
from collections.abc import Callable
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

given: dict[str, Any] = json.loads(sys.argv[1])
"""The address of the sandbox and the keys, from whoever started the script."""

calls: list[dict[str, Any]] = []
"""Each call of a library."""

_HTTP = build_opener(ProxyHandler({}))


def asked(path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask the sandbox's own API; with a body by POST."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(given["address"] + path, data, {"Content-Type": "application/json"})  # noqa: S310
    with _HTTP.open(request, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def customer(page: str, happening: str, **how: str) -> None:
    """Let the customer do something on the pay page of a checkout."""
    asked(f"/sandbox/pay/{page}/{happening}", dict(how))


def page_of(address: str) -> str:
    """Return the pay page that an address of a checkout leads to."""
    return address.rpartition("/")[2]


def refused(kind: type[Exception], call: Callable[[], object]) -> Any:
    """Return the error of a call that must be refused."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError("the call was not refused")


def counting(session: Any) -> None:
    """Count the calls of a session of requests, and let it lead nowhere but to the sandbox."""
    session.trust_env = False
    send = session.send

    def counted(request: Any, **options: Any) -> Any:
        assert request.url.startswith(given["address"]), request.url
        calls.append({"method": request.method, "path": request.path_url.partition("?")[0]})
        return send(request, **options)

    session.send = counted


def finish() -> None:
    """Tell whoever started the script what was called."""
    print(json.dumps(calls))  # noqa: T201
