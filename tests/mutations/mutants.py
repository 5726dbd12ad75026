"""Make the mutants of a file: each breaks one place."""

import ast
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from cosmic_ray.mutating import mutate_code

from tests.mutations.operators import OPERATORS


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file, broken in one place: by which operator, in which line, and the whole new source.

    `inside`: nothing but the body of a function differs.
    """

    operator: str
    line: int
    before: str
    after: str
    inside: bool
    source: str

    def __str__(self) -> str:
        """Tell the lines before and after."""
        return f"{self.line} [{self.operator}]\n    - {self.before}\n    + {self.after}"


def mutants_of(source: str, within: Sequence[str] = ()) -> Iterator[Mutant]:
    """Yield every mutant that says something else; only of these functions, if any are named.

    Of two operators that come to the same code, the first. What differs in annotations or
    in how a class is laid out (`slots`) alone is no mutant.
    """
    seen = {_meaning(source)}
    lines, frame = _lines_of(source, within), _frame(source)
    for name, operator in OPERATORS.items():
        for n in count():
            mutated = mutate_code(source, operator, n)
            if mutated is None:
                break
            before, after, line = _difference(source, mutated)
            if line not in lines:
                continue
            try:
                meaning = _meaning(mutated)
            except SyntaxError:  # an `else` that lost its `if`, for one
                continue
            if meaning not in seen:
                seen.add(meaning)
                yield Mutant(name, line, before, after, _frame(mutated) == frame, mutated)


class _Inverted(ast.NodeTransformer):
    """Writes `not a is b` as `a is not b`: cosmic-ray comes to it by two ways."""

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        inner = self.generic_visit(node).operand  # type: ignore[attr-defined]
        if not isinstance(node.op, ast.Not) or not isinstance(inner, ast.Compare):
            return node
        if len(inner.ops) > 1 or type(inner.ops[0]) not in _INVERSE:
            return node
        return ast.Compare(inner.left, [_INVERSE[type(inner.ops[0])]()], inner.comparators)


_PAIRS: tuple[tuple[type[ast.cmpop], type[ast.cmpop]], ...] = (
    *((ast.Is, ast.IsNot), (ast.In, ast.NotIn), (ast.Eq, ast.NotEq)),
    *((ast.Lt, ast.GtE), (ast.Gt, ast.LtE)),
)
_INVERSE = {**dict(_PAIRS), **{after: before for before, after in _PAIRS}}


def _meaning(source: str) -> str:
    tree = _Inverted().visit(ast.parse(source))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.ClassDef):
            node.decorator_list = []
    return ast.dump(tree)


def _frame(source: str) -> str:
    """Return what is left without the bodies of functions."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = []
    return ast.dump(tree)


def _lines_of(source: str, within: Sequence[str]) -> frozenset[int]:
    if not within:
        return frozenset(range(1, source.count("\n") + 2))
    named = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in within
    ]
    if missing := set(within) - {node.name for node in named}:
        raise LookupError(f"No such functions: {sorted(missing)}.")
    return frozenset(n for node in named for n in range(node.lineno, (node.end_lineno or 0) + 1))


def _difference(source: str, mutated: str) -> tuple[str, str, int]:
    old, new = source.splitlines(), mutated.splitlines()
    for what, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what != "equal":
            return _told(old[a:b]), _told(new[c:d]), a + 1
    return "", "", 0


def _told(lines: Sequence[str]) -> str:
    return " ".join(line.strip() for line in lines)
