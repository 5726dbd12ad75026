"""Every command that changes something leaves an entry: a new one without it fails here."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pymongo
import pytest

from service.cli.main import COMMANDS
from tests.cli.running import clean_environment
from tests.support.patience import IN_TIME
from tests.support.settings import VARIABLES

EVENT = "stripe:default:test:evt_1"
DELIVERY = "session.completed:x:mail"
BACKFILL = "events backfill --type customer.created --since 2026-01-01"
IMPORT = "import sessions --from Old --currency INR --unit minor"

# In this order: command -> the calls of it, and what each must leave.
ACTS: dict[str, list[tuple[str, list[str]]]] = {
    "migrate": [("migrate --again", ["database.migrated"])],
    "indexes apply": [("indexes apply", ["indexes.applied"])],
    "merchants add": [("merchants add shop-2 --zone Asia/Kolkata", ["merchant.added"])],
    "merchants set": [("merchants set shop-2 --currency INR", ["merchant.changed"])],
    "merchants suspend": [("merchants suspend shop-2 --reason asked", ["merchant.suspended"])],
    "merchants resume": [("merchants resume shop-2", ["merchant.resumed"])],
    "keys create": [("keys create admin --merchant shop-2", ["key.created"])],
    "keys revoke": [("keys revoke KEY", ["key.revoked"])],
    "prices set": [("prices set x 100 USD", ["price.set"])],
    "prices remove": [("prices remove x USD", ["price.removed"])],
    "prices coupon": [
        ("prices coupon A --percent 5", ["coupon.set"]),
        ("prices coupon A --remove", ["coupon.removed"]),
    ],
    "jobs run": [("jobs run cleanup", ["job.ran"]), ("jobs run cleanup --dry-run", [])],
    "jobs pause": [("jobs pause cleanup", ["job.paused"]), ("jobs pause cleanup", [])],
    "jobs resume": [("jobs resume cleanup", ["job.resumed"]), ("jobs resume cleanup", [])],
    "figures refresh": [("figures refresh", ["job.ran"])],
    "figures rebuild": [
        ("figures rebuild --from 2026-01-01 --to 2026-02-01", ["figures.rebuilt", "job.ran"])
    ],
    "reports close": [("reports close", ["job.ran"]), ("reports close --dry-run", [])],
    "figures cache": [("figures cache clear", ["figures.cache_cleared"])],
    "outbox redeliver": [(f"outbox redeliver {DELIVERY}", ["delivery.redelivered"])],
    "alerts check": [("alerts check", ["job.ran"])],
    "alerts close": [("alerts close al_1 --reason known", ["alert.closed"])],
    "endpoints add": [("endpoints add http://127.0.0.1:9/hook", ["endpoint.added"])],
    "endpoints test": [("endpoints test ENDPOINT", ["endpoint.tested"])],
    "endpoints rotate": [("endpoints rotate ENDPOINT", ["endpoint.secret_rotated"])],
    "endpoints resend": [
        ("endpoints resend ENDPOINT --since 2026-01-01T00:00:00Z", ["endpoint.resent"])
    ],
    "endpoints set": [("endpoints set ENDPOINT --disable", ["endpoint.changed"])],
    "endpoints remove": [("endpoints remove ENDPOINT", ["endpoint.removed"])],
    "events replay": [(f"events replay {EVENT}", ["event.replayed"])],
    "events retry": [("events retry", ["events.retried"])],
    "events backfill": [
        (BACKFILL, ["backfill.began", "backfill.ended"]),
        (f"{BACKFILL} --dry-run", []),
    ],
    "intents cleanup": [
        ("intents cleanup --days 30", []),
        ("intents cleanup --days 30 --live", ["intents.cleaned"]),
    ],
    "recovery set": [("recovery set --held-out 5", ["recovery.policy_set"])],
    "recovery pause": [("recovery pause", ["recovery.paused"]), ("recovery pause", [])],
    "recovery resume": [("recovery resume", ["recovery.resumed"]), ("recovery resume", [])],
    "import sessions": [(IMPORT, ["import.began", "import.ended"]), (f"{IMPORT} --dry-run", [])],
}

# What they decide needs a session with money in doubt: test_reviews.py looks for their entries.
DECIDED = {f"reviews {one}" for one in ("accept", "reject", "reject-and-refund", "same-money")}
# It needs a mail server: test_mail.py looks for its entry.
MAILED = {"mail send-test"}
# It needs a session that was left: tests/recovery/test_by_hand.py looks for its entry.
MAILED |= {"recovery send"}
CHANGE_NOTHING = {
    "figures status",
    *("reports list", "reports month", "reports week", "reports verify"),
    *("doctor", "keys list", "prices list", "jobs list", "indexes show"),
    *("jobs runs", "jobs manifests"),
    "ledger check",
    *("outbox list", "alerts list", "mail list", "mail preview"),
    *("endpoints list", "endpoints sent"),
    *("recovery policy", "recovery list", "recovery preview", "recovery lift"),
    *("intents watch", "intents health", "intents stats", "intents export"),
    *("events list", "events show", "events rejected", "reviews list", "reviews show"),
    *("sessions list", "sessions show", "sessions timeline", "payments list", "payments show"),
    *("merchants list", "merchants show"),
    "listen",  # prints events; the key that it names is asked by the route
    "serve",  # serves; what it is asked to do is traced by its routes
    "dev",  # for development; the demo prices that it sets are on the record as any other
    "events send",  # posts a webhook as a provider, to a development server
    "sandbox storm",  # buys and posts webhooks at a development server
}

# All commands in one process: a start of Python for each would cost more than the rest.
PROGRAM = """
import json, os, sys
import pymongo
from click.testing import CliRunner
from service.cli.main import cli

database = pymongo.MongoClient(os.environ["MONGODB_URI"])[os.environ["MONGODB_DATABASE"]]
seen, told = set(), []
for line in json.loads(sys.argv[1]):
    if "KEY" in line:
        line = line.replace("KEY", database.api_keys.find_one()["_id"][:12])
    if "ENDPOINT" in line:
        line = line.replace("ENDPOINT", database.webhook_endpoints.find_one()["_id"])
    done = CliRunner().invoke(cli, line.split())
    assert done.exit_code == 0, (line, done.output)
    rows = [row for row in database.audit_log.find().sort("_id", 1) if row["_id"] not in seen]
    seen |= {row["_id"] for row in rows}
    told.append([[row["action"], row["actor"], row["merchantId"], row["object"]] for row in rows])
print(json.dumps(told))
"""


def all_commands() -> Iterator[str]:
    """Return the words of each command."""
    for name, lazy in COMMANDS.items():
        command = lazy.load()
        if isinstance(command, click.Group):
            yield from (f"{name} {one}" for one in command.list_commands(click.Context(command)))
        else:
            yield name


def test_every_command_is_in_one_of_the_tables() -> None:
    assert set(all_commands()) == set(ACTS) | CHANGE_NOTHING | DECIDED | MAILED
    assert not set(ACTS) & CHANGE_NOTHING


@pytest.fixture
def old_stack(mongo_uri: str) -> Iterator[Any]:
    """A database with an event, and with a session of an older stack."""
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(mongo_uri)
    database = client["every_act"]
    now = datetime.now(UTC)
    payload = {"id": "evt_1", "object": "event", "type": "customer.created", "livemode": False}
    payload |= {"created": 1791000000, "data": {"object": {"id": "cus_1", "object": "customer"}}}
    database["webhook_events"].insert_one(
        {"_id": EVENT, "merchantId": "default", "provider": "stripe", "account": "default"}
        | {"live": False, "eventId": "evt_1", "type": "customer.created", "status": "ignored"}
        | {"payload": json.dumps(payload).encode(), "occurredAt": now, "receivedAt": now}
    )
    database["outbox"].insert_one({"_id": "session.completed:x", "purgeAt": now})
    times = dict.fromkeys(("createdAt", "nextAttemptAt", "giveUpAt", "purgeAt"), now)
    about = {"messageId": "session.completed:x", "subscriber": "mail", "lane": "mail:"}
    about |= {"topic": "session.completed", "merchantId": "default", "sessionId": "x"}
    database["deliveries"].insert_one(
        times | about | {"_id": DELIVERY, "status": "dead", "attempts": 9}
    )
    times = dict.fromkeys(("openedAt", "lastSeenAt", "notifiedAt"), now)
    database["alerts"].insert_one(
        {"_id": "al_1", "rule": "lamp", "merchantId": "default", "subject": "", "status": "open"}
        | {"what": "Dark.", **times}
    )
    database["payment_intents"].insert_one(
        {"_id": "intent_1", "merchantId": "default", "createdAt": now - timedelta(days=31)}
    )
    row = {"sessionId": "a", "userId": "u", "amount": 10, "paymentMethod": "upi"}
    database["Old"].insert_one(row)
    yield database
    client.drop_database(database)
    client.close()


def test_every_act_on_the_command_line_leaves_an_entry_with_who_ran_it(
    old_stack: Any, mongo_uri: str, tmp_path: Path
) -> None:
    """A key's end stands in the trail of the merchant that it belonged to."""
    calls = [call for calls in ACTS.values() for call in calls]
    variables = {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": old_stack.name}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps([line for line, _ in calls])],
        cwd=tmp_path,
        env=clean_environment(VARIABLES | variables),
        capture_output=True,
        text=True,
        timeout=IN_TIME,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout.splitlines()[-1])
    for (line, wanted), rows in zip(calls, told, strict=True):
        assert sorted({row[0] for row in rows}) == sorted(wanted), line
        assert all(row[1].startswith("admin:cli:") for row in rows), line
    by_action = {row[0]: row for rows in told for row in rows}
    for action in ("merchant.added", "merchant.suspended", "key.created", "key.revoked"):
        assert by_action[action][2] == "shop-2"
    assert by_action["key.created"][3] == by_action["key.revoked"][3]
    assert by_action["import.ended"][3] == "collection:Old"
