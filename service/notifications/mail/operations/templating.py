"""Templates that a merchant may write: what they can say is bounded before they are ever run.

A template is a text with values in it, conditions and loops over our lists. It is read as a syntax
tree, and whatever is not on the lists below is refused: nothing is called, set, added up or
included, so that nothing runs for long and nothing is reached but the values. The sandbox of jinja2
runs what is left, and the length of what comes out is bounded.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from service.core.visible import visible
from service.notifications.mail.errors import TemplateRefused

LARGEST_SOURCE: Final = 64_000
LARGEST_OUTPUT: Final = 256_000
"""Both in characters."""

_DEEPEST_LOOPS = 2
_MOST_LOOPS = 20
_DEEPEST = 40
_FILTERS = frozenset(
    {"capitalize", "default", "e", "escape", "first", "join", "last", "length", "lower"}
    | {"title", "trim", "upper"}
)
_ALLOWED: tuple[type[nodes.Node], ...] = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.Name),
    *(nodes.If, nodes.For, nodes.CondExpr, nodes.Getattr, nodes.Getitem),
    *(nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand, nodes.Filter, nodes.Tuple),
)


class _Environment(ImmutableSandboxedEnvironment):
    """Values have items and no attributes; a loop has its counters."""

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        """Return whether an attribute may be read: of values, none."""
        return isinstance(obj, LoopContext) and attr in {"index", "first", "last", "length"}


def _environment(*, html: bool) -> _Environment:
    made = _Environment(
        autoescape=html,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters = {name: made.filters[name] for name in _FILTERS}
    made.globals, made.tests = {}, {}
    return made


def _shown(value: object) -> object:
    """Return a value as it is said: a text or a number, and nothing that has an inside."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value if hasattr(value, "__html__") else visible(value)
    if not isinstance(value, int):
        raise TemplateRefused("A template says texts and numbers: name one value of the list.")
    return value


_HTML, _TEXT = _environment(html=True), _environment(html=False)


def check(source: str) -> None:
    """Refuse a template that does more than say values. Raises `TemplateRefused`."""
    if len(source) > LARGEST_SOURCE:
        raise TemplateRefused(f"A template has at most {LARGEST_SOURCE} characters.")
    try:
        tree = _TEXT.parse(source)
    except (TemplateError, RecursionError) as error:
        raise TemplateRefused(f"The template can't be read: {_words(error)}.") from error
    _check_below(tree, 0, 0)
    if sum(1 for _ in tree.find_all(nodes.For)) > _MOST_LOOPS:
        raise TemplateRefused(f"A template has at most {_MOST_LOOPS} loops.")


def _check_below(node: nodes.Node, loops: int, depth: int) -> None:
    if depth > _DEEPEST:  # what is made of it is compiled by Python, which has limits of its own
        raise TemplateRefused(f"Things stand in one another at most {_DEEPEST} deep.")
    for child in node.iter_child_nodes():
        _check_one(child)
        deeper = loops + isinstance(child, nodes.For)
        if deeper > _DEEPEST_LOOPS:
            raise TemplateRefused(f"Loops stand in one another at most {_DEEPEST_LOOPS} deep.")
        _check_below(child, deeper, depth + 1)


def _check_one(node: nodes.Node) -> None:
    if not isinstance(node, _ALLOWED):
        raise TemplateRefused(
            f"Line {node.lineno} has what a template may not do ({type(node).__name__.lower()}): "
            "it says values, with if, for and some filters."
        )
    if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
        known = ", ".join(sorted(_FILTERS))
        raise TemplateRefused(f"There is no filter {node.name!r} here; there are {known}.")
    if isinstance(node, nodes.For):
        if node.recursive or not isinstance(node.iter, nodes.Name | nodes.Getattr):
            raise TemplateRefused(f"Line {node.lineno}: a loop goes through a list of the values.")
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        raise TemplateRefused(f"Line {node.lineno}: no value has {node.attr!r}.")


def fill(source: str, values: Mapping[str, object], *, html: bool) -> str:
    """Fill in a template; in HTML values are escaped. Raises `TemplateRefused`."""
    try:
        return "".join(_bounded(_compiled(source, html=html).generate(values)))
    except TemplateError as error:
        raise TemplateRefused(f"The template can't be filled in: {_words(error)}.") from error
    except (TypeError, ValueError, KeyError, ArithmeticError) as error:
        raise TemplateRefused("The template does what its values don't allow.") from error


def _bounded(parts: Iterator[str]) -> Iterator[str]:
    left = LARGEST_OUTPUT
    for part in parts:
        left -= len(part)
        if left < 0:
            raise TemplateRefused(f"A mail has at most {LARGEST_OUTPUT} characters.")
        yield part


@lru_cache(256)
def _compiled(source: str, *, html: bool) -> Template:
    check(source)
    return (_HTML if html else _TEXT).from_string(source)


def _words(error: Exception) -> str:
    line = getattr(error, "lineno", None)
    says = getattr(error, "message", None) or type(error).__name__
    return f"line {line}, {says}" if line else str(says)
