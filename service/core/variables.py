"""The types of variables of the environment: how the text of each is read, and what is refused."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.core.money import currency_exists
from service.core.peppers import read_pepper

SHORTEST_SECRET = 16
SHORTEST_PASSWORD = 8  # of PhonePe, which sets it
_HUNDRED_YEARS = 36_500  # in days; later moments can't be represented

_DATABASE_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}")
# MongoDB's own; what is in `local` is never replicated.
DATABASES_OF_MONGODB = frozenset({"admin", "config", "local"})

_FIELD_NAME = re.compile(r"[A-Za-z0-9_-]+|(?:[A-Za-z0-9_-]+|\*)(?:\.(?:[A-Za-z0-9_-]+|\*))+")


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def nullable(value: object) -> object:
    """Read `null` and `none` as nothing."""
    return None if isinstance(value, str) and value.lower() in {"null", "none"} else value


def _long_enough(value: str, least: int) -> str:
    if not value.strip():
        raise ValueError("is blank: unset it, or make a secret with `openssl rand -hex 32`")
    if len(value) < least:
        raise ValueError(f"has {len(value)} characters; a secret needs at least {least}")
    return value


def _strong(value: str) -> str:
    return _long_enough(value, SHORTEST_SECRET)


def _password(value: str) -> str:
    return _long_enough(value, SHORTEST_PASSWORD)


def _strong_key(value: str) -> str:
    """An API key may carry a name before a colon: `ops:ak_…`."""
    name, _, key = value.rpartition(":")
    _strong(key)
    if not (key.isascii() and key.isprintable() and " " not in key and name.isprintable()):
        raise ValueError("holds a key with blanks or signs that no header carries")
    return value


def _database_name(value: str) -> str:
    if not _DATABASE_NAME.fullmatch(value) or value in DATABASES_OF_MONGODB:
        raise ValueError(
            "takes 1 to 63 letters, digits, dashes and underscores, and none of MongoDB's own "
            "databases (admin, config, local)"
        )
    return value


def _currency(value: str) -> str:
    if not currency_exists(value.upper()):
        raise ValueError(f"{value!r} is not a currency of ISO 4217")
    return value.upper()


def _field_name(value: str) -> str:
    if not _FIELD_NAME.fullmatch(value):
        raise ValueError(f"{value!r} is neither a field's name nor a path of names with dots")
    return value


def _address(value: str) -> str:
    # Not shown: an address may hold a password.
    if not is_web_address(value):
        raise ValueError("is not an http or https address")
    return value.rstrip("/")


def is_web_address(value: str) -> bool:
    """Return whether a text is an http or https address that names a host."""
    try:
        parts = urlsplit(value)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port beyond 65535, an open bracket
        return False
    plain = value.isprintable() and " " not in value and "\\" not in value
    return named and plain and parts.scheme in {"http", "https"}


def _pepper(value: str) -> str:
    _strong(read_pepper(value).secret)
    return value


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    peppers = [read_pepper(value) for value in values]
    if len({pepper.id for pepper in peppers}) < len(peppers):
        raise ValueError("holds one key id twice: give each pepper its own, `2026b:…,2026a:…`")
    return values


DatabaseName = Annotated[str, AfterValidator(_database_name)]
Days = Annotated[float, Field(gt=0, le=_HUNDRED_YEARS)]
Currency = Annotated[str, AfterValidator(_currency)]
Secret = Annotated[str, AfterValidator(_strong)]
Password = Annotated[str, AfterValidator(_password)]
Address = Annotated[str, AfterValidator(_address)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
FieldNames = Annotated[
    tuple[Annotated[str, AfterValidator(_field_name)], ...], NoDecode, BeforeValidator(_split)
]
Secrets = Annotated[tuple[Secret, ...], NoDecode, BeforeValidator(_split)]
Peppers = Annotated[
    tuple[Annotated[str, AfterValidator(_pepper)], ...],
    NoDecode,
    BeforeValidator(_split),
    AfterValidator(_distinct),
]
Keys = Annotated[
    tuple[Annotated[str, AfterValidator(_strong_key)], ...], NoDecode, BeforeValidator(_split)
]


class Group(BaseSettings):
    """Variables that belong together; a blank one is unset."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )
