"""Distinct payers, in a form that adds up: the same bytes in whatever order."""

from collections.abc import Collection, Iterable
from functools import cache
from importlib import import_module
from typing import Any, Final

_LG_K: Final = 12
"""2^12 counters: off by 1.6 % at most in two of three cases."""
_FEW: Final = 24
"""So many are kept as they are: to make a sketch of them takes longer than all else of a bucket."""
_NAMES, _BETWEEN = b"\x00", b"\n"
"""What names begin with, as no sketch does, and what stands between them."""


@cache
def _library() -> Any:
    """Return datasketches; it brings numpy, so processes that show no figures go without."""
    return import_module("datasketches")


def packed(payers: Collection[str]) -> bytes | None:
    """Return some payers, few by their names and more as a sketch; None of none."""
    if not payers:
        return None
    if len(payers) <= _FEW:
        return _NAMES + _BETWEEN.join(sorted(one.encode() for one in payers))
    return _serialized(_union([_sketch_of(payers)]))


def union_of(some: Iterable[bytes]) -> bytes | None:
    """Return all payers of some, in the same form; None of none."""
    names, sketches = _read(some)
    if not sketches:
        return packed(names)
    return _serialized(_union([*sketches, _sketch_of(names)]))


def estimate_of(some: Iterable[bytes]) -> int:
    """Return how many distinct payers there are in all of some."""
    names, sketches = _read(some)
    if not sketches and len(names) <= _FEW:
        return len(names)
    found: float = _union([*sketches, _sketch_of(names)]).get_result().get_estimate()
    return round(found)


def _read(some: Iterable[bytes]) -> tuple[set[str], list[Any]]:
    """Return those that are kept by name, and the sketches of the others."""
    names: set[str] = set()
    sketches = []
    for one in some:
        if one.startswith(_NAMES):
            names.update(one[1:].decode().split("\n"))
        else:
            sketches.append(_library().cpc_sketch.deserialize(one))
    return names, sketches


def _sketch_of(payers: Iterable[str]) -> Any:
    sketch = _library().cpc_sketch(_LG_K)
    for one in payers:
        sketch.update(one)
    return sketch


def _union(sketches: Iterable[Any]) -> Any:
    union = _library().cpc_union(_LG_K)
    for one in sketches:
        union.update(one)
    return union


def _serialized(union: Any) -> bytes:
    found: bytes = union.get_result().serialize()
    return found
