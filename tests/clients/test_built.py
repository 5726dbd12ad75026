"""What is served of the browser client is what its sources build."""

import json
import re
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from service.sessions.schemas.answers import CheckoutAnswer, SessionView
from service.sessions.schemas.requests import CreateCheckout
from service.web.client.builds import newest, newest_build

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "clients" / "browser"
SERVED = ROOT / "service" / "web" / "client" / "static"
# What the client says in place of these, or keeps to itself.
_OF_THE_CLIENT = {"returnUrl"}
_LEFT_TO_SERVERS = {"successUrl", "cancelUrl", "price", "paymentMethod", "expiresAt"}


def sources(folder: Path) -> str:
    """Return the hash of the sources, as `build.mjs` makes it."""
    names = ["build.mjs", "package.json"]
    names += [f"src/{file.name}" for file in sorted((folder / "src").iterdir())]
    told = [f"{sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    return sha256("".join(told).encode()).hexdigest()


def test_what_is_served_was_built_from_these_sources() -> None:
    """After a change: `npm ci && npm run build` in clients/browser."""
    assert newest().sources == sources(CLIENT)
    assert newest().integrity == newest_build().integrity


def test_control_another_source_is_another_hash(tmp_path: Path) -> None:
    copy = tmp_path / "browser"
    shutil.copytree(CLIENT, copy, ignore=shutil.ignore_patterns("node_modules", "dist"))
    assert sources(copy) == sources(CLIENT)
    changed = copy / "src" / "waiting.ts"
    changed.write_text(changed.read_text() + "\n")
    assert sources(copy) != sources(CLIENT)


def test_the_version_is_the_packages() -> None:
    package = json.loads((CLIENT / "package.json").read_text())
    assert package["version"] == newest().version
    assert newest_build().content.startswith(f"/* tillgate-browser {newest().version}".encode())
    assert "dependencies" not in package


def test_its_lock_names_hashes_and_no_address() -> None:
    lock = json.loads((CLIENT / "package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert packages
    assert all(one.get("integrity") and "resolved" not in one for one in packages.values())
    assert "://" not in re.sub(r'"url": "[^"]*"', "", json.dumps(lock))


@pytest.mark.soak
def test_the_sources_build_the_very_file(tmp_path: Path) -> None:
    """Soak: npm fetches the builder, which `make test` does without."""
    copy = tmp_path / "browser"
    shutil.copytree(CLIENT, copy, ignore=shutil.ignore_patterns("node_modules", "dist"))
    served = tmp_path / "served"
    served.mkdir()
    for command in (["npm", "ci"], ["npm", "run", "check"], ["node", "build.mjs", str(served)]):
        subprocess.run(command, cwd=copy, check=True, capture_output=True, timeout=300)
    for file in served.iterdir():
        assert file.read_bytes() == (SERVED / file.name).read_bytes(), file.name


def fields(interface: str) -> set[str]:
    """Return the names of the fields of an interface of the client's."""
    types = (CLIENT / "src" / "types.ts").read_text()
    body = re.search(rf"export interface {interface} {{\n(.*?)\n}}", types, re.DOTALL)
    assert body is not None, interface
    return set(re.findall(r"^  (\w+)\??:", body[1], re.MULTILINE))


def test_its_types_are_what_goes_over_the_wire() -> None:
    def encoded(kind: type[msgspec.Struct]) -> set[str]:
        return {field.encode_name for field in msgspec.structs.fields(kind)}

    assert fields("Session") == encoded(SessionView) - {"history"}
    assert fields("Checkout") == encoded(CheckoutAnswer) - {"clientSecret"}
    sent = {field.alias or name for name, field in CreateCheckout.model_fields.items()}
    assert fields("Order") - _OF_THE_CLIENT == sent - _LEFT_TO_SERVERS
