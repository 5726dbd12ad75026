"""Whose address counts, whatever X-Forwarded-For claims."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.errors import Misconfigured
from service.web.limits.addresses import NO_ADDRESS, Addresses, network_of

PROXIES = ("10.0.0.0/8", "2001:db8::/32", "192.0.2.7")


def scope(peer: str | None, *forwarded: bytes) -> Any:
    """A request of a peer with headers X-Forwarded-For."""
    return {
        "client": (peer, 1) if peer else None,
        "headers": [(b"x-forwarded-for", value) for value in forwarded],
    }


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("198.51.100.1", [], "198.51.100.1"),
        ("198.51.100.1", [b"1.1.1.1"], "198.51.100.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [b"203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", [b"1.1.1.1, 203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", [b"1.1.1.1, 203.0.113.5, 10.9.9.9"], "203.0.113.5"),
        ("10.0.0.1", [b"1.1.1.1", b"203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", [b"1.1.1.1, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [b"1.1.1.1, nonsense, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [b"10.0.0.2, 10.0.0.3"], "10.0.0.2"),
        ("10.0.0.1", [b"203.0.113.5:4711"], "203.0.113.5"),
        ("10.0.0.1", [b"[2001:db9::1]:80"], "2001:db9::1"),
        ("::ffff:10.0.0.1", [b"::ffff:203.0.113.5"], "203.0.113.5"),
        ("2001:db8::1", [b"203.0.113.5"], "203.0.113.5"),
        ("192.0.2.7", [b"203.0.113.5"], "203.0.113.5"),
        ("192.0.2.8", [b"203.0.113.5"], "192.0.2.8"),
        (None, [b"203.0.113.5"], NO_ADDRESS),
    ],
)
def test_only_trusted_proxies_name_the_client(
    peer: str | None, forwarded: list[bytes], expected: str
) -> None:
    assert Addresses(PROXIES).of(scope(peer, *forwarded)) == expected


def test_without_trusted_proxies_the_header_is_ignored() -> None:
    assert Addresses(()).of(scope("10.0.0.1", b"203.0.113.5")) == "10.0.0.1"


@given(forged=st.binary(max_size=60), real=st.ip_addresses())
def test_what_a_stranger_writes_never_counts(forged: bytes, real: Any) -> None:
    expected = Addresses(PROXIES).of(scope("10.0.0.1", str(real).encode()))
    forwarded = forged + b"," + str(real).encode()
    found = Addresses(PROXIES).of(scope("10.0.0.1", forwarded))
    assert found == expected or Addresses(PROXIES)._is_trusted(real)


@pytest.mark.parametrize("entry", ["proxy.example", "10.0.0.0/40", ""])
def test_a_proxy_that_is_no_address_is_refused(entry: str) -> None:
    with pytest.raises(Misconfigured, match="TRUSTED_PROXIES"):
        Addresses((entry,))


def test_an_ipv6_customer_is_counted_by_network() -> None:
    assert network_of("2001:db9::1") == network_of("2001:db9::ffff:1") == "2001:db9::/64"
    assert network_of("203.0.113.5") == "203.0.113.5"
    assert network_of(NO_ADDRESS) == NO_ADDRESS
