"""The fenced blocks of README.md and docs/, as a reader pastes them."""

import re
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>```+)(?P<language>[\w+-]*)[^\n]*\n"
    r"(?P<code>.*?)^(?P=indent)(?P=fence) *$",
    re.MULTILINE | re.DOTALL,
)


class Block(Struct, frozen=True):
    """One block: the page that it stands in, its language, and what it says."""

    page: str
    language: str
    code: str

    @property
    def opening(self) -> str:
        """Return its first line, by which it is known."""
        return self.code.strip().partition("\n")[0].strip()


def pages() -> list[Path]:
    """Return the pages whose blocks are demanded."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks_of(text: str, page: str) -> list[Block]:
    """Return the blocks of a page."""
    return [Block(page, one["language"], one["code"]) for one in _FENCE.finditer(text)]


def every_block() -> list[Block]:
    """Return all blocks of all pages."""
    return [
        block
        for path in pages()
        for block in blocks_of(path.read_text(), str(path.relative_to(ROOT)))
    ]


def block(page: str, opening: str) -> Block:
    """Return the one block of a page that begins so."""
    (found,) = [
        one for one in every_block() if one.page == page and one.opening.startswith(opening)
    ]
    return found


def commands(one: Block) -> list[str]:
    """Return the commands of a block of the shell, each as one line without its comment."""
    joined = re.sub(r"\\\n\s*", " ", one.code)
    lines = [re.sub(r"\s+# .*", "", line).strip() for line in joined.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]
