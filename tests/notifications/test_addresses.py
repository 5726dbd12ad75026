"""Nothing is sent to an address that only this machine or its network can reach."""

from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from service.core.clock import ManualClock
from service.core.errors import Misconfigured
from service.notifications.endpoints.errors import AddressRefused
from service.notifications.endpoints.operations.addresses import (
    LOOPBACK,
    Addresses,
    Resolve,
    target_of,
    unfit,
)
from service.notifications.endpoints.sending.client import Client
from service.parts import build_endpoints
from tests.notifications.certificates import Authority
from tests.notifications.receivers import receiving
from tests.notifications.telling import endpoint, resolving, send, sent, tell, the_try
from tests.support.settings import make_settings
from tests.support.shop import Shop

PUBLIC = "93.184.215.14"


def leads_to(*addresses: str) -> Resolve:
    """Resolve every name so."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.10", "0.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1"),
        *("168.63.129.16", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1"),
        *("192.88.99.1", "fec0::1"),
        *("::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1"),
        *("2001:0:0:0:0:0:f5ff:fffe", "::ffff:0:a9fe:a9fe"),
    ],
)
def test_an_address_that_is_not_public_is_unfit_however_it_is_written(address: str) -> None:
    assert unfit(ip_address(address)) is not None


@pytest.mark.parametrize("address", [PUBLIC, "2606:4700::1111", f"::ffff:{PUBLIC}", "1.1.1.1"])
def test_control_a_public_one_is_fit(address: str) -> None:
    assert unfit(ip_address(address)) is None


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::ffff:7f00:1]", "localhost"]
)
async def test_other_notations_of_this_machine_are_refused(host: str) -> None:
    with pytest.raises(AddressRefused, match="this machine"):
        await Addresses(()).of(target_of(f"https://{host}/hook"))


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://shop.example/", "https:///hook", "https://u:p@shop.example/", "shop.example"),
        *("https://shop.example/#a", "https://shop.example/\r\nx: y", "https://shop.example/a b"),
        *("https://shöp.example/", "https://shop.example:0/", f"https://shop.example/{'a' * 500}"),
    ],
)
def test_what_is_no_plain_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        target_of(url)


async def test_one_bad_address_among_good_ones_spoils_all() -> None:
    with pytest.raises(AddressRefused, match="leads to a private address") as refused:
        await Addresses((), leads_to(PUBLIC, "10.0.0.1")).of(target_of("https://a.example/"))
    assert "10.0.0.1" not in str(refused.value), "which number a name has inside is not said"
    found = await Addresses((), leads_to(PUBLIC)).of(target_of("https://a.example/"))
    assert found == [PUBLIC]


async def test_plain_http_is_for_networks_that_are_allowed() -> None:
    with pytest.raises(AddressRefused, match="https"):
        await Addresses((), leads_to(PUBLIC)).of(target_of("http://a.example/"))
    allowed = Addresses(("10.0.0.0/8",), leads_to("10.0.0.1"))
    assert await allowed.of(target_of("http://a.example/")) == ["10.0.0.1"]


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(Misconfigured):
        Addresses(("shop.example",))


async def test_a_private_address_is_refused_when_it_is_saved(shop: Shop) -> None:
    services = resolving(shop, leads_to("10.0.0.1"))
    with pytest.raises(AddressRefused, match="a private address"):
        await endpoint(shop, "https://shop.example/hook", services=services)
    assert await shop.database["webhook_endpoints"].count_documents({}) == 0


async def test_a_name_that_leads_elsewhere_since_it_was_saved_is_refused_when_sent(
    shop: Shop,
) -> None:
    leads = [PUBLIC]

    async def resolve(host: str, port: int) -> Sequence[str]:
        return leads

    services = resolving(shop, resolve, "192.0.2.0/24")
    async with receiving() as receiver:
        url = f"https://shop.example:{receiver.port}/hook"
        await endpoint(shop, url, services=services)
        leads[:] = ["127.0.0.1"]
        await tell(shop)
        await send(shop, services=services)
    assert receiver.connections == 0
    assert "leads to this machine" in (await the_try(shop))["error"]


async def test_a_connection_goes_to_the_very_address_that_was_checked(shop: Shop) -> None:
    """A second answer of the resolver, which leads inside, is never asked for."""
    asked: list[str] = []

    async def rebinds(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    async with receiving() as receiver:
        addresses = Addresses(LOOPBACK, rebinds)
        client = Client(addresses)
        target = target_of(f"http://shop.example:{receiver.port}/hook")
        answer = await client.post(
            target, b"POST /hook HTTP/1.1\r\nwebhook-id: 1\r\ncontent-length: 0\r\n\r\n"
        )
        client.close()
    assert (answer.status, asked) == (200, ["shop.example"])


@pytest.mark.parametrize(
    ("of", "days", "words"),
    [
        ("shop.example", 1, None),
        ("other.example", 1, "Hostname mismatch"),
        ("shop.example", -1, "certificate has expired"),
    ],
)
async def test_the_certificate_is_checked_against_the_name(
    shop: Shop, tmp_path: Path, of: str, days: int, words: str | None
) -> None:
    authority = Authority(tmp_path)
    services = resolving(shop, leads_to("127.0.0.1"))
    async with receiving(tls=authority.of(of, days=days)) as receiver:
        client = Client(services.addresses, authority.trusted())
        await endpoint(shop, receiver.url("shop.example"), services=services)
        await tell(shop)
        await send(shop, client, services=services)
        client.close()
    attempt = await the_try(shop)
    if words is None:
        assert attempt["error"] is None
    else:
        assert attempt["error"].startswith(f"Its certificate is not valid: {words}")
        assert receiver.got == []


async def test_a_certificate_of_nobody_known_is_refused(shop: Shop, tmp_path: Path) -> None:
    services = resolving(shop, leads_to("127.0.0.1"))
    async with receiving(tls=Authority(tmp_path).of("shop.example")) as receiver:
        await endpoint(shop, receiver.url("shop.example"), services=services)
        await tell(shop)
        await send(shop, services=services)
    assert "certificate" in (await the_try(shop))["error"]
    (row,) = await sent(shop)
    assert row["status"] == "pending"


@pytest.mark.parametrize(("environment", "fit"), [("development", True), ("production", False)])
async def test_this_machine_is_a_receiver_in_development_alone(
    environment: str, fit: bool, clock: ManualClock
) -> None:
    addresses = build_endpoints(make_settings(ENVIRONMENT=environment), clock).addresses
    asked = addresses.of(target_of("http://127.0.0.1:3000/hook"))
    if fit:
        assert await asked == ["127.0.0.1"]
    else:
        with pytest.raises(AddressRefused, match="this machine"):
            await asked
