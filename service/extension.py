"""What a development server may have besides the product: an extension, a distribution of its own.

There is one, the sandbox. It is found by its entry point, by `tillgate dev` and by commands for
development alone: `tillgate serve` never looks for it, and nothing of the product imports it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import datetime
from importlib.metadata import entry_points
from typing import Protocol, runtime_checkable

from litestar import Litestar
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from service.core.clock import Clock
from service.core.errors import Misconfigured
from service.core.principal import Principal
from service.core.strict_json import JsonObject
from service.providers.registry import Providers
from service.settings import Settings
from service.storage.database import Database

GROUP = "tillgate.extension"

MISSING = (
    "The sandbox is not installed: nobody plays the providers, there is no shop, and there are no "
    "events to send. It is in Tillgate's sources: `pip install . ./sandbox`, in this order."
)
BROKEN = (
    "The sandbox is installed, and can't be used ({why}). It must be of the product's own version: "
    "in Tillgate's sources `pip install . ./sandbox` brings both. Without it: "
    "`pip uninstall tillgate-sandbox`."
)


class Line(Struct, frozen=True):
    """A line of a session's timeline. `tone` colours it; `detail` is shown when asked for."""

    at: datetime
    kind: str
    text: str
    tone: str = ""
    detail: dict[str, str] = {}

    def after(self, since: datetime) -> str:
        """Return how long after a time it happened; its date where that is long."""
        seconds = (self.at - since).total_seconds()
        return f"{seconds:+.3f} s" if -60 < seconds < 600 else f"{self.at:%F}"


def detail_of(values: JsonObject) -> dict[str, str]:
    """Return the detail of a line: what there is, each value as a text."""
    return {name: as_text(value) for name, value in values.items() if value is not None}


def as_text(value: object) -> str:
    """Return a value of a line's detail: a text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


class OpenedCheckout(Struct, frozen=True):
    """A checkout that was opened at a provider which the extension plays; in words."""

    session_id: str
    provider: str
    price: str
    state: str
    tone: str
    opened_at: datetime


class ExtensionPage(Struct, frozen=True):
    """A page of an extension that people are led to: its name, its path, what it is for."""

    name: str
    path: str
    hint: str


class LatestCheckouts(Struct, frozen=True):
    """The checkouts that were opened last, newest first, under a title of the extension's.

    While there are none, `start` is the page on which one is opened.
    """

    title: str
    checkouts: Sequence[OpenedCheckout]
    start: ExtensionPage


class Mounted(Protocol):
    """An extension as a part of one application."""

    @property
    def routes(self) -> Sequence[ControllerRouterHandler]:
        """Return what it serves besides the product's routes."""
        ...

    @property
    def pages(self) -> Sequence[ExtensionPage]:
        """Return the pages that the dashboard leads to."""
        ...

    @property
    def kinds(self) -> Mapping[str, str]:
        """Return the names of the kinds of its lines that the product has not, by kind."""
        ...

    def lifespan(self, app: Litestar, *, loop: bool) -> AbstractAsyncContextManager[None]:
        """Run beside the application. Without `loop` nothing happens by itself."""
        ...

    async def add_lines(self, session_id: str, lines: Sequence[Line]) -> list[Line]:
        """Return a session's lines with what was seen of it between them, in order of time."""
        ...

    async def latest(self) -> LatestCheckouts:
        """Return the checkouts that were opened last."""
        ...


@runtime_checkable
class Extension(Protocol):
    """What an entry point of the group `tillgate.extension` leads to.

    `commands` are its own, by name: the module that has each under the name `command`. `notice`
    tells a developer who plays the providers.
    """

    @property
    def commands(self) -> Mapping[str, str]:
        """Return the module of each command, by its name."""
        ...

    @property
    def pages(self) -> Sequence[ExtensionPage]:
        """Return the pages that `tillgate dev` names."""
        ...

    @property
    def notice(self) -> str:
        """Return what a developer should know of it, in a sentence or two."""
        ...

    def settings(self, settings: Settings) -> Settings:
        """Return the settings with what points the adapters at the extension."""
        ...

    async def prepare(self, by: Principal, now: datetime) -> None:
        """Put into an empty database what a first try needs."""
        ...

    def receiving_mail(self, clock: Clock) -> AbstractAsyncContextManager[str]:
        """Take mail for as long as the block lasts; yield the SMTP_URL under which it does."""
        ...

    def mount(
        self, settings: Settings, clock: Clock, database: Database, providers: Providers
    ) -> Mounted:
        """Build its part of one application. Nothing is connected or written."""
        ...


def find_extension() -> Extension | None:
    """Return the extension that is installed beside the product, None where none is.

    Raises `Misconfigured` for one that can't be imported, or is of another shape.
    """
    for found in entry_points(group=GROUP):
        with readable_import_errors():
            extension = found.load()
            if not isinstance(extension, Extension):
                raise TypeError(f"{found.value} leads to no extension")
        return extension
    return None


def needed_extension() -> Extension:
    """Return the extension. Raises `Misconfigured` where none is installed, or a broken one."""
    extension = find_extension()
    if extension is None:
        raise Misconfigured(MISSING)
    return extension


@contextmanager
def readable_import_errors() -> Iterator[None]:
    """Turn whatever importing a part of the extension raises into `Misconfigured`, in words."""
    try:
        yield
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise Misconfigured(BROKEN.format(why=why)) from error
