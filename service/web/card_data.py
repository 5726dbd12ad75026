"""Detection of card data: none of it may ever reach us (PCI DSS 3.2). Pure, and linear."""

import re
from collections.abc import Iterator

# Field names in lower case, without dashes and underscores.
_NUMBERS = frozenset({"number", "pan", "card", "cc", "creditcard", "debitcard"})
_NUMBER_ENDS = ("cardnumber", "cardno", "cardnum", "cardpan", "ccnumber", "ccnum")
_CODES = frozenset({"securitycode", "cardsecuritycode", "cardcode", "cardcid"})
_CODE_ENDS = ("cvc", "cvv", "cvc2", "cvv2")
_SHORTEST_NUMBER, _LONGEST_NAME = 13, 40
_CODE = re.compile(r"\d{3,4}")
_NUMBER = re.compile(r"\d(?:[ -]?\d){12,18}")
# As printed on a card: groups of four, or 4-6-5.
_GROUPED = re.compile(r"(?<!\d)(?:\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{5})(?!\d)")
# The prefixes of card numbers, and their lengths: timestamps, dates and most order numbers start
# differently. Every tenth number of a length passes the Luhn check.
_ISSUED = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|5[1-5]\d{14}|(?:222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|(?:8600|9792|9860)\d{12}"  # Uzcard, Troy, Humo
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-59]|[689]\d)\d{11,16}"  # Diners Club
    r"|(?:35[2-8]\d|220[0-4])\d{12,15}"  # JCB, Mir
    r"|8[12]\d{14,17}"  # RuPay, UnionPay
    r"|(?:50|5[6-9]|6\d)\d{11,17}"  # Maestro, Discover, UnionPay, RuPay, Verve, Elo
)
_LONG = re.compile(r"\d{6,}")
_LONGEST_PATH = 80
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def find_card_data(content: object) -> str | None:
    """Return the path of what looks like card data in a JSON value, None if nothing does.

    A card number under a name that says so (`card.number`), or written in groups under any name; a
    code of three or four digits under `cvc` and the like. An order number is neither, and `cid` is
    usually a campaign. The result contains none of the digits.
    """
    for path, name, value in _leaves(content):
        if _is_card_data(name, value):
            return _LONG.sub("…", path)
    return None


def holds_card_number(text: str) -> bool:
    """Return whether a text contains a card number, written in groups."""
    return any(_is_of_a_card(found.group()) for found in _GROUPED.finditer(text))


def mask_card_numbers(text: str) -> str:
    """Return a text without its card numbers, in groups or not."""
    return _NUMBER.sub(lambda found: "***" if _is_of_a_card(found.group()) else found.group(), text)


def _leaves(content: object) -> Iterator[tuple[str, str, str]]:
    """Yield each text and whole number with its path and the name of its field."""
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
    if plain in _CODES or plain.endswith(_CODE_ENDS):
        return _CODE.fullmatch(value.strip()) is not None
    if plain in _NUMBERS or plain.endswith(_NUMBER_ENDS):
        text = value.strip()
        return _NUMBER.fullmatch(text) is not None and _is_of_a_card(text)
    return len(value) >= _SHORTEST_NUMBER and holds_card_number(value)


def _is_of_a_card(text: str) -> bool:
    """Return whether digits have a card's prefix and check digit (ISO/IEC 7812-1, annex B)."""
    digits = [int(one) for one in text if one.isdecimal()]  # including full-width ones
    if not _ISSUED.fullmatch("".join(map(str, digits))):
        return False
    digits.reverse()
    return (sum(digits[::2]) + sum(_DOUBLED[one] for one in digits[1::2])) % 10 == 0
