"""A long page of the docs is one file of the repository, and several pages of the site.

It is cut at its headings of one level. What stands before the first of them stays, above a list of
the parts.
"""

import re
from collections.abc import Iterator, Mapping
from functools import partial

from msgspec import Struct
from pymdownx.slugs import slugify

CUT_AT = {"api.md": 2, "architecture.md": 2, "errors.md": 2, "changelog.md": 3}
"""The pages that are cut, and the level of the headings at which they are."""

_slug_of = partial(slugify(case="lower"), sep="-")
_HEADING = re.compile(r"(#+) (.+)")


class Part(Struct, frozen=True):
    """One page of a long one: its file in the site, its title, and its Markdown."""

    page: str
    title: str
    text: str


class Cut(Struct, frozen=True):
    """A long page after the cut: its beginning, its parts, and the part that has each anchor."""

    beginning: str
    parts: list[Part]
    pages: Mapping[str, str]


def whole_of(page: str) -> str:
    """Return the page that this one is a part of, or the page itself."""
    whole = f"{page.partition('/')[0]}.md"
    return whole if whole in CUT_AT else page


def cut(page: str, text: str) -> Cut:
    """Cut a page's Markdown. A part's heading becomes its title; those in it rise as much."""
    level, above = CUT_AT[page], ""
    beginning: list[str] = []
    opening: list[str] = []
    parts: list[tuple[str, list[str]]] = []
    into = beginning
    for line, depth, words in _lines(text):
        if 1 < depth < level:  # what stands below it, above its first part, opens that part
            above, into = f"{words.strip('[').partition(']')[0]}: ", opening
        elif depth == level:
            into = [f"# {above}{words}", *opening]
            parts.append((above + words, into))
            opening.clear()
        else:
            into.append(line[level - 1 :] if depth > level else line)
    folder = page.removesuffix(".md")
    made = [Part(f"{folder}/{_slug_of(of)}.md", of, "\n".join(lines)) for of, lines in parts]
    return Cut("\n".join(beginning), made, dict(_anchors(made)))


def with_contents(whole: Cut) -> str:
    """Return what stays of a long page, with a list of its parts and of the headings in them."""
    lines = [whole.beginning, ""]
    for part in whole.parts:
        lines.append(f"- [{part.title}]({part.page})")
        inner = [words for _, depth, words in _lines(part.text) if depth == 2]
        lines += [f"    - [{words}]({part.page}#{_slug_of(words)})" for words in inner]
    return "\n".join(lines) + "\n"


def _lines(text: str) -> Iterator[tuple[str, int, str]]:
    """Go through the lines: each with the level of heading that it is, or 0, and its words."""
    fenced = False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        found = None if fenced else _HEADING.fullmatch(line)
        yield line, len(found[1]) if found else 0, found[2] if found else ""


def _anchors(parts: list[Part]) -> Iterator[tuple[str, str]]:
    for part in reversed(parts):  # of two alike, the first has the anchor
        yield from ((_slug_of(words), part.page) for _, depth, words in _lines(part.text) if depth)
