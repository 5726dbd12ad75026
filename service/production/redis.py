"""How Redis is reached: over TLS and with a password, unless the network was consented to."""

from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qs, urlsplit

from service.core.errors import FieldProblem
from service.production.hosts import is_loopback_host

_VARIABLE = "REDIS_URL"
_UNCHECKED = {"ssl_cert_reqs": {"required"}, "ssl_check_hostname": {"true", "yes", "1"}}
_CONSENT = "or name its host in REDIS_PLAIN_HOSTS, if nobody else is on that network"


def redis_problems(url: str | None, plain_hosts: tuple[str, ...]) -> Iterator[FieldProblem]:
    """List what is wrong with the way to where rate limits are counted."""
    if url is None:
        return
    try:
        address = urlsplit(url)
        options = {name.lower(): words for name, words in parse_qs(address.query).items()}
        host = address.hostname or options.get("host", ["localhost"])[-1]
        readable = address.scheme in {"redis", "rediss"} and address.port != 0
    except ValueError:
        readable, host = False, ""
    if not readable:
        yield FieldProblem(_VARIABLE, "takes redis://… or rediss://…")
    elif _is_unchecked(options):
        yield FieldProblem(
            _VARIABLE,
            f"sets {' or '.join(sorted(_UNCHECKED))}: anybody could pose as Redis, and lift every "
            "limit; take it out",
        )
    elif not (is_loopback_host(host) or host.lower() in {one.lower() for one in plain_hosts}):
        yield from _plain(address, options)


def _plain(address: SplitResult, options: dict[str, list[str]]) -> Iterator[FieldProblem]:
    if address.scheme != "rediss":
        says = f"leads off this machine without TLS: take rediss://, {_CONSENT}"
        yield FieldProblem(_VARIABLE, says)
    elif not (address.password or options.get("password")):
        says = f"leads off this machine without a password: add :password@, {_CONSENT}"
        yield FieldProblem(_VARIABLE, says)


def _is_unchecked(options: dict[str, list[str]]) -> bool:
    said = ((set(options.get(name, ())), good) for name, good in _UNCHECKED.items())
    return any({word.lower() for word in words} - good for words, good in said)
