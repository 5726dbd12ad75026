"""Leads as the service keeps them, and a bare cursor that writes them as the same table.

`python -m bench.leads URI DATABASE FILE` is that cursor; `bench/scenarios/leads.py` runs it.
"""

import csv
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymongo

from service.intents.documents import PaymentIntent

COLLECTION = PaymentIntent.Settings.name
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36"
_BATCH = 5_000
COLUMNS = (
    *("planName", "amount", "amountMinor", "currency", "userEmail", "userAgent", "feedback"),
    *("sessionId", "mailConsent", "consentText", "locale", "timeZone"),
)
_SHOWN = dict.fromkeys((*COLUMNS, "timestamp", "createdAt", "ipAddress", "client", "followedBy"), 1)


def put(uri: str, database: str, count: int) -> None:
    """Put leads of the last ten days into a database, as the service makes them."""
    with pymongo.MongoClient[dict[str, Any]](uri, w="majority") as client:
        rows: list[dict[str, Any]] = []
        for row in _rows(count):
            rows.append(row)
            if len(rows) == _BATCH:
                client[database][COLLECTION].insert_many(rows, ordered=False)
                rows = []
        if rows:
            client[database][COLLECTION].insert_many(rows, ordered=False)
        client.admin.command("fsync")


def _rows(count: int) -> Iterator[dict[str, Any]]:
    now = datetime.now(UTC)
    one = PaymentIntent(
        id="",
        merchant_id="default",
        plan_name="",
        amount="29.99",
        amount_minor=2999,
        currency="USD",
        user_agent=_AGENT,
        client="k0.cLmh_UbTV82KW-zJ9Hr0C1",
        feedback="Interested in premium features",
        session_id="",
        mail_consent=True,
        locale="en-IN",
        time_zone="Asia/Kolkata",
        created_at=now,
        purge_at=now + timedelta(days=365),
    ).to_row()
    for number in range(count):
        yield {
            **one,
            "_id": f"intent_{number:022d}",
            "planName": f"Plan {number % 20}",
            "userEmail": f"user-{number}@example.com",
            "sessionId": f"journey_{number // 2}",
            "createdAt": now - timedelta(days=10) * (number / count),
        }


def write_bare(uri: str, database: str, path: Path) -> int:
    """Write all leads as a table, newest first, with nothing between the driver and the file."""
    options: dict[str, Any] = {"readConcernLevel": "majority"}
    with (
        pymongo.MongoClient[dict[str, Any]](uri, **options) as client,
        path.open("w", newline="") as file,
    ):
        found = client[database][COLLECTION].find({"merchantId": "default"}, _SHOWN)
        found = found.sort([("createdAt", -1), ("_id", -1)])
        out, count = csv.writer(file, lineterminator="\r\n"), 0
        out.writerow(["id", "timestamp", "createdAt", *COLUMNS, "ipAddress", "followedBy"])
        for row in found:
            count += 1
            made = f"{row['createdAt'].isoformat(timespec='milliseconds')}Z"
            consent = row["mailConsent"]
            row["mailConsent"] = None if consent is None else int(consent)
            values = [row[name] for name in COLUMNS]
            ends = (row["ipAddress"] or row["client"], " ".join(row["followedBy"]))
            out.writerow([row["_id"], made, made, *values, *ends])
    return count


if __name__ == "__main__":
    began, used = time.monotonic(), time.process_time()
    rows = write_bare(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
    spent = {"seconds": time.monotonic() - began, "cpu_s": time.process_time() - used}
    sys.stdout.write(json.dumps({"rows": rows} | spent) + "\n")
