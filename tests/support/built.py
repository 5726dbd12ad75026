"""The application of most tests: built once for a run, and put back as it was for each of them.

To build it takes a tenth of a second, which is more than most tests take. What was there before it,
as the module's own queues are, is not its own, and is left to who changes it.
"""

import gc
from asyncio import Event
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from types import FunctionType, MethodType
from typing import Any, NamedTuple

import pytest_asyncio
from litestar import Litestar
from litestar.handlers import BaseRouteHandler
from pydantic import BaseModel

from service.app import create_app
from service.core.clock import Clock, ManualClock
from service.extension import Extension
from service.providers.registry import close_providers
from service.settings import Settings
from service.storage.database import Database
from tillgate_sandbox.extension import SANDBOX

_CONTAINERS = (dict, list, set, deque)
_OURS = ("service.", "tillgate_sandbox.", "tests.")


class Wanted(NamedTuple):
    """What an application is built for."""

    settings: Settings
    database: Database
    clock: Clock | None


@dataclass(frozen=True, slots=True)
class Built:
    """An application, and what puts everything of ours in it back as it was built."""

    app: Litestar
    wanted: Wanted
    put_back: Callable[[], None]


def build(
    settings: Settings, database: Database, clock: Clock | None, *, loop: bool = False
) -> Built:
    """Build an application that many tests use, one after the other."""
    # Kept, so that nothing new gets the id of something that is gone.
    before = all_objects()
    known = {id(thing) for thing in before}
    app = create_app(settings, database, clock=clock, loop=loop, extension=_extension(settings))
    mine = [thing for thing in _all_of(app) if id(thing) not in known]
    put_back = partial(_put_back, app, app.state.dict(), *_memory(mine))
    return Built(app, Wanted(settings, database, clock), put_back)


_FOR_GOOD: list[Any] = []


def keep_for_good() -> None:
    """Leave what is there by now, and stays, out of each collection of garbage to come.

    Half a million objects of modules and tests: each time that all were looked through took half a
    second.
    """
    _FOR_GOOD[:] = gc.get_objects()
    gc.freeze()


def all_objects() -> list[Any]:
    """Return what there is, with what no collection looks through."""
    return gc.get_objects() + _FOR_GOOD


def keep_no_more() -> None:
    """Let all of it go at the end of a run."""
    _FOR_GOOD.clear()
    gc.unfreeze()


def _extension(settings: Settings) -> Extension | None:
    """Return what `tillgate dev` would look up, and `tillgate serve` would not."""
    return None if settings.production else SANDBOX


_MOST = 8
_kept: deque[Built] = deque()
_wanted_before: deque[Wanted] = deque(maxlen=_MOST)


@asynccontextmanager
async def application(
    settings: Settings, database: Database, clock: Clock | None
) -> AsyncIterator[Litestar]:
    """Take the application that was built for the same, or build one.

    What is wanted a second time is kept for those that want it again, one after the other.
    """
    wanted = Wanted(settings, database, clock)
    if wanted not in _wanted_before:
        _wanted_before.append(wanted)
        extension = _extension(settings)
        app = create_app(settings, database, clock=clock, loop=False, extension=extension)
        await _know_the_endpoints(app)
        yield app
        await _close(app)
        return
    one = next((one for one in _kept if one.wanted == wanted), None)
    if one is None:
        one = build(*wanted)
    else:
        _kept.remove(one)
        one.put_back()
    await _know_the_endpoints(one.app)
    yield one.app
    _kept.append(one)
    if len(_kept) > _MOST:
        await _close(_kept.popleft().app)


async def close_kept() -> None:
    """Close all that is kept, at the end of a run."""
    while _kept:
        await _close(_kept.pop().app)


async def _close(app: Litestar) -> None:
    await close_providers(app.state.container.providers)
    forget_handlers()


def forget_handlers() -> None:
    """Empty what is kept of each handler for a process's life.

    A process has one application; a run of tests has a thousand, of which none could ever go.
    """
    for kept in _KEPT_OF_HANDLERS:
        kept.cache_clear()


_CACHED = type(cache(id))
_KEPT_OF_HANDLERS = [
    kept
    for kept in gc.get_objects()
    if isinstance(kept, _CACHED) and kept.__module__.startswith(("litestar.", "service.web."))
]


async def _know_the_endpoints(app: Litestar) -> None:
    """Know that nobody hears anything, as a server does once it has looked."""
    await app.state.container.endpoints.endpoints.refresh(0)


@pytest_asyncio.fixture
async def app(
    settings: Settings, database: Database, clock: ManualClock
) -> AsyncIterator[Litestar]:
    """The whole application; time stands still until a test moves it."""
    async with application(settings, database, clock) as taken:
        yield taken


_Attributes = list[tuple[Any, dict[str, Any]]]
_Contents = list[tuple[Any, Any]]


def _memory(things: Iterable[Any]) -> tuple[_Attributes, _Contents]:
    """Return what the attributes of each object are, and what each container holds."""
    attributes: _Attributes = []
    contents: _Contents = []
    for thing in things:
        if isinstance(thing, _CONTAINERS):
            contents.append((thing, thing.copy()))
        elif not isinstance(thing, BaseModel):
            attributes.append((thing, _attributes_of(thing)))
    return attributes, contents


def _put_back(
    app: Litestar, state: dict[str, Any], attributes: _Attributes, contents: _Contents
) -> None:
    for name in app.state.dict().keys() - state.keys():
        del app.state[name]
    app.state.update(state)
    for thing, values in attributes:
        for name, value in values.items():
            if getattr(thing, name, None) is not value:
                object.__setattr__(thing, name, value)
    for container, content in contents:
        if container != content:
            container.clear()
            (container.update if isinstance(container, (dict, set)) else container.extend)(content)


def _all_of(app: Litestar) -> Iterator[Any]:
    """Walk from the application to whatever it holds: our objects, closures and containers."""
    found: dict[int, Any] = {}
    waiting: list[Any] = [app]
    while waiting:
        thing = waiting.pop()
        if id(thing) not in found and not isinstance(thing, type):
            found[id(thing)] = thing
            waiting += _parts_of(thing)
    ours = [one for one in found.values() if type(one).__module__.startswith(_OURS)]
    yield from ours
    held = [value for one in ours for value in _attributes_of(one).values()]
    # Of the framework's own containers, those that a test changes.
    held += [one.opt for one in found.values() if isinstance(one, BaseRouteHandler)]
    yield from {id(one): one for one in held if isinstance(one, (*_CONTAINERS, Event))}.values()


def _parts_of(thing: Any) -> Iterable[Any]:
    if isinstance(thing, FunctionType):
        return [cell.cell_contents for cell in thing.__closure__ or () if _is_filled(cell)]
    if isinstance(thing, MethodType):
        return [thing.__self__]
    if isinstance(thing, partial):
        return [thing.func, *thing.args, *thing.keywords.values()]
    if isinstance(thing, dict):
        return thing.values()
    if isinstance(thing, (list, tuple, set, frozenset, deque)):
        return thing
    if type(thing).__module__.startswith((*_OURS, "litestar.")):
        return _attributes_of(thing).values()
    return ()


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # a name that its function has not given yet
        return False


def _attributes_of(thing: Any) -> dict[str, Any]:
    slots = [
        name
        for kind in type(thing).__mro__
        for name in getattr(kind, "__slots__", ())
        if isinstance(getattr(kind, "__slots__", ()), (tuple, list)) and hasattr(thing, name)
    ]
    return {**getattr(thing, "__dict__", {}), **{name: getattr(thing, name) for name in slots}}
