"""Secrets and headers of an endpoint: who moves it, adds it twice, or leaves out a pepper."""

import pytest
from msgspec.structs import replace

from service.core.peppers import Pepper
from service.notifications.endpoints.errors import AddedBefore, HeadersWanted
from service.notifications.endpoints.operations.changing import (
    Told,
    Wish,
    add_endpoint,
    change_endpoint,
    remove_endpoint,
    rotate_secret,
)
from service.notifications.endpoints.operations.sealing import Sealer
from service.notifications.endpoints.operations.services import EndpointServices
from service.notifications.endpoints.repository.endpoints import count_sealed_under
from tests.notifications.receivers import receiving
from tests.notifications.telling import OPERATOR, endpoint, send, sent, services_of, tell
from tests.support.shop import Shop

BEARER = "Bearer for-ours-alone"


async def _told(shop: Shop, services: EndpointServices | None = None) -> list[str]:
    """Have one more event told; return how each stands."""
    await tell(shop, str(len(await sent(shop))))
    await send(shop, services=services)
    return [row["status"] for row in await sent(shop)]


@pytest.mark.parametrize("other", [{}, {"Authorization": "Bearer for-theirs"}])
async def test_headers_follow_to_no_other_host_unless_they_are_named_for_it(
    shop: Shop, other: dict[str, str]
) -> None:
    services = services_of(shop)
    async with receiving() as ours, receiving() as theirs:
        told = await endpoint(shop, ours.url(), headers={"Authorization": BEARER})
        moved = theirs.url()
        with pytest.raises(HeadersWanted, match="Authorization"):
            await change_endpoint(services, told.endpoint.id, Wish(url=moved), OPERATOR)
        wish = Wish(url=moved, headers=other)
        await change_endpoint(services, told.endpoint.id, wish, OPERATOR)
        assert await _told(shop) == ["delivered"]
    assert theirs.got[0].headers.get("authorization") == other.get("Authorization")
    assert not ours.got


async def test_control_on_the_same_host_they_stay(shop: Shop) -> None:
    async with receiving() as ours:
        told = await endpoint(shop, ours.url(), headers={"Authorization": BEARER})
        wish = Wish(url=f"{ours.url()}/another?way=1")
        await change_endpoint(services_of(shop), told.endpoint.id, wish, OPERATOR)
        assert await _told(shop) == ["delivered"]
    assert ours.got[0].headers["authorization"] == BEARER


async def _twice(shop: Shop, url: str) -> tuple[Told, Told]:
    first, second = [
        await add_endpoint(services_of(shop), Wish(url, ("*",)), OPERATOR, seed="one form")
        for _ in range(2)
    ]
    return first, second


async def test_added_twice_by_one_form_the_first_secret_still_signs_and_the_trail_tells(
    shop: Shop,
) -> None:
    async with receiving() as ours:
        first, second = await _twice(shop, ours.url())
    assert second.endpoint.id == first.endpoint.id
    assert [one.expires_at is None for one in second.endpoint.secrets] == [True, False]
    trail = [row["action"] async for row in shop.database["audit_log"].find()]
    assert trail == ["endpoint.added", "endpoint.secret_rotated"]


async def test_a_form_that_is_sent_again_with_other_words_changes_nothing(shop: Shop) -> None:
    services = services_of(shop)
    async with receiving() as ours, receiving() as theirs:
        first, second = await _twice(shop, ours.url())
        with pytest.raises(AddedBefore):
            await add_endpoint(services, Wish(theirs.url(), ("*",)), OPERATOR, seed="one form")
        kept = await shop.database["webhook_endpoints"].find_one()
        assert kept is not None
        assert (kept["url"], len(kept["secrets"])) == (ours.url(), 2)
        await remove_endpoint(services, first.endpoint.id, OPERATOR)
        with pytest.raises(AddedBefore):
            await _twice(shop, ours.url())
    assert second.secret != first.secret


async def test_without_its_pepper_an_endpoint_is_mended_by_rotating_as_the_try_says(
    shop: Shop,
) -> None:
    services = services_of(shop)
    later = replace(services, sealer=Sealer([Pepper("later", "a pepper of later times, 32 bytes")]))
    async with receiving() as ours:
        told = await endpoint(shop, ours.url())
        assert await _told(shop, later) == ["pending"]
        (row,) = await sent(shop)
        assert "put it back behind the first, or rotate them" in row["attempts"][0]["error"]
        await rotate_secret(later, told.endpoint.id, OPERATOR)
        assert await _told(shop, later) == ["pending", "delivered"]
    (got,) = ours.got
    assert len(got.headers["webhook-signature"].split(" ")) == 1


async def test_control_with_both_peppers_both_secrets_sign_and_the_older_one_counts_for_a_day(
    shop: Shop,
) -> None:
    services = services_of(shop)
    old = shop.api.container.settings.access.peppers
    both = replace(
        services, sealer=Sealer([Pepper("later", "a pepper of 32 bytes of later"), *old])
    )
    ids = [one.id for one in old]
    async with receiving() as ours:
        told = await endpoint(shop, ours.url())
        await rotate_secret(both, told.endpoint.id, OPERATOR)
        assert await _told(shop, both) == ["delivered"]
    assert len(ours.got[0].headers["webhook-signature"].split(" ")) == 2
    assert await count_sealed_under(ids, shop.clock.now()) == 1
    shop.pass_time(hours=25)
    assert await count_sealed_under(ids, shop.clock.now()) == 0
