"""UPI: the link that an app opens, and everything that it can't do."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from service.core.errors import ProviderFailed
from service.providers.base import CheckoutRequest
from service.providers.upi.adapter import UpiProvider
from service.providers.upi.link import payment_link
from service.providers.upi.settings import UpiSettings
from tests.providers.upi.case import CASE

REQUEST = CheckoutRequest(
    session_id="ps_1",
    merchant_id="default",
    attempt_id="ps_1-2",
    idempotency_key="ps_1:2",
    kind="payment",
    mode="payment",
    amount=149900,
    currency="INR",
    quantity=1,
    description="Two passes & a drink",
    expires_at=datetime(2026, 11, 21, 12, 30, tzinfo=UTC),
    success_url="https://shop.example/done",
    cancel_url="https://shop.example/cancel",
)


async def test_a_checkout_is_a_link_and_its_code() -> None:
    opened = await CASE.provider.open_checkout(REQUEST)
    assert opened.url == (
        "upi://pay?pa=sample.shop@okbank&pn=Sample%20%26%20S%C3%B6hne&am=1499.00&cu=INR"
        "&tr=ps_1-2&tn=Two%20passes%20%26%20a%20drink"
    )
    assert opened.ref == "ps_1-2"
    assert (opened.amount, opened.currency) == (149900, "INR")
    assert opened.expires_at == REQUEST.expires_at
    assert opened.qr_code == segno.make_qr(opened.url).svg_data_uri(scale=4, light="white")
    assert unquote(opened.qr_code).startswith("data:image/svg+xml")
    assert "fill='#fff'" in unquote(opened.qr_code), "on a dark page it is scanned, too"


@given(
    amount=st.integers(1, 10**12),
    name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    note=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50),
)
def test_a_link_reads_back_as_it_was_meant(amount: int, name: str, note: str) -> None:
    link = payment_link(
        payee_address="a.b-c@bank", payee_name=name, amount=amount, reference="ps_1", note=note
    )
    assert link.isascii()
    fields = parse_qs(urlsplit(link).query, strict_parsing=True)
    assert {key: values for key, values in fields.items() if len(values) != 1} == {}
    assert fields["pn"] == [name]
    assert fields["tn"] == [note]
    rupees, _, paise = fields["am"][0].partition(".")
    assert len(paise) == 2
    assert int(rupees) * 100 + int(paise) == amount


def test_a_long_reference_keeps_the_end_that_tells_attempts_apart() -> None:
    links = {
        payment_link(
            payee_address="a@bank", payee_name="A", amount=1, reference=reference, note="n" * 80
        )
        for reference in ("x" * 36, f"{'x' * 36}-2", f"{'x' * 36}-13")
    }
    fields = [parse_qs(urlsplit(link).query) for link in links]
    assert len({field["tr"][0] for field in fields}) == 3
    assert {len(field["tr"][0]) for field in fields} == {35}
    assert {len(field["tn"][0]) for field in fields} == {50}


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"currency": "USD"}, "INR only"), ({"mode": "subscription"}, "single payments")],
)
async def test_what_upi_can_not_do_is_refused(changes: dict[str, str], message: str) -> None:
    with pytest.raises(ProviderFailed, match=message):
        await CASE.provider.open_checkout(replace(REQUEST, **changes))  # type: ignore[arg-type]


async def test_without_a_payee_it_tells_which_variable_to_set() -> None:
    provider = UpiProvider(UpiSettings.model_validate({}))
    with pytest.raises(ProviderFailed, match="set UPI_PAYEE_ADDRESS"):
        await provider.open_checkout(REQUEST)


async def test_a_payee_without_a_name_is_called_by_its_address() -> None:
    provider = UpiProvider(UpiSettings.model_validate({"UPI_PAYEE_ADDRESS": "a@bank"}))
    opened = await provider.open_checkout(REQUEST)
    assert opened.url is not None
    assert "pn=a@bank" in opened.url
