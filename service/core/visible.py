"""Invisible characters that change what is seen: none reaches a terminal, page or log as it is.

An escape sequence moves a terminal's cursor, renames its window or types for its user; a mark of
direction reverses a line, so that `gpj.exe` reads `exe.jpg` (https://trojansource.codes).
"""

import re

# All controls but line feed and tab; marks of direction; what has no width and joins nothing; lone
# halves of surrogates. The joiners U+200C and U+200D stay: Persian and the scripts of India need
# them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)


def visible(text: str) -> str:
    """Return a text with each hidden character written as JSON escapes it: `\\u001b`.

    So what is JSON stays the same JSON. Lines and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub(_escaped, text)


def visible_line(text: str) -> str:
    """Return a text as one line: line feeds and tabs are written as escapes too."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def has_hidden(text: str) -> bool:
    """Return whether a text holds a character that `visible` would write otherwise."""
    return _HIDDEN.search(text) is not None


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
