"""HTML, built by one function that escapes whatever it is given, invisible characters too."""

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

from service.core.visible import visible

_EMPTY = frozenset({"br", "hr", "img", "input", "link", "meta"})


class Html(str):
    """Markup that was built here, and goes into a page as it is. Any other text is escaped."""

    __slots__ = ()


Child: TypeAlias = str | int | Iterable["Child"] | None


def h(tag: str, /, *children: Child, **attributes: str | bool | int | None) -> Html:
    """Build an element. `class_` is `class`, `data_when` is `data-when`.

    True gives an attribute without a value, None and False none at all.
    """
    opened = f"<{tag}{''.join(_attributes(attributes))}>"
    return Html(opened if tag in _EMPTY else f"{opened}{join(*children)}</{tag}>")


def join(*children: Child) -> Html:
    """Put children behind one another, each escaped unless it is markup."""
    return Html("".join(map(_text, children)))


def _text(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, str | int):
        return escape(visible(str(child)))
    return "".join(map(_text, child))


def _attributes(attributes: dict[str, str | bool | int | None]) -> Iterable[str]:
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        written = name.rstrip("_").replace("_", "-")
        yield f" {written}" if value is True else f' {written}="{escape(visible(str(value)))}"'
