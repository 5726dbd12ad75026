"""A file of payments beside a bare cursor that writes the same CSV, and what memory it takes."""

import csv
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import httpx
import pymongo
from bson import ObjectId

from bench.database import Mongod, make_empty
from bench.machine import cpu_seconds, resident_mb
from bench.scenarios.hot_routes import Told
from bench.servers import ADMIN_KEY, TILLGATE, headers, serving
from service.analytics.operations.exporting import COLUMNS
from service.payments.payments.documents import Payment
from service.payments.payments.states import PaymentStatus

ROWS = 500_000
_DATABASE = "bench_exports"
_BATCH = 5_000
_READ = (
    *("provider", "providerPaymentId", "sessionId", "userId", "planId", "planName", "amount"),
    *("currency", "status", "statusAt", "createdAt", "refunded", "paymentMethod"),
    *("failureCode", "details.fee", "details.country"),
)
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def measure_exports(mongod: Mongod, tell: Told, *, rounds: int, rows: int) -> list[dict[str, Any]]:
    """Write the same file by both, in turn."""
    tell(f"exports: loading {rows:,} payments")
    make_empty(mongod.uri, _DATABASE)
    _seed(mongod.uri, rows)
    runs: list[dict[str, Any]] = []
    with serving(TILLGATE, mongod.uri, _DATABASE) as (port, pid):
        for _ in _download(port, {"endDate": "2025-12-31"}):
            pass  # what is loaded with the first file, is
        for number in range(rounds):
            ours, bare = _ours(port, pid), _bare(mongod.uri)
            assert ours["lines"] == bare["lines"] == rows + 1
            ratio = bare["seconds"] / ours["seconds"]
            tell(
                f"exports: round {number + 1}: {rows / ours['seconds']:,.0f} rows/s, {ratio:.2f} x "
                f"the bare cursor, processor {bare['cpu'] / ours['cpu']:.2f} x, "
                f"{ours['grown_mb']:.0f} MB more"
            )
            runs.append({"rows": rows, "round": number, "ours": ours, "bare": bare})
    return runs


def _ours(port: int, pid: int) -> dict[str, Any]:
    before, cpu, began = resident_mb(pid), cpu_seconds(pid), time.perf_counter()
    lines, most = 0, before
    for chunk in _download(port):
        lines += chunk.count(b"\r\n")
        most = max(most, resident_mb(pid))
    seconds = time.perf_counter() - began
    used = cpu_seconds(pid) - cpu
    return {"seconds": seconds, "cpu": used, "lines": lines, "grown_mb": most - before}


def _download(port: int, more: Mapping[str, str] = MappingProxyType({})) -> Iterator[bytes]:
    """Yield a file as it comes, a megabyte at a time."""
    url = f"http://127.0.0.1:{port}/api/v1/analytics/exports/transactions"
    params = {"startDate": "2025-06-01", "endDate": "2027-12-31", **more}
    with httpx.stream(
        "GET", url, params=params, headers=headers(ADMIN_KEY), timeout=120, trust_env=False
    ) as answer:
        answer.raise_for_status()
        yield from answer.iter_bytes(1024 * 1024)


def _bare(uri: str) -> dict[str, Any]:
    """Write what a cursor finds with `csv`, and nothing else."""
    began, cpu = time.perf_counter(), time.process_time()
    with (
        pymongo.MongoClient[dict[str, Any]](uri) as client,
        tempfile.TemporaryFile("w+", newline="") as file,
    ):
        table = csv.writer(file)
        table.writerow(COLUMNS)
        found = client[_DATABASE].payments.find(
            {"merchantId": "default", "status": {"$in": [*PaymentStatus]}},
            dict.fromkeys(_READ, 1),
            hint="merchant_status_createdAt_id",
        )
        table.writerows(_cells(row) for row in found.sort([("createdAt", -1), ("_id", -1)]))
        file.flush()
        seconds, used = time.perf_counter() - began, time.process_time() - cpu
        file.seek(0)
        return {"seconds": seconds, "cpu": used, "lines": sum(1 for _ in file)}


def _cells(row: dict[str, Any]) -> tuple[object, ...]:
    details = row["details"]
    return (
        row["_id"],
        row["amount"],
        row["currency"],
        row["status"],
        row["planName"] or row["planId"],
        row["provider"],
        row["providerPaymentId"],
        row["paymentMethod"],
        row["sessionId"],
        row["userId"],
        details.get("country"),
        row["refunded"],
        details.get("fee"),
        row["failureCode"],
        row["createdAt"].isoformat(),
        row["statusAt"].isoformat(),
    )


def _seed(uri: str, count: int) -> None:
    with pymongo.MongoClient[dict[str, Any]](uri, w="majority") as client:
        payments = client[_DATABASE].payments
        for begin in range(0, count, _BATCH):
            numbers = range(begin, min(begin + _BATCH, count))
            payments.insert_many([_payment(number) for number in numbers], ordered=False)
        client.admin.command("fsync")


def _payment(number: int) -> dict[str, Any]:
    at = _FIRST + timedelta(seconds=number)
    return {
        **_LIKE_ALL,
        "_id": ObjectId(),
        "providerPaymentId": f"pi_{number:024x}",
        "sessionId": f"ps_{number:022x}",
        "userId": f"user-{number % 50_000}",
        "amount": 100 + number % 9_900,
        **dict.fromkeys(("createdAt", "updatedAt", "statusAt", "firstAt"), at),
    }


_LIKE_ALL = Payment.new_row(
    {
        "merchantId": "default",
        "provider": "stripe",
        "account": "default",
        "providerPaymentId": "",
        "planId": "gold",
        "planName": "Gold, yearly",
        "amount": 0,
        "currency": "USD",
        "status": "succeeded",
        "paymentMethod": "card",
        "details": {"fee": 59, "feeCurrency": "USD", "country": "DE"},
        "metadata": {},
        **dict.fromkeys(("createdAt", "updatedAt", "statusAt"), _FIRST),
    }
)
