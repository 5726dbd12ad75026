"""Views: a record as another place wants it, converted from it and not copied by hand."""

from typing import TypeVar

import msgspec
from msgspec import Struct

V = TypeVar("V", bound=Struct)


def view_of(view: type[V], record: object, /, **computed: object) -> V:
    """Return a view of a record: its fields of the same names, and those that are `computed`.

    What stands inside the record becomes a view too, as the view's fields say. Raises
    `ValidationError` or `TypeError` where the two do not fit: a mistake of ours.
    """
    if not computed:
        return msgspec.convert(record, view, from_attributes=True)
    if unknown := computed.keys() - set(view.__struct_fields__):
        raise TypeError(f"{view.__name__} does not show {', '.join(sorted(unknown))}")
    shown: dict[str, object] = {}
    for name, written in zip(view.__struct_fields__, view.__struct_encode_fields__, strict=True):
        if name in computed:
            shown[written] = computed[name]
        elif hasattr(record, name):
            shown[written] = getattr(record, name)
    return msgspec.convert(shown, view, from_attributes=True)
