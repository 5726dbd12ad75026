"""Generators of clients take the OpenAPI document without a warning."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Api

PINNED = Path(__file__).parent / "generators"
_ID = re.compile(r"[a-z][A-Za-z0-9]{3,31}")


async def _document(api: Api) -> dict[str, Any]:
    document: dict[str, Any] = (await api.http.get("/openapi.json")).json()
    return document


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from _references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _references(inner)


async def test_each_schema_has_a_name_of_its_own_and_each_reference_leads_to_one(api: Api) -> None:
    """A generator makes a class of each: of two with one name it leaves the second out."""
    document = await _document(api)
    schemas = document["components"]["schemas"]
    titles = [schema.get("title", name) for name, schema in schemas.items()]
    assert len(set(titles)) == len(titles)
    assert all(re.fullmatch(r"[A-Z][A-Za-z0-9]+", name) for name in schemas)
    found = set(_references(document))
    assert len(found) > 50
    assert {one.removeprefix("#/components/schemas/") for one in found} <= schemas.keys()


async def test_each_operation_has_a_short_name_that_stays(api: Api) -> None:
    """It becomes a function's name in a client; `kept.json` has it, so it can't change unseen."""
    document = await _document(api)
    names = [one["operationId"] for each in document["paths"].values() for one in each.values()]
    assert [name for name in names if not _ID.fullmatch(name)] == []
    assert len(set(names)) == len(names)
    older = {name for name in names if name.endswith(("Older", "Older2", "ByPut"))}
    assert older == {
        operation["operationId"]
        for each in document["paths"].values()
        for operation in each.values()
        if operation["deprecated"]
    }


async def test_what_creates_says_that_it_may_find_it_there(api: Api) -> None:
    paths = (await _document(api))["paths"]
    for path in ("payment-sessions", "checkout-sessions", "payments/create-checkout"):
        answers = paths[f"/api/{path}"]["post"]["responses"]
        assert answers["200"]["content"] == answers["201"]["content"]
    answers = paths["/api/payment/request-refund"]["post"]["responses"]
    assert "200" not in answers  # the control: a refund is made anew or not at all


async def test_a_webhook_says_by_which_header_it_is_signed(api: Api) -> None:
    paths = (await _document(api))["paths"]
    for path in ("/api/payments/webhook", "/api/payment/webhook"):
        (header,) = paths[path]["post"]["parameters"]
        assert (header["name"], header["in"], header["required"]) == (
            "Stripe-Signature",
            "header",
            True,
        )
    headers = [
        one
        for one in paths["/api/webhooks/{provider}"]["post"]["parameters"]
        if one["in"] == "header"
    ]
    assert {one["name"] for one in headers} >= {"Stripe-Signature", "X-Razorpay-Signature"}
    assert not any(one["required"] for one in headers)


def _run(*command: str | Path, cwd: Path, path: Path | None = None) -> str:
    """Run a command that must succeed; return all that it said."""
    env = dict(os.environ)
    if path is not None:
        env["PATH"] = f"{path}{os.pathsep}{env['PATH']}"
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _broken(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document as it once was: with two schemas of one title."""
    document["components"]["schemas"]["AuditEntryView"]["title"] = "SessionView"
    return document


@pytest.mark.soak
async def test_openapi_typescript_takes_it_without_a_warning(api: Api, tmp_path: Path) -> None:
    """Soak: npm fetches the generator."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(PINNED / name, tmp_path)
    _run("npm", "ci", "--silent", cwd=tmp_path)
    (tmp_path / "openapi.json").write_text(json.dumps(await _document(api)))
    generator = tmp_path / "node_modules" / ".bin" / "openapi-typescript"
    said = _run(generator, "openapi.json", "-o", "client.d.ts", cwd=tmp_path)
    assert "warn" not in said.lower(), said
    made = (tmp_path / "client.d.ts").read_text()
    assert "openPaymentSession: {" in made
    checker = tmp_path / "node_modules" / ".bin" / "tsc"
    _run(checker, "--noEmit", "--strict", "client.d.ts", cwd=tmp_path)


@pytest.mark.soak
async def test_a_python_generator_takes_it_without_a_warning(api: Api, tmp_path: Path) -> None:
    """Soak: pip fetches the generator, into an environment of its own."""
    _run(sys.executable, "-m", "venv", "made", cwd=tmp_path)
    installed = tmp_path / "made" / "bin"
    lock = PINNED / "requirements.lock"
    _run(installed / "pip", "install", "--quiet", "--require-hashes", "-r", lock, cwd=tmp_path)
    document = await _document(api)
    command = (
        installed / "openapi-python-client",
        "generate",
        "--fail-on-warning",
        "--meta",
        "none",
    )
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    named = ("--path", "openapi.json", "--output-path", "client")
    said = _run(*command, *named, cwd=tmp_path, path=installed)
    assert "warning" not in said.lower(), said
    made = "import client.models; from client.api.sessions import open_payment_session"
    _run(installed / "python", "-c", made, cwd=tmp_path)
    # The control: two classes of one name are what it warns of.
    (tmp_path / "broken.json").write_text(json.dumps(_broken(document)))
    with pytest.raises(AssertionError, match="duplicate models"):
        _run(
            *(*command, "--path", "broken.json", "--output-path", "broken"),
            cwd=tmp_path,
            path=installed,
        )


def test_their_locks_name_hashes_and_no_address() -> None:
    lock = json.loads((PINNED / "package-lock.json").read_text())
    packages = [one for name, one in lock["packages"].items() if name]
    assert packages
    assert all(one.get("integrity") and "resolved" not in one for one in packages)
    lines = (PINNED / "requirements.lock").read_text()
    assert "--hash=sha256:" in lines
