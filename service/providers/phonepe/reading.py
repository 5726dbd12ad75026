"""What is particular to PhonePe's JSON; the rest is read by `service.providers.reading`."""

import re
from datetime import datetime

from service.core.clock import from_unix
from service.core.errors import MalformedBody
from service.core.strict_json import JsonObject
from service.providers.reading import entries, first_word, needed_text, whole

_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BANK_REFERENCES = ("utr", "arn", "bankTransactionId", "brn")


def word_of(source: JsonObject, key: str) -> str:
    """Return a text that may stand in an event id, where colons part the fields."""
    found = needed_text(source, key)
    if not _WORD.fullmatch(found):
        raise MalformedBody(f"The provider's message has no usable {key!r}.")
    return found


def latest_time(payload: JsonObject) -> datetime | None:
    """Return the latest time that a message holds; PhonePe counts milliseconds."""
    sources = (payload, *entries(payload, "paymentDetails"))
    times = [moment for moment in (whole(one, "timestamp") for one in sources) if moment]
    return from_unix(max(times) / 1000) if times else None


def part_of(attempt: JsonObject) -> JsonObject:
    """Return what has the instruments of an attempt: it does itself, or a list of its parts."""
    return next(iter(entries(attempt, "splitInstruments")), attempt)


def bank_reference_of(rail: JsonObject, instrument: JsonObject) -> str | None:
    """Return the bank's number of what went by a rail, to or from an instrument."""
    return first_word(rail, _BANK_REFERENCES) or first_word(instrument, _BANK_REFERENCES)
