"""Seeded runs over three providers, with every fault, end in the documents of the model."""

import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from service.outbox.documents import Delivery
from service.storage.database import Database
from tests.support.patience import IN_TIME
from tillgate_sandbox.states import Happening
from tillgate_sandbox.storm.expected import differences
from tillgate_sandbox.storm.field import storm_field
from tillgate_sandbox.storm.run import ending_of, run_storm
from tillgate_sandbox.storm.scripts import FAULTS, STORIES, Script, write_scripts


async def _differences(database: Database, scripts: Sequence[Script]) -> list[str]:
    async with storm_field(database) as field:
        report = await run_storm(scripts, field)
    assert sum(counts["sessions"] for counts in report.counts.values()) == len(scripts)
    return report.differences


def _telling_all(scripts: Sequence[Script]) -> list[Script]:
    """Return those that tell a story or a fault that none before them has told."""
    told: set[object] = set()
    found = []
    for script in scripts:
        tells = {(script.provider, script.phases), *script.chaos.faults}
        if not tells <= told:
            found.append(script)
            told |= tells
    return found


async def test_every_story_and_fault_ends_in_the_documents_of_a_plain_model(
    empty_database: Database,
) -> None:
    scripts = _telling_all(write_scripts(90, seed=39))
    assert {fault for script in scripts for fault in script.chaos.faults} == set(FAULTS)
    for provider, stories in STORIES.items():
        told = {script.phases for script in scripts if script.provider == provider}
        assert told == set(stories), f"not every story of {provider}"
    assert await _differences(empty_database, scripts) == []


@pytest.mark.soak
async def test_500_seeded_runs_end_in_the_documents_of_a_plain_model(
    empty_database: Database,
) -> None:
    """Long: a session is some hundred words to the database. Each story once is in `make test`."""
    assert await _differences(empty_database, write_scripts(500, seed=7)) == []


def test_same_seed_writes_the_same_scripts() -> None:
    assert write_scripts(50, seed=7) == write_scripts(50, seed=7)
    assert write_scripts(50, seed=7) != write_scripts(50, seed=8)


async def test_model_tells_of_each_document_that_differs(empty_database: Database) -> None:
    async with storm_field(empty_database) as field:
        scripts = [one for one in write_scripts(60, seed=7) if "completed" in _status(one)][:1]
        await run_storm(scripts, field)
        good = await ending_of(scripts[0])
    assert differences(good) == []

    # A wrong event may have come first, which reports other money.
    ours = (scripts[0].amount, scripts[0].currency, "succeeded")
    paid = next(
        row for row in good.payments if (row["amount"], row["currency"], row["status"]) == ours
    )
    wrong = {
        "must be completed": {"session": good.session | {"status": "pending"}},
        "completed 2 times": {
            "session": good.session | {"history": [{"to": "completed"}, {"to": "completed"}]}
        },
        "it is paid by": {"session": good.session | {"providerPaymentId": "pi_other"}},
        "the ledger has no": {"payments": []},
        "as paid too": {"payments": [*good.payments, paid | {"providerPaymentId": "pi_2"}]},
        "stands in the inbox as None": {"events": []},
        "its review is": {
            "session": good.session | {"review": {"reason": "duplicate_payment"}},
        },
        "provider.capture is dead": {
            "outbox": ([], [_dead("provider.capture")]),
        },
    }
    for words, changed in wrong.items():
        told = differences(replace(good, **changed))  # type: ignore[arg-type]
        assert any(words in one for one in told), (words, told)


def _dead(topic: str) -> Delivery:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    times = {"created_at": at, "next_attempt_at": at, "give_up_at": at, "purge_at": at}
    about = {"merchant_id": "default", "session_id": "s", "subscriber": "capture", "lane": ""}
    told = {"id": "m:capture", "message_id": "m", "topic": topic, "status": "dead", "error": "no"}
    return Delivery.model_validate(times | about | told)


def _status(script: Script) -> str:
    return "completed" if script.happenings[-1:] == (Happening.PAID,) else ""


def test_command_tells_what_it_did_and_found(mongo_uri: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from service.cli.main import main; main()"]
    given = ["sandbox", "storm", "--sessions", "9", "--seed", "7", "--data-dir", str(tmp_path)]
    home = Path(__file__).parents[2]
    environment = {"MONGODB_URI": mongo_uri, "PATH": "", "PYTHONPATH": str(home)}

    done = subprocess.run(
        [*command, *given],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=IN_TIME,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "sessions\t3\t3\t3" in done.stdout.splitlines()
    assert "all end as the model says" in done.stderr
