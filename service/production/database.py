"""How MongoDB is reached: over TLS and with a password, unless the network was consented to."""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qs, unquote

from msgspec import Struct

from service.core.errors import FieldProblem
from service.production.hosts import is_loopback_host
from service.storage.settings import DatabaseSettings

_VARIABLE = "MONGODB_URI"
_UNCHECKED = ("tlsinsecure", "tlsallowinvalidcertificates", "tlsallowinvalidhostnames")
# These vouch for the client by a certificate, a ticket or the cloud, without a password.
_WITHOUT_PASSWORD = frozenset({"MONGODB-X509", "MONGODB-AWS", "MONGODB-OIDC", "GSSAPI"})
_CONSENT = "or name its hosts in MONGODB_PLAIN_HOSTS, if nobody else is on that network"


class _Address(Struct, frozen=True):
    """What an address of MongoDB says. Option names are lower case, hosts go without their port."""

    hosts: Sequence[str]
    has_password: bool
    options: Mapping[str, Sequence[str]]
    is_srv: bool

    @property
    def has_tls(self) -> bool:
        """Return whether TLS is certainly on: an option that is given twice must agree."""
        said = [*self.options.get("tls", ()), *self.options.get("ssl", ())]
        return all(word == "true" for word in said) if said else self.is_srv

    @property
    def has_login(self) -> bool:
        """Return whether the client says who it is, and proves it."""
        mechanisms = {word.upper() for word in self.options.get("authmechanism", ())}
        return self.has_password or bool(mechanisms and mechanisms <= _WITHOUT_PASSWORD)


def database_problems(database: DatabaseSettings) -> Iterator[FieldProblem]:
    """List what is wrong with the way to the database."""
    if database.uri is None:
        yield FieldProblem(_VARIABLE, "is missing: the address of a MongoDB replica set")
        return
    address = _read(database.uri)
    unchecked = [name for name in _UNCHECKED if set(address.options.get(name, ())) - {"false"}]
    if unchecked:
        yield FieldProblem(
            _VARIABLE,
            f"sets {', '.join(unchecked)}: anybody could pose as the database; take it out, and "
            "name its authority by tlsCAFile",
        )
    plain = {host.lower() for host in database.plain_hosts}
    if all(host in plain or _is_here(host) for host in address.hosts):
        return
    if not address.has_tls:
        says = f"leads off this machine without TLS: add tls=true, {_CONSENT}"
        yield FieldProblem(_VARIABLE, says)
    elif not address.has_login:
        says = f"leads off this machine without a password: add user:password@, {_CONSENT}"
        yield FieldProblem(_VARIABLE, says)


def _read(uri: str) -> _Address:
    """Read an address as the driver does; what it can't read it refuses itself, when it is used."""
    scheme, _, rest = uri.partition("://")
    before, _, query = rest.partition("?")
    user, _, hosts = before.partition("/")[0].rpartition("@")
    options: dict[str, list[str]] = {}
    for name, words in parse_qs(query.replace(";", "&"), keep_blank_values=True).items():
        options.setdefault(name.lower(), []).extend(word.lower() for word in words)
    return _Address(
        hosts=[_host(entry) for entry in hosts.split(",")],
        has_password=bool(user.partition(":")[2]),
        options=options,
        is_srv=scheme.lower() == "mongodb+srv",
    )


def _host(entry: str) -> str:
    """Take the port off; an IPv6 address stands in brackets."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0].lower()
    return unquote(entry.partition(":")[0]).lower()


def _is_here(host: str) -> bool:
    return is_loopback_host(host) or (host.startswith("/") and host.endswith(".sock"))
