"""Which names a server answers to.

In production, any: the ingress chooses, and nothing here depends on it.
"""

import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import TypeAlias
from urllib.parse import urlsplit

Accepts: TypeAlias = Callable[[str], bool]
"""Returns whether a server answers to the name in `Host`."""


def hosts_of(public_url: str) -> Accepts:
    """Answer to this machine, to numeric addresses, and to the name in PUBLIC_URL.

    Otherwise a foreign page whose name resolves to 127.0.0.1 could reach a development server,
    with its generated keys, from the developer's browser (DNS rebinding).
    """
    names = {"localhost", socket.gethostname().lower(), urlsplit(public_url).hostname or ""}

    def accepts(host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if "@" in host:
            return False
        return name in names or name.endswith(".localhost") or _is_number(name)

    return accepts


def _is_number(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
