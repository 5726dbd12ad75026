"""The words of mails in each language, and how money and times are written in them."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from service.core.money import to_major
from service.core.strict_json import JsonObject, JsonValue
from service.merchants.documents import FIRST_LANGUAGE

_FOLDER = files("service.notifications.mail").joinpath("templates")


class Format(Struct, frozen=True):
    """How a language writes numbers, money and times."""

    decimal: str
    thousands: str
    money: str
    moment: str
    date: str
    months: Sequence[str]


class Words(Struct, frozen=True):
    """What one template says. `rows` are facts that are said of each row of the values.

    `action` stands on the button that follows the link, `footer` instead of what all mails share.
    """

    subject: str
    heading: str
    lines: Sequence[str]
    facts: Sequence[tuple[str, str]]
    rows: Sequence[tuple[str, str]] = ()
    action: str = ""
    footer: str = ""


class Language(Struct, frozen=True):
    """One language: what all mails share, and what each says."""

    format: Format
    common: Mapping[str, str]
    unsubscribing: Mapping[str, str]
    templates: Mapping[str, Words]


@cache
def language(code: str) -> Language:
    """Return the words of a language; of one that nobody has written, the first one's."""
    try:
        text = _FOLDER.joinpath("words", f"{code}.toml").read_text("utf-8")
    except FileNotFoundError:
        return language(FIRST_LANGUAGE)
    read = tomllib.loads(text)
    shared = {name: read.pop(name) for name in ("format", "common", "unsubscribing")}
    return msgspec.convert({**shared, "templates": read}, Language)


@cache
def layout(name: str) -> str:
    """Return the source of the premade `mail.html` or `mail.txt`."""
    return _FOLDER.joinpath(name).read_text("utf-8")


def money(minor: int, places: int, currency: str, spoken: Format) -> str:
    """Write an amount in minor units as a language does: `EUR 1,234.50`, `1.234,50 EUR`."""
    whole, _, part = to_major(abs(minor), places).partition(".")
    digits = f"{int(whole):,}".replace(",", spoken.thousands)
    digits = f"{digits}{spoken.decimal}{part}" if part else digits
    sign = "-" if minor < 0 else ""
    return spoken.money.format(amount=f"{sign}{digits}", currency=currency).replace(" ", "\xa0")


def moment(at: datetime, zone: str, spoken: Format, *, day_alone: bool = False) -> str:
    """Write a time as a language does, in a zone (IANA)."""
    there = at.astimezone(ZoneInfo(zone))
    return (spoken.date if day_alone else spoken.moment).format(
        day=there.day,
        month=spoken.months[there.month - 1],
        year=there.year,
        hour=f"{there.hour:02d}",
        minute=f"{there.minute:02d}",
        zone=zone,
    )


def price(minor: int, places: int, currency: str) -> JsonObject:
    """Return an amount as the values of a mail have it: it is written once it is sent."""
    return {"minor": minor, "places": places, "currency": currency}


def share(percent: float) -> JsonObject:
    """Return a share in percent as the values of a mail have it."""
    return {"percent": percent}


def time(at: datetime | None, *, day_alone: bool = False) -> JsonObject | None:
    """Return a time as the values of a mail have it."""
    return None if at is None else {"at": at.isoformat(), "dayAlone": day_alone}


def written(values: JsonObject, zone: str, spoken: Format) -> dict[str, object]:
    """Write all values of a mail: amounts and times become texts, what is missing stays out."""
    return {name: _written(value, zone, spoken) for name, value in values.items()}


def _written(value: JsonValue, zone: str, spoken: Format) -> object:
    if isinstance(value, list):
        return [_written(one, zone, spoken) for one in value]
    if not isinstance(value, dict):
        return value
    if "minor" in value:
        minor, places, currency = value["minor"], value["places"], value["currency"]
        return money(int(str(minor)), int(str(places)), str(currency), spoken)
    if "percent" in value:
        return f"{value['percent']}\xa0%".replace(".", spoken.decimal)
    if "at" in value:
        at = datetime.fromisoformat(str(value["at"]))
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return moment(at, zone, spoken, day_alone=bool(value["dayAlone"]))
    return written(value, zone, spoken)
