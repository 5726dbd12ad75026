"""Any order of writing, dispatching, dying, births, redelivery: each is heard, none too early."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from service.outbox import repository
from service.stored import DOCUMENTS
from tests.outbox.interleaving import AFTER, AMID, BEFORE, COMMANDS, World
from tests.support.emptied import emptied
from tests.support.shop import Shop

_NAMES = st.sampled_from(["a", "b", "c"])
_ACTS: st.SearchStrategy[tuple[Any, ...]] = st.one_of(
    st.just(("write",)),
    st.tuples(st.just("bear"), _NAMES),
    st.tuples(st.just("dispatch"), st.sets(_NAMES).map(lambda names: tuple(sorted(names)))),
    st.just(("deliver",)),
    st.tuples(st.just("redeliver"), st.integers(0, 9)),
)
_DYING = st.tuples(_ACTS, st.sampled_from(COMMANDS), st.sampled_from([BEFORE, AMID, AFTER]))
_STEPS = st.lists(st.one_of(_ACTS, _ACTS, _DYING), min_size=4, max_size=14)
_RUN = settings(
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


async def _play(shop: Shop, steps: list[Any]) -> list[str]:
    """Play the steps in an empty database to their end; return what was broken."""
    await emptied(shop.database, DOCUMENTS)
    world = World(shop)
    await world.bear("a")
    for step in steps:
        dies = isinstance(step[0], tuple)
        name, *given_to_it = step[0] if dies else step
        act = getattr(world, name)
        if dies:
            await world.die(lambda act=act, to=given_to_it: act(*to), step[1], step[2])
        else:
            await act(*given_to_it)
    await world.settle()
    return world.broken()


@seed(13)
@settings(_RUN, max_examples=40)
@given(steps=_STEPS)
async def test_each_is_heard_at_least_once_after_its_birth_and_never_before(
    shop: Shop, steps: list[Any]
) -> None:
    assert await _play(shop, steps) == []


@pytest.mark.soak
@settings(_RUN, max_examples=1500)
@given(steps=_STEPS)
async def test_so_in_any_of_many_orders(shop: Shop, steps: list[Any]) -> None:
    """Soak: some minutes."""
    assert await _play(shop, steps) == []


def _losing(name: str) -> list[Any]:
    return [
        ("bear", name),
        ("write",),
        (("dispatch", ("a", name)), "insert_deliveries", BEFORE),
    ]


@pytest.mark.parametrize("name", ["b", "c"])
async def test_who_dies_before_the_deliveries_are_there_loses_none(shop: Shop, name: str) -> None:
    assert await _play(shop, _losing(name)) == []


@pytest.mark.parametrize("name", ["b", "c"])
async def test_control_marked_before_its_deliveries_a_message_is_lost(
    shop: Shop, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, undispatched = [], repository.undispatched

    async def marked(*arguments: Any) -> Any:
        some = await undispatched(*arguments)
        if some is not None:
            found.append(some)
            await repository.mark_dispatched(some.messages)
        return some

    monkeypatch.setattr(repository, "undispatched", marked)
    broken = await _play(shop, _losing(name))
    assert sorted(broken) == [f"('test.topic:0', '{one}') was not heard" for one in ("a", name)]
    assert found


EARLY = [("write",), ("bear", "b")]


async def test_who_is_born_after_a_message_does_not_hear_it(shop: Shop) -> None:
    assert await _play(shop, EARLY) == []


async def test_control_without_a_look_at_its_birth_it_does(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    births = repository.births

    async def always(*_: object) -> Any:
        return [
            one.model_copy(update={"born_at": one.born_at and type(one.born_at)(0, 0)})
            for one in await births()
        ]

    monkeypatch.setattr(repository, "births", always)
    assert await _play(shop, EARLY) == ["('test.topic:0', 'b') was before its birth"]


async def test_so_with_two_of_each_at_once(shop: Shop) -> None:
    await emptied(shop.database, DOCUMENTS)
    world = World(shop)
    await world.bear("a")
    await world.bear("b")
    for _ in range(10):
        await world.write()
        twice = [world.dispatch(("a",)), world.dispatch(("b",)), world.deliver(), world.deliver()]
        await asyncio.gather(*twice)
    await world.settle()
    assert world.broken() == []
    assert set(world.heard.values()) == {1}
