"""`tillgate migrate` as an operator runs it, and what refuses to run without it."""

import asyncio
import json
from pathlib import Path
from uuid import uuid4

import pytest
from pymongo import MongoClient

from service.migrations.steps import STEPS
from service.storage.database import connect
from tests.cli.running import tillgate
from tests.cli.test_production import READY
from tests.migrations.conftest import fill


@pytest.fixture
def behind(mongo_uri: str) -> dict[str, str]:
    """The variables of production, on the database of an older version."""
    name = f"migrate_{uuid4().hex[:12]}"

    async def make() -> None:
        async with connect(mongo_uri) as client:
            await fill(client[name])

    asyncio.run(make())
    return READY | {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": name}


def test_an_older_database_is_refused_looked_at_and_brought_up(
    tmp_path: Path, behind: dict[str, str]
) -> None:
    refused = tillgate("serve", "--port", "0", cwd=tmp_path, env=behind)
    assert refused.returncode == 1, refused.stderr
    assert "tillgate migrate" in refused.stderr
    looked = tillgate("migrate", "--dry-run", cwd=tmp_path, env=behind)
    assert looked.returncode == 3, looked.stderr
    assert [line.split("\t")[2] for line in looked.stdout.splitlines()] == ["to do"] * len(STEPS)
    assert "22 sessions" in looked.stdout
    ran = tillgate("migrate", cwd=tmp_path, env=behind)
    assert ran.returncode == 0, ran.stderr
    assert [line.split("\t")[0] for line in ran.stdout.splitlines()] == [
        str(step.number) for step in STEPS
    ]
    assert "has the layout of this version" in ran.stderr
    assert tillgate("migrate", "--dry-run", cwd=tmp_path, env=behind).returncode == 0
    with MongoClient[dict[str, object]](behind["MONGODB_URI"]) as client:
        client[behind["MONGODB_DATABASE"]].sessions.drop_index("checkout_ids")
    looked = tillgate("migrate", "--dry-run", cwd=tmp_path, env=behind)
    assert looked.returncode == 3
    assert "Indexes that would be made: sessions.checkout_ids\n" in looked.stderr


def test_doctor_tells_of_an_older_layout_as_serve_does(
    tmp_path: Path, behind: dict[str, str]
) -> None:
    found = tillgate("doctor", "--json", cwd=tmp_path, env=behind)
    checks = {check["name"]: check for check in json.loads(found.stdout)["checks"]}
    assert found.returncode == 1
    assert checks["layout"]["state"] == "problem"
    assert "tillgate migrate" in checks["layout"]["says"]
    assert "indexes" not in checks  # what is behind is told first
    assert tillgate("indexes", "apply", cwd=tmp_path, env=behind).returncode == 1

    assert tillgate("migrate", cwd=tmp_path, env=behind).returncode == 0
    brought_up = tillgate("doctor", "--json", cwd=tmp_path, env=behind)
    names = {check["name"] for check in json.loads(brought_up.stdout)["checks"]}
    assert brought_up.returncode == 0, brought_up.stdout
    assert "layout" not in names
