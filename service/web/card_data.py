"""What looks like card data: none of it may ever reach us (PCI DSS 3.2). Pure, and linear."""

import re
from collections.abc import Iterator

# Names of fields without case, dashes and underscores.
_NUMBERS = frozenset({"number", "pan", "card", "cc", "creditcard", "debitcard"})
_CODES = frozenset({"cvc", "cvv", "cvc2", "cvv2", "cid", "securitycode", "cardcode"})
_SHORTEST_NUMBER, _LONGEST_NAME = 13, 40
_CODE = re.compile(r"\d{3,4}")
_NUMBER = re.compile(r"\d(?:[ -]?\d){12,18}")
# As it is printed on a card: groups of four, or 4-6-5.
_GROUPED = re.compile(r"(?<!\d)(?:\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{5})(?!\d)")
_LONG = re.compile(r"\d{6,}")
_LONGEST_PATH = 80
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def find_card_data(content: object) -> str | None:
    """Return where in a JSON value something looks like card data, None where nothing does.

    A card's number under a name that says so (`card.number`), or written in groups under any; a
    code of three or four digits under `cvc` and its kin. A number of an order is neither. What is
    returned holds none of the digits.
    """
    for path, name, value in _leaves(content):
        if _is_card_data(name, value):
            return _LONG.sub("…", path)
    return None


def holds_card_number(text: str) -> bool:
    """Tell whether a text holds a card's number, written in groups."""
    return any(_passes_luhn(found.group()) for found in _GROUPED.finditer(text))


def _leaves(content: object) -> Iterator[tuple[str, str, str]]:
    """Give each text and whole number with its path and the name of its field."""
    waiting: list[tuple[str, str, object]] = [("", "", content)]
    while waiting:
        path, name, value = waiting.pop()
        if isinstance(value, str):
            yield path, name, value
        elif isinstance(value, int):
            yield path, name, str(value)
        elif isinstance(value, dict):
            begun = f"{path}." if path else ""
            parts = ((f"{begun}{key}"[:_LONGEST_PATH], key, one) for key, one in value.items())
            waiting.extend(parts)
        elif isinstance(value, list):
            waiting.extend((path, name, one) for one in value)


def _is_card_data(name: str, value: str) -> bool:
    short = name if len(name) <= _LONGEST_NAME else ""
    plain = short.replace("-", "").replace("_", "").replace(" ", "").lower()
    if plain in _CODES:
        return _CODE.fullmatch(value.strip()) is not None
    if plain in _NUMBERS or plain.endswith(("cardnumber", "cardno", "cardpan")):
        text = value.strip()
        return _NUMBER.fullmatch(text) is not None and _passes_luhn(text)
    return len(value) >= _SHORTEST_NUMBER and holds_card_number(value)


def _passes_luhn(text: str) -> bool:
    """Check the last digit (ISO/IEC 7812-1, annex B)."""
    digits = [int(one) for one in text if one.isdigit()][::-1]
    return (sum(digits[::2]) + sum(_DOUBLED[one] for one in digits[1::2])) % 10 == 0
