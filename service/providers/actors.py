"""Who acted, in words: the label that is kept (`publishable:3fa9c1…`) means little to people.

Pages, timelines and messages name everybody by this one; the audit and programs get the label.
"""

import re

from service.core.principal import Kind
from service.providers.registry import REGISTRY

_KINDS: dict[str, str] = {
    Kind.PUBLISHABLE: "the customer's browser",
    Kind.USER: "the customer",
    Kind.SECRET: "your server",
    Kind.ADMIN: "an admin",
    Kind.JOBS: "a job",
}
_ALONE = {"clock": "the clock", "jobs:server": "Tillgate itself", "tillgate": "Tillgate itself"}
# A key without a name is named by the beginning of its hash.
_HASH = re.compile(r"[0-9a-f]{12}")


def actor(label: str) -> str:
    """Return who acted, by the label of a principal, a provider's name or `clock`, in words.

    `secret:ops` is "your server (ops)", `publishable:3fa9c1d200ff` "the customer's browser".
    """
    if (row := REGISTRY.get(label)) is not None:
        return row.traits.title
    if label in _ALONE:
        return _ALONE[label]
    kind, _, name = label.partition(":")
    words = _KINDS.get(kind)
    if words is None or not name:
        return label
    if kind == Kind.ADMIN and name.startswith("cli:"):
        return f"{name.removeprefix('cli:')} on the command line"
    nameless = kind != Kind.USER and _HASH.fullmatch(name)
    return words if nameless else f"{words} ({name})"
