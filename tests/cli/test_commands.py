"""The commands that work on a database, each a process of its own."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from subprocess import DEVNULL, CompletedProcess, Popen
from typing import Any
from uuid import uuid4

import pymongo
import pytest
from click.testing import CliRunner

from service.cli.main import cli
from service.jobs.operations.telling import called as about_called
from service.wiring import ALL_JOBS
from tests.cli.running import TILLGATE, clean_environment, tillgate
from tests.support.settings import VARIABLES


class Shop:
    """A directory and a database of its own."""

    def __init__(self, cwd: Path, uri: str) -> None:
        """Take a fresh name."""
        self._cwd = cwd
        name = f"cli_{uuid4().hex[:12]}"
        self._env = VARIABLES | {"MONGODB_URI": uri, "MONGODB_DATABASE": name}
        self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(uri)
        self.database = self._client[name]

    def set(self, **variables: str) -> None:
        """Set variables for the commands that follow."""
        self._env |= variables

    def run(self, *arguments: str) -> CompletedProcess[str]:
        """Run a command, whatever comes of it."""
        return tillgate(*arguments, cwd=self._cwd, env=self._env)

    def ok(self, *arguments: str) -> str:
        """Run a command that must succeed, and return what it printed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def begin(self, *arguments: str) -> Popen[bytes]:
        """Begin a command in a process of its own, which can be killed."""
        env = clean_environment(self._env)
        return Popen([TILLGATE, *arguments], cwd=self._cwd, env=env, stdout=DEVNULL, stderr=DEVNULL)

    def close(self) -> None:
        """Leave nothing behind."""
        self._client.drop_database(self.database)
        self._client.close()


@pytest.fixture(scope="module")
def indexed_shop(tmp_path_factory: pytest.TempPathFactory, mongo_uri: str) -> Iterator[Shop]:
    """A shop with its indexes."""
    shop = Shop(tmp_path_factory.mktemp("shop"), mongo_uri)
    shop.ok("indexes", "apply")
    yield shop
    shop.close()


@pytest.fixture
def shop(indexed_shop: Shop) -> Shop:
    """The shop, emptied."""
    for name in indexed_shop.database.list_collection_names():
        indexed_shop.database[name].delete_many({})
    return indexed_shop


def test_a_key_is_shown_once_and_works_until_it_is_revoked(shop: Shop) -> None:
    key = shop.ok("keys", "create", "secret", "--name", "ops", "--days", "3").strip()
    assert key.startswith("sk_")
    key_id, *told = shop.ok("keys", "list").strip().split("\t")
    assert told[:5] == ["secret", "ops", "default", "all", "usable"]
    assert key not in str(list(shop.database.api_keys.find()))
    shop.ok("keys", "revoke", key_id)
    assert "\trevoked\t" in shop.ok("keys", "list")
    assert shop.run("keys", "revoke", key_id).returncode == 1
    acts = [entry["action"] for entry in shop.database.audit_log.find()]
    assert acts == ["key.created", "key.revoked"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--merchant", ""), "takes 1 to 40 letters"),
        (("--merchant", "\x1b[31mred"), "takes 1 to 40 letters"),
        (("--merchant", "a b"), "takes 1 to 40 letters"),
        (("--scopes", "sessions:rule"), "is no scope; there are sessions:read"),
        (("--scopes", ""), "'' is no scope"),
    ],
)
def test_a_key_that_nobody_could_have_is_not_created(options: tuple[str, str], says: str) -> None:
    told = CliRunner().invoke(cli, ["keys", "create", "secret", *options])
    assert told.exit_code == 2
    assert says in " ".join(told.stderr.replace("│", "").split())
    assert "\x1b[31mred" not in told.stderr


def test_a_key_that_can_not_be_made_or_ended_says_why_in_whole_sentences(shop: Shop) -> None:
    told = shop.run("keys", "create", "publishable", "--scopes", "jobs:run").stderr
    assert told.splitlines() == [
        "error The scopes can't be used.",
        "  scopes of this publishable key of merchant default must be some of: "
        "intents:write, sessions:read, sessions:write",
    ]
    assert shop.run("keys", "revoke", "nope").stderr.splitlines() == [
        "error The keyId can't be used.",
        "  keyId takes 12 hex digits, as the list of keys shows them",
    ]
    # Of a message that goes on, the beginning; of one that is a sentence, no second full stop.
    assert shop.run("prices", "set", "premium", "29.99", "USD").stderr.splitlines() == [
        "error The amount can't be used.",
        "  amount must be a whole number of minor units, or use --major",
    ]


def test_prices_are_set_listed_and_removed_on_the_record(shop: Shop) -> None:
    shop.ok("prices", "set", "premium", "2999", "usd", "--title", "Premium", "--trial-days", "7")
    shop.ok("prices", "set", "premium", "49.50", "INR", "--major")
    shop.ok("prices", "set", "concert", "900", "USD", "--pass", "vip", "--max-quantity", "4")
    assert shop.ok("prices", "list").splitlines() == [
        "concert\t900\tUSD\t9.00 USD\t-\t-\tvip\t4\t-\t-",
        "premium\t4950\tINR\t49.50 INR\t-\t-\t-\t-\t-\t-",
        "premium\t2999\tUSD\t29.99 USD\tPremium\t7\t-\t-\t-\t-",
    ]
    assert shop.run("prices", "remove", "concert", "USD").returncode == 1
    shop.ok("prices", "remove", "concert", "USD", "--pass", "vip")
    shop.ok("prices", "remove", "premium", "INR")
    assert shop.run("prices", "remove", "premium", "INR").returncode == 1
    shop.ok("prices", "coupon", "QUARTER", "--percent", "25")
    assert "QUARTER\t25 %" in shop.ok("prices", "list")
    actors = {entry["actor"] for entry in shop.database.audit_log.find()}
    (actor,) = actors
    assert actor.startswith("admin:cli:")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("x", "29.99", "USD"), "whole number of minor units, or use --major"),
        (("x", "29.999", "USD", "--major"), "at most 2 decimals"),
        (("x", "1", "ISK", "--major"), "providers count ISK with different decimals"),
        (("x", "1", "XYZ"), "currency is not a currency of ISO 4217"),
        (("x", "0", "USD"), "amount must be from 1"),
        (("x\n", "1", "USD"), "item must be 1 to 100 printable characters"),
        (("x", "1", "USD", "--trial-days", "0"), "trialDays must be from 1"),
    ],
)
def test_a_price_that_cant_be_used_is_told(arguments: tuple[str, ...], says: str) -> None:
    told = CliRunner().invoke(cli, ["prices", "set", *arguments])
    assert told.exit_code == 1
    assert told.stderr.startswith("error ")
    assert says in told.stderr
    assert told.stdout == ""


@pytest.mark.parametrize("options", [(), ("--percent", "5", "--amount", "5", "--currency", "USD")])
def test_a_coupon_takes_off_a_part_or_an_amount(shop: Shop, options: tuple[str, ...]) -> None:
    told = shop.run("prices", "coupon", "X", *options)
    assert told.returncode == 1
    assert "or amount with currency is required, not both" in told.stderr


@pytest.mark.parametrize("percent", ["0", "100.01", "0.001", "NaN", "many"])
def test_a_coupon_takes_off_a_real_percentage(percent: str) -> None:
    told = CliRunner().invoke(cli, ["prices", "coupon", "X", "--percent", percent])
    assert told.exit_code == 1
    assert "percent must be more than 0" in told.stderr


def test_indexes_are_shown_and_what_differs_is_left_alone(shop: Shop) -> None:
    sessions = shop.database.sessions
    sessions.drop_index("checkout_ids")
    sessions.drop_index("merchant_writtenAt")
    sessions.create_index([("updatedAt", -1)], name="merchant_writtenAt")
    sessions.create_index("mine", name="mine")
    shown = shop.run("indexes", "show")
    assert "sessions\tcheckout_ids\tmissing" in shown.stdout
    assert "sessions\tmerchant_writtenAt\tdiffers" in shown.stdout
    assert "sessions.mine unknown" in shown.stderr
    assert "checkout_ids" not in sessions.index_information()
    applied = shop.run("indexes", "apply")
    assert applied.returncode == 0
    assert "warning sessions.merchant_writtenAt differs" in applied.stderr
    assert {"checkout_ids", "mine"} <= set(sessions.index_information())


def test_every_job_is_listed_and_can_be_run_paused_and_resumed(shop: Shop) -> None:
    listed = shop.ok("jobs", "list").splitlines()
    assert [line.split("\t")[0] for line in listed] == [about.name for about in ALL_JOBS]
    called = [line.split("\t")[2] for line in listed]
    assert called == [about_called(about) for about in ALL_JOBS]
    assert called[:2] == ["every 5 min", "by hand"]
    assert "cleanup: Nobody has called it yet" in shop.run("jobs", "list").stderr
    assert "dry run\tTrue" in shop.ok("jobs", "run", "cleanup", "--dry-run")
    assert shop.database.leases.count_documents({}) == 0
    assert "skipped\tFalse" in shop.ok("jobs", "run", "cleanup")
    assert shop.database.leases.count_documents({}) == 1
    [ran] = shop.ok("jobs", "runs", "cleanup").splitlines()
    assert ran.split("\t")[2:5] == ["done", shop.database.job_runs.find_one()["by"], "nothing"]
    assert "is paused" in shop.run("jobs", "pause", "cleanup").stderr
    assert "paused already" in shop.run("jobs", "pause", "cleanup").stderr
    assert "tillgate jobs resume cleanup" in shop.run("jobs", "run", "cleanup").stderr
    assert "\tpaused\t" in shop.ok("jobs", "list").splitlines()[0]
    assert "nobody runs it until it is resumed" in shop.run("jobs", "list").stderr
    assert "runs again" in shop.run("jobs", "resume", "cleanup").stderr
    assert "skipped\tFalse" in shop.ok("jobs", "run", "cleanup")


def test_events_are_listed_shown_and_replayed(shop: Shop) -> None:
    shop.ok("jobs", "run", "events")
    event_id = "stripe:default:test:evt_1"
    payload = json.dumps(
        {
            "id": "evt_1",
            "object": "event",
            "type": "customer.created",
            "created": 1791000000,
            "livemode": False,
            "data": {"object": {"id": "cus_1", "object": "customer"}},
        }
    )
    now = datetime.now(UTC)
    shop.database.webhook_events.insert_one(
        {
            "_id": event_id,
            "merchantId": "default",
            "provider": "stripe",
            "account": "default",
            "live": False,
            "eventId": "evt_1",
            "type": "customer.created",
            "status": "ignored",
            "payload": payload.encode(),
            "occurredAt": now,
            "receivedAt": now,
        }
    )
    assert event_id in shop.ok("events", "list", "--status", "ignored", "--provider", "stripe")
    assert shop.ok("events", "list", "--status", "parked") == ""
    shown = json.loads(shop.ok("events", "show", event_id))
    assert shown["payload"]["data"]["object"]["id"] == "cus_1"
    assert shop.ok("events", "replay", event_id).strip() == "ignored"
    assert shop.database.audit_log.count_documents({"action": "event.replayed"}) == 1
    assert shop.run("events", "show", "nothing").returncode == 1
    assert "0 events were tried" in shop.run("events", "retry").stderr


def test_an_import_lists_bad_rows_and_ends_with_1(shop: Shop) -> None:
    good = {"sessionId": "a", "userId": "u", "amount": 10.5, "paymentMethod": "upi"}
    shop.database.Old.insert_many([good, good | {"_id": 2, "sessionId": "b", "amount": "x"}])
    wanted = ("--from", "Old", "--currency", "inr", "--unit", "major")
    dry = shop.run("import", "sessions", *wanted, "--dry-run")
    assert "1 would be brought in" in dry.stderr
    assert shop.database.sessions.count_documents({}) == 0
    told = shop.run("import", "sessions", *wanted)
    assert told.returncode == 1
    assert told.stdout == "b\t'x' is not a number\n"
    assert "2 rows read: 1 brought in, 0 there already, 1 left out." in told.stderr
    (session,) = shop.database.sessions.find()
    assert (session["sessionId"], session["amount"]) == ("a", 1050)
    shop.database.Old.delete_one({"_id": 2})
    assert "1 there already" in shop.run("import", "sessions", *wanted).stderr


def test_an_import_reads_another_server_too(shop: Shop, mongo_uri: str) -> None:
    row = {"sessionId": "a", "userId": "u", "amount": 1, "paymentMethod": "upi"}
    shop.database.Old.insert_one(row)
    shop.ok(
        *("import", "sessions", "--from", "Old", "--currency", "INR", "--unit", "minor"),
        *("--source-uri", mongo_uri, "--source-database", shop.database.name),
    )
    assert shop.database.sessions.count_documents({"amount": 1}) == 1


def test_an_import_reads_a_file_or_a_collection_and_not_both(shop: Shop, tmp_path: Path) -> None:
    row = {"sessionId": "a", "userId": "u", "amount": 10.5, "paymentMethod": "upi"}
    rows = tmp_path / "rows.json"
    rows.write_text(json.dumps(row) + "\n{cut\n")
    wanted = ("import", "sessions", "--file", str(rows), "--currency", "INR", "--unit", "major")
    told = shop.run(*wanted)
    assert (told.returncode, told.stdout.split("\t")[0]) == (1, "line 2")
    assert shop.database.sessions.count_documents({"amount": 1050}) == 1
    both = shop.run(*wanted, "--from", "Old")
    assert "leave those options out" in both.stderr
    neither = shop.run("import", "sessions", "--currency", "INR", "--unit", "major")
    assert "name a collection, or a file with --file" in neither.stderr
    assert both.returncode == neither.returncode == 1


def test_an_import_never_reads_what_it_writes(shop: Shop) -> None:
    wanted = ("--from", "sessions", "--currency", "INR", "--unit", "minor")
    told = shop.run("import", "sessions", *wanted)
    assert told.returncode == 1
    assert "rename the old collection first" in told.stderr
