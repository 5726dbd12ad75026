"""The words of the page that a reminder leads to, in each language."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from service.merchants.documents import FIRST_LANGUAGE

_WORDS = files("service.recovery").joinpath("templates", "words.toml")


@cache
def page_words(language: str) -> Mapping[str, str]:
    """Return the words of a language; of one that nobody has written, the first one's."""
    read = tomllib.loads(_WORDS.read_text("utf-8"))
    found: Mapping[str, str] = read.get(language) or read[FIRST_LANGUAGE]
    return found
