"""Whether an object has the shape that the types of Stripe's own library for Python give it."""

import builtins
import sys
import types
import typing
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import stripe
import typing_extensions
from stripe import StripeObject
from stripe._stripe_object import UntypedStripeObject

_PLACES = (
    stripe,
    typing,
    typing_extensions,
    builtins,
    stripe.checkout,
    stripe.test_helpers,
)
_SIMPLE = {str: (str,), int: (int,), bool: (bool,), float: (int, float)}


class _Names(dict[str, Any]):
    """What a name in an annotation stands for: most are imported for type checkers only."""

    def __missing__(self, name: str) -> Any:
        # Where a class has a part of the same name, the library calls the other one a resource.
        for wanted in (name, name.removesuffix("Resource")):
            for place in _PLACES:
                if hasattr(place, wanted):
                    return getattr(place, wanted)
        return Any  # of a part of Stripe that the sandbox does not play


@cache
def fields_of(kind: type) -> dict[str, Any]:
    """Return the fields of a kind of object, and their types."""
    known = vars(sys.modules[kind.__module__])
    hints = get_type_hints(kind, dict(known), _Names({**known, **vars(kind)}))
    return {name: hint for name, hint in hints.items() if name.islower() and name[0] != "_"}


def misfits(found: Any, kind: Any, where: str = "") -> Iterator[str]:
    """Say what of an object does not fit its type: missing, made up, or of another type."""
    if isinstance(kind, type) and issubclass(kind, StripeObject):
        yield from _misfits_of_object(found, kind, where or kind.__name__)
    elif get_origin(kind) is Literal:
        if found not in get_args(kind):
            yield f"{where} is {found!r}"
    elif get_origin(kind) in (Union, types.UnionType):
        tried = [list(misfits(found, one, where)) for one in get_args(kind)]
        if all(tried):
            yield min(tried, key=len)[0]
    elif get_origin(kind) in (list, dict):
        yield from _misfits_inside(found, kind, where)
    elif kind is types.NoneType:
        if found is not None:
            yield f"{where} is not null"
    elif kind in _SIMPLE and type(found) not in _SIMPLE[kind]:
        yield f"{where} is {found!r}, not {kind.__name__}"


def _misfits_of_object(found: Any, kind: type, where: str) -> Iterator[str]:
    if not isinstance(found, dict):
        yield f"{where} is {found!r}, not {kind.__name__}"
        return
    if issubclass(kind, stripe.ListObject):
        yield from (f"{where}.{name} is missing" for name in _LIST if name not in found)
        return
    fields = fields_of(kind)
    if not fields or issubclass(kind, UntypedStripeObject):
        return
    for name, hint in fields.items():
        if name in found:
            yield from misfits(found[name], hint, f"{where}.{name}")
        elif types.NoneType not in get_args(hint) and name not in _NOT_ALWAYS:
            yield f"{where}.{name} is missing"
    yield from (f"{where}.{name} is made up" for name in found if name not in fields)


def _misfits_inside(found: Any, kind: Any, where: str) -> Iterator[str]:
    if not isinstance(found, get_origin(kind)):
        yield f"{where} is {found!r}"
        return
    inside = found.items() if isinstance(found, dict) else enumerate(found)
    for place, one in inside:
        yield from misfits(one, get_args(kind)[-1], f"{where}[{place}]")


_LIST = ("object", "data", "has_more", "url")
# Where an object was deleted, and only there.
_NOT_ALWAYS = frozenset({"deleted"})
