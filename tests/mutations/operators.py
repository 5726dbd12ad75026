"""How code is broken: cosmic-ray's operators, and four for what this code is made of.

Of cosmic-ray's replacements one or two for each operator, those that keep code running: `a | b` of
two sets made `a ** b` ends in a TypeError, which any test at all would notice.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator
from parso.python.tree import Name, PythonNode, String
from parso.tree import search_ancestor

Place = tuple[int, int]

_COMPARISONS = (
    *("Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt"),
    *("Eq_NotEq", "NotEq_Eq", "NotEq_Gt", "NotEq_Lt", "Is_IsNot", "IsNot_Is"),
)
_ARITHMETIC = ("Add_Sub", "Sub_Add", "Mul_Add", "Mul_Sub", "BitOr_BitAnd", "BitAnd_BitOr")
_LOGIC = (
    *("AddNot", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue"),
    *("ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceUnaryOperator_Delete_Not"),
)
_REST = (
    *("ReplaceUnaryOperator_Delete_USub", "NumberReplacer", "ZeroIterationForLoop"),
    "ExceptionReplacer",
)
_CORE = (
    *(f"ReplaceComparisonOperator_{name}" for name in _COMPARISONS),
    *(f"ReplaceBinaryOperator_{name}" for name in _ARITHMETIC),
    *_LOGIC,
    *_REST,
)


class DropStatement(Operator):  # type: ignore[misc]
    """Leave out a `raise`, a `return`, an assignment or a call."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Place, Place]]:
        """Yield the statement of a function, if it is one of these and no docstring."""
        if (
            node.type == "simple_stmt"
            and node.children[0].type not in _KEPT
            and search_ancestor(node, "funcdef")
        ):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Put `pass` in its place."""
        return Name(f"{node.get_first_leaf().prefix}pass\n", node.start_pos)

    @classmethod
    def examples(cls) -> Sequence[Any]:
        """Return none: cosmic-ray's own tests alone ask."""
        return ()


class DropElement(Operator):  # type: ignore[misc]
    """Leave one out of what is listed: of a table, a set, a tuple."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Place, Place]]:
        """Yield each element of a display of at least two."""
        for group in _elements(node):
            yield group[0].start_pos, group[-1].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return the display without it; a tuple of one keeps its comma."""
        kept = [group for n, group in enumerate(_elements(node)) if n != index]
        node.children = [leaf for group in kept for leaf in (*group, Name(",", node.end_pos))]
        return node

    @classmethod
    def examples(cls) -> Sequence[Any]:
        """Return none: cosmic-ray's own tests alone ask."""
        return ()


class ChangeWord(Operator):  # type: ignore[misc]
    """Change a word that code compares, looks up or answers with; sentences for people stay."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Place, Place]]:
        """Yield a text without a space."""
        if isinstance(node, String) and " " not in node.value and '"""' not in node.value:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Put a letter in front of what it says."""
        start, _, rest = node.value.partition('"' if '"' in node.value else "'")
        quote = node.value[len(start)]
        return String(f"{start}{quote}x{rest}", node.start_pos, node.prefix)

    @classmethod
    def examples(cls) -> Sequence[Any]:
        """Return none: cosmic-ray's own tests alone ask."""
        return ()


class SwapIn(Operator):  # type: ignore[misc]
    """Swap `in` and `not in`."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Place, Place]]:
        """Yield such a comparison."""
        if node.type == "comparison" and node.children[1].get_code().strip() in ("in", "not in"):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Put the other in its place."""
        word = " not in" if node.children[1].get_code().strip() == "in" else " in"
        node.children[1] = Name(word, node.children[1].start_pos)
        return node

    @classmethod
    def examples(cls) -> Sequence[Any]:
        """Return none: cosmic-ray's own tests alone ask."""
        return ()


_KEPT = frozenset({"string", "strings", "import_name", "import_from", "keyword", "pass_stmt"})
_DISPLAYS = frozenset({"dictorsetmaker", "testlist_comp", "testlist", "testlist_star_expr"})


def _elements(node: Any) -> list[list[Any]]:
    """Return what a display lists, each with the leaves that it is made of; else nothing."""
    if node.type not in _DISPLAYS or any("comp_for" in one.type for one in node.children):
        return []
    if isinstance(node.parent, PythonNode) and node.parent.type == "expr_stmt":
        return []
    groups: list[list[Any]] = [[]]
    for child in node.children:
        if child.type == "operator" and child.value == ",":
            groups.append([])
        else:
            groups[-1].append(child)
    listed = [group for group in groups if group]
    return listed if len(listed) > 1 else []


OPERATORS: dict[str, Operator] = {
    **{name: get_operator(f"core/{name}")() for name in _CORE},
    **{one.__name__: one() for one in (DropStatement, DropElement, ChangeWord, SwapIn)},
}
