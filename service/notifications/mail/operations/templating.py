"""Templates that a merchant may write: what they can say is bounded before they are ever run.

A template is a text with values in it, conditions and loops over our lists. It is read as a syntax
tree, and whatever is not on the lists below is refused: nothing is called, set, added up or
included, so that nothing is reached but the values. How often each part is filled in is known
before, from the lengths of the lists that it is repeated for: a template that would take long is
refused. The sandbox of jinja2 runs what is left, and the length of what comes out is bounded.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from math import prod
from typing import Final, TypeAlias

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.filters import sync_do_join
from jinja2.nodes import EvalContext
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_eval_context

from service.core.visible import visible
from service.notifications.mail.errors import TemplateRefused

LARGEST_SOURCE: Final = 64_000
LARGEST_OUTPUT: Final = 256_000
"""Both in characters."""

LISTS: Final = frozenset({"facts", "lines", "rows"})
"""The values that are lists: nothing else is repeated for, least of all the letters of a text."""

MOST_STEPS: Final = 20_000
"""What filling in may take: each part of a template is a step, each filter `_FILTER_STEPS`."""

_MOST_WRITTEN = 3_000
"""The steps that a template may have before anything is repeated: it is compiled, too."""

_FILTER_STEPS = 10
_LONGEST_CONSTANT, _LONGEST_JOINED = 1_000, 32_000
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


Steps: TypeAlias = Mapping[tuple[str, ...], int]
"""How many steps are taken once for each item of some lists, which stand in one another."""


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
    made.filters["join"] = _join
    made.globals, made.tests = {}, {}
    return made


@pass_eval_context
def _join(
    context: EvalContext, value: object, d: object = "", attribute: str | int | None = None
) -> str:
    """Join the items of a list. A text has no items: of its letters one makes a gigabyte."""
    if not isinstance(value, list | tuple):
        raise TemplateRefused("The filter join takes a list.")
    longest = sum(len(str(one)) for one in value) + len(str(d)) * len(value)
    if longest > _LONGEST_JOINED:
        raise TemplateRefused(f"The filter join makes at most {_LONGEST_JOINED} characters.")
    return sync_do_join(context, value, str(d), attribute)


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


def check(source: str) -> Steps:
    """Return the steps of a template. Raises `TemplateRefused` if it does more than say values."""
    if len(source) > LARGEST_SOURCE:
        raise TemplateRefused(f"A template has at most {LARGEST_SOURCE} characters.")
    try:
        tree = _TEXT.parse(source)
    except (TemplateError, RecursionError, ValueError) as error:
        raise TemplateRefused(f"The template can't be read: {_words(error)}.") from error
    _check_below(tree, 0, 0)
    if sum(1 for _ in tree.find_all(nodes.For)) > _MOST_LOOPS:
        raise TemplateRefused(f"A template has at most {_MOST_LOOPS} loops.")
    steps = Counter[tuple[str, ...]]()
    _count(tree, (), steps)
    if sum(steps.values()) > _MOST_WRITTEN:
        raise TemplateRefused(
            f"A template has at most {_MOST_WRITTEN} parts, of which a filter counts as "
            f"{_FILTER_STEPS}: say fewer values."
        )
    return steps


def _count(node: nodes.Node, lists: tuple[str, ...], steps: Counter[tuple[str, ...]]) -> None:
    """Count the steps below a node, by the lists that they are repeated for."""
    for child in node.iter_child_nodes():
        steps[lists] += _FILTER_STEPS if isinstance(child, nodes.Filter) else 1
        of = child.iter if isinstance(child, nodes.For) else None
        _count(child, (*lists, of.name) if isinstance(of, nodes.Name) else lists, steps)


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
        _check_loop(node)
    if isinstance(node, nodes.Const) and len(str(node.value)) > _LONGEST_CONSTANT:
        raise TemplateRefused(
            f"Line {node.lineno}: a text in an expression has at most {_LONGEST_CONSTANT} "
            "characters; write it outside of the braces."
        )
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        raise TemplateRefused(f"Line {node.lineno}: no value has {node.attr!r}.")


def _check_loop(loop: nodes.For) -> None:
    known = isinstance(loop.iter, nodes.Name) and loop.iter.name in LISTS
    renamed = {one.name for one in loop.target.find_all(nodes.Name)}
    if isinstance(loop.target, nodes.Name):
        renamed.add(loop.target.name)
    if loop.recursive or not known or renamed & LISTS:
        named = ", ".join(sorted(LISTS))
        raise TemplateRefused(
            f"Line {loop.lineno}: a loop goes through a list of the values ({named}), and names "
            "its items otherwise."
        )


def fill(source: str, values: Mapping[str, object], *, html: bool) -> str:
    """Fill in a template; in HTML values are escaped. Raises `TemplateRefused`."""
    template, steps = _compiled(source, html=html)
    _check_length(steps, values)
    try:
        return "".join(_bounded(template.generate(values)))
    except TemplateError as error:
        raise TemplateRefused(f"The template can't be filled in: {_words(error)}.") from error
    except (TypeError, ValueError, KeyError, ArithmeticError) as error:
        raise TemplateRefused("The template does what its values don't allow.") from error


def _check_length(steps: Steps, values: Mapping[str, object]) -> None:
    """Refuse what would take long with these values. Raises `TemplateRefused`."""
    long = {name: len(of) for name in LISTS if isinstance(of := values.get(name), Sequence)}
    taken = sum(count * prod(long.get(name, 0) for name in lists) for lists, count in steps.items())
    if taken > MOST_STEPS:
        raise TemplateRefused(f"It would take {taken} steps to fill in, and at most {MOST_STEPS}.")


def _bounded(parts: Iterator[str]) -> Iterator[str]:
    left = LARGEST_OUTPUT
    for part in parts:
        left -= len(part)
        if left < 0:
            raise TemplateRefused(f"A mail has at most {LARGEST_OUTPUT} characters.")
        yield part


@lru_cache(256)
def _compiled(source: str, *, html: bool) -> tuple[Template, Steps]:
    steps = check(source)
    return (_HTML if html else _TEXT).from_string(source), steps


def _words(error: Exception) -> str:
    line = getattr(error, "lineno", None)
    says = getattr(error, "message", None) or type(error).__name__
    # The sentence that this goes into ends for itself.
    words = str(says).rstrip(".")
    return f"line {line}, {words}" if line else words
