"""`tillgate doctor`: what is missing or weak, in words."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner

from service.cli.checks.network import check_database
from service.cli.main import cli
from service.storage.database import Database
from service.storage.mongod import explain_failed_start
from tests.cli.running import tillgate
from tests.cli.test_production import READY
from tests.support.settings import make_settings


def told(tmp_path: Path, *arguments: str, env: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Run doctor; return its exit code, and the checks by their name."""
    done = tillgate("doctor", "--json", *arguments, cwd=tmp_path, env=env)
    answer = json.loads(done.stdout)
    assert (done.returncode == 0) == answer["fine"]
    return done.returncode, {check["name"]: check for check in answer["checks"]}


def test_a_fresh_machine_is_fit_for_development_and_nothing_is_made(tmp_path: Path) -> None:
    done = tillgate("doctor", cwd=tmp_path)
    assert done.returncode == 0
    assert "✓ embedded MongoDB: v" in done.stdout
    assert "Fit for development: 0 problems" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_for_production_it_lists_what_serve_would_refuse(bare: Path) -> None:
    lines = CliRunner().invoke(cli, ["serve"]).stderr.splitlines()
    refused = [line.strip() for line in lines if line.startswith("  ")]
    code, checks = told(bare, "--environment", "production", env={})
    problems = [check for check in checks.values() if check["state"] == "problem"]
    assert code == 1
    assert [f"{check['name']} {check['says']}" for check in problems] == refused


def test_a_played_provider_is_never_called_live(tmp_path: Path) -> None:
    login = {"PHONEPE_WEBHOOK_USERNAME": "t", "PHONEPE_WEBHOOK_PASSWORD": "password-0123"}
    keys = {"PHONEPE_CLIENT_ID": "client_dev_1", "PHONEPE_CLIENT_SECRET": "secret_dev_0123456789"}
    _, played = told(tmp_path, env=login | keys)
    assert played["phonepe"]["says"].startswith("test mode")
    _, real = told(tmp_path, env=login | keys | {"PHONEPE_CLIENT_ID": "client_of_ours"})
    assert real["phonepe"]["says"].startswith("live")


def test_a_weak_variable_is_named(tmp_path: Path) -> None:
    code, checks = told(tmp_path, env={"STRIPE_WEBHOOK_SECRET": "short"})
    assert code == 1
    assert "a secret needs at least 16" in checks["STRIPE_WEBHOOK_SECRET"]["says"]


def test_a_complete_production_without_indexes_is_told_to_make_them(
    tmp_path: Path, mongo_uri: str
) -> None:
    env = READY | {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": f"doctor_{uuid4().hex[:12]}"}
    code, checks = told(tmp_path, env=env)
    assert code == 1
    assert "tillgate migrate" in checks["indexes"]["says"]
    assert checks["version"]["state"] == "warning"  # the embedded one is 6.0
    assert checks["clock"]["state"] == "fine"
    assert tillgate("migrate", cwd=tmp_path, env=env).returncode == 0
    code, checks = told(tmp_path, env=env)
    assert code == 0
    assert checks["stripe"]["says"] == "live, webhooks on"
    assert checks["REDIS_URL"]["state"] == "warning"


def test_a_limit_by_address_without_proxies_is_a_problem(tmp_path: Path) -> None:
    _, checks = told(tmp_path, env=READY | {"TRUSTED_PROXIES": "", "MONGODB_URI": ""})
    assert checks["TRUSTED_PROXIES"]["state"] == "problem"
    assert "share one rate limit" in checks["TRUSTED_PROXIES"]["says"]


def test_redis_that_is_away_is_a_problem(tmp_path: Path) -> None:
    _, checks = told(tmp_path, env={"REDIS_URL": "redis://127.0.0.1:9"})
    assert checks["Redis"]["state"] == "problem"


async def test_a_ttl_index_that_deletes_paid_sessions_is_a_problem(
    database: Database, mongo_uri: str
) -> None:
    await database.sessions.create_index("expiresAt", expireAfterSeconds=1, name="deadly")
    try:
        settings = make_settings(MONGODB_DATABASE=database.name)
        found = [check async for check in check_database(settings, mongo_uri)]
    finally:
        await database.sessions.drop_index("deadly")
    (ttl,) = [check for check in found if check.name == "TTL"]
    assert ttl.state == "problem"
    assert "dropIndex" in ttl.says


@pytest.mark.parametrize(
    ("code", "said", "says"),
    [
        (127, "error while loading shared libraries: libcurl.so.4", "apt-get install libcurl4"),
        (1, "something else", "mongod ended with code 1. something else"),
    ],
)
def test_a_mongod_that_does_not_start_is_explained(code: int, said: str, says: str) -> None:
    assert says in explain_failed_start(code, said)
