"""Remove named fields from a provider's payload once nothing needs to read it again. Pure."""

import base64
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import msgspec

from service.core.json_text import to_json

_Json: TypeAlias = "dict[str, _Json] | list[_Json] | str | int | float | bool | None"

# PhonePe v1 posts its JSON as base64 in this field.
_ENVELOPE = "response"
_ANY = "*"


def strip_payload(payload: bytes, names: Sequence[str]) -> bytes | None:
    """Return a payload without the named fields; None where it has none of them.

    `email` names a field at any depth, `data.object.email` one at its place, with `*` for any name
    on the way; lists are walked through. What can't be read can't be searched: nothing is left.
    """
    plain = frozenset(name for name in names if "." not in name)
    paths = [name.split(".") for name in names if "." in name]
    try:
        content: _Json = msgspec.json.decode(payload)
        found = _strip_inner(content, names) | _strip(content, plain, paths)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b"" if payload else None
    return to_json(content) if found else None


def _strip_inner(content: _Json, names: Sequence[str]) -> bool:
    inner = content.get(_ENVELOPE) if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(inner, str):
        return False
    try:
        left = strip_payload(base64.b64decode(inner, validate=True), names)
    except ValueError:
        return False
    if left is not None:
        content[_ENVELOPE] = base64.b64encode(left).decode()
    return left is not None


def _strip(found: _Json, plain: frozenset[str], paths: Iterable[Sequence[str]]) -> bool:
    """Strip a part in place; `paths` are those that may still lead to a field of it."""
    paths = list(paths)
    if isinstance(found, list):
        return any([_strip(one, plain, paths) for one in found])
    if not isinstance(found, dict):
        return False
    here = {path[0] for path in paths if len(path) == 1}
    gone = [name for name in found if name in plain or name in here or _ANY in here]
    for name in gone:
        del found[name]
    deeper = [
        _strip(
            part, plain, [path[1:] for path in paths if len(path) > 1 and path[0] in {name, _ANY}]
        )
        for name, part in found.items()
    ]
    return bool(gone) or any(deeper)
