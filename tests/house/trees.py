"""What the house's own files say, parsed once for all rules of a file of tests."""

import ast
from functools import cache
from pathlib import Path


@cache
def tree_of(path: Path) -> ast.Module:
    """Return a file's tree."""
    return ast.parse(path.read_text(), str(path))
