"""What the guides show: commands are run, lists and drawings are compared with the code."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import kubernetes_validate
import msgspec
import pymongo
import pytest
import yaml

from service.core.clock import ManualClock
from service.notifications.events.operations import Event, encoded
from service.providers.phonepe.translate import ORDER_EVENTS, REFUND_EVENTS
from service.providers.razorpay.translate import _FACTS
from service.providers.stripe.translate import EVENT_TYPES
from service.storage.database import Database
from service.stored import DOCUMENTS
from tests.cli.running import tillgate
from tests.docs.blocks import ROOT, block, blocks_of, commands, every_block
from tests.support.api import SECRET
from tests.support.receivers import pay, service
from tests.support.settings import VARIABLES

_MOVING = "docs/moving.md"
_SECOND = {"sessionId": "T_2"}


@pytest.fixture(scope="module")
def place(mongo_uri: str) -> Iterator[dict[str, str]]:
    """The variables of a database of its own, which has its indexes."""
    name = f"guide_{uuid4().hex[:12]}"
    env = VARIABLES | {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": name}
    assert tillgate("indexes", "apply", cwd=ROOT, env=env).returncode == 0
    yield env
    with pymongo.MongoClient[dict[str, Any]](mongo_uri) as client:
        client.drop_database(name)


def _run(command: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command of ours as a page has it."""
    program, *words = [word.strip("\"'") for word in command.split()]
    assert program == "tillgate"
    given = [env.get(word.removeprefix("$"), word) for word in words]
    return tillgate(*given, cwd=cwd, env=env)


@pytest.mark.parametrize(
    ("opening", "understood"),
    [
        ("checkout.session.completed", EVENT_TYPES),
        ("payment.authorized", frozenset(_FACTS)),
        ("checkout.order.completed", ORDER_EVENTS | REFUND_EVENTS),
    ],
)
def test_the_events_to_select_are_those_that_are_understood(
    opening: str, understood: frozenset[str]
) -> None:
    listed = block("docs/going-live.md", opening).code.split()
    assert len(listed) == len(set(listed))
    assert set(listed) == understood


def test_a_restricted_key_may_do_what_stripe_is_asked_for() -> None:
    page = (ROOT / "docs" / "going-live.md").read_text()
    writes, _, reads = page.partition("needs write access to ")[2].partition(
        ", and read access to "
    )
    words = {
        **{"checkout": "Checkout Sessions", "payment_intents": "Payment Intents"},
        **{"refunds": "Refunds", "subscriptions": "Subscriptions"},
        **{"invoices": "Invoices", "invoice_payments": "Invoices", "prices": "Prices"},
    }
    sources = [one.read_text() for one in (ROOT / "service/providers/stripe").glob("*.py")]
    calls = {
        call for one in sources for call in re.findall(r"\.v1\.(\w+)\.(?:\w+\.)?(\w+)_async", one)
    }
    assert {resource for resource, _ in calls} == words.keys()
    for resource, verb in calls:
        named = writes + reads[:40] if verb in {"retrieve", "list"} else writes
        assert words[resource] in named, (resource, verb)


def test_the_commands_of_moving_bring_old_sessions_in(
    place: dict[str, str], tmp_path: Path
) -> None:
    """`bsondump` and `psql` are the older stack's own; what they write is what stands here."""
    row = block(_MOVING, '{"id":"7c2b1f0e').code
    document = {"sessionId": "T_1", "userId": "ada", "amount": 1000.5, "paymentMethod": "phonepe"}
    other = place["MONGODB_DATABASE"]
    env = place | {"OLD_MONGODB_URI": place["MONGODB_URI"]}
    with pymongo.MongoClient[dict[str, Any]](place["MONGODB_URI"]) as client:
        client[other]["PaymentSessions"].insert_one(dict(document))
        for opening, written in (
            ("tillgate import", ""),
            (
                "bsondump",
                json.dumps({"_id": {"$oid": "65f0" * 6}} | document | {"sessionId": "T_2"}),
            ),
            ("psql", row),
        ):
            (tmp_path / "rows.json").write_text(written)
            shown = commands(block(_MOVING, opening))
            for command in [one for one in shown if one.startswith("tillgate")]:
                done = _run(command.replace("database shop", f"database {other}"), tmp_path, env)
                assert done.returncode == 0, done.stderr
                assert "0 left out" in done.stderr
        found = {one["sessionId"]: one for one in client[other]["sessions"].find()}
    assert {name: one["amount"] for name, one in found.items()} == {
        **{"T_1": 100_050, "T_2": 100_050},
        "7c2b1f0e-4b7e-4b0e-9a55-0d6b0a4f8c11": 2999,
    }


def test_the_commands_before_an_upgrade_change_nothing(
    place: dict[str, str], tmp_path: Path
) -> None:
    shown = commands(block("docs/upgrading.md", "tillgate migrate --dry-run"))
    with pymongo.MongoClient[dict[str, Any]](place["MONGODB_URI"]) as client:
        database = client[place["MONGODB_DATABASE"]]
        before = {
            name: database[name].count_documents({}) for name in database.list_collection_names()
        }
        ended = {one: _run(one, tmp_path, place).returncode for one in shown}
        assert ended == {
            "tillgate migrate --dry-run": 0, "tillgate doctor": 0, "tillgate indexes show": 0,
        }  # fmt: skip
        after = {
            name: database[name].count_documents({}) for name in database.list_collection_names()
        }
    assert before == after


def test_the_key_of_prometheus_reads_metrics_and_nothing_else(
    place: dict[str, str], tmp_path: Path
) -> None:
    (command,) = commands(block("docs/metrics.md", "tillgate keys create admin"))
    made = _run(command, tmp_path, place)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("ak_")
    assert "metrics:read,operator" in tillgate("keys", "list", cwd=tmp_path, env=place).stdout


def test_manifests_of_the_docs_are_valid() -> None:
    shown = [one for one in every_block() if one.language == "yaml"]
    assert len(shown) == 3
    for one in shown:
        for document in yaml.safe_load_all(one.code):
            if "apiVersion" in document:
                kubernetes_validate.validate(
                    document, kubernetes_validate.latest_version(), strict=True
                )
            else:
                assert document["scrape_configs"][0]["job_name"] == "tillgate"


def test_what_may_be_sharded_has_no_other_unique_index() -> None:
    unique = {
        document.collection_name()
        for document in DOCUMENTS
        for index in document.declared_indexes()
        if index.document.get("unique")
    }
    capped = {one.collection_name() for one in DOCUMENTS if one.capped_bytes}
    named = set(re.findall(r'"(\w+)"', block("docs/scaling.md", "for (const name of").code))
    named -= {"hashed"}
    assert named <= {one.collection_name() for one in DOCUMENTS} - unique - capped
    assert "payments" in unique  # the control


def test_the_files_of_a_provider_are_those_of_the_guide() -> None:
    shown = block("docs/adding-a-provider.md", "service/providers/acme/").code
    files = set(re.findall(r"\b([a-z_]+\.py)\b", shown)) - {"case.py"}
    razorpay = ROOT / "service" / "providers" / "razorpay"
    assert files <= {one.name for one in razorpay.glob("*.py")}
    for folder in ("tests/samples/razorpay", "tests/providers/razorpay"):
        assert (ROOT / folder).is_dir()


def test_every_room_is_in_the_drawing_of_the_rooms() -> None:
    drawn = block("docs/architecture.md", "service/").code.partition("\nsandbox/")[0]
    named = set(re.findall(r"(?:^  | {3,})([a-z_]+)(?:/|\.py)(?=\s|$)", drawn, re.MULTILINE))
    there = {
        one.stem
        for one in (ROOT / "service").iterdir()
        if one.name != "py.typed" and not one.name.startswith("__")
    }
    assert there == named


def test_the_body_of_an_event_has_the_fields_that_are_sent() -> None:
    shown = json.loads(block("docs/learning-that-it-was-paid.md", '{"id": "evt_').code)
    event = msgspec.convert(shown, Event)
    assert json.loads(encoded(event)) == shown
    assert shown.keys() == json.loads(encoded(event)).keys()


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
async def test_the_backend_of_the_first_payment_knows_what_was_paid(
    database: Database, tmp_path: Path
) -> None:
    shown = block("docs/first-payment.md", "const answer = await fetch").code
    async with service(database, ManualClock(datetime.now(UTC))) as client:
        await pay(client, "order-1")
        given = {
            **{"tillgate": str(client.base_url).rstrip("/"), "secretKey": SECRET},
            **{"sessionId": "order-1", "order": {"amount": 1000}},
        }
        for amount, said in ((1000, b"delivered\n"), (999, b"")):
            given["order"] = {"amount": amount}
            values = "".join(f"const {name} = {json.dumps(one)};\n" for name, one in given.items())
            program = tmp_path / "backend.mjs"
            program.write_text(f'{values}const deliver = () => console.log("delivered");\n{shown}')
            process = await asyncio.create_subprocess_exec(
                "node", str(program), stdout=asyncio.subprocess.PIPE
            )
            assert (await process.communicate())[0] == said
            assert process.returncode == 0


def test_the_script_for_pymongo_runs(tmp_path: Path) -> None:
    shown = blocks_of((ROOT / "docs/upstream/pymongo-lost-lock.md").read_text(), "")[0]
    script = tmp_path / "lost_lock.py"
    script.write_text(shown.code)
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[1].startswith(f"{sys.version.split()[0]} {pymongo.version}")
