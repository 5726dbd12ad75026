"""The product without the sandbox serves and says what is missing; in production it never looks."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from service.extension import BROKEN, MISSING, find_extension
from tests.cli.running import started
from tests.cli.test_production import READY
from tests.sandbox.installed import Installed, installed_without, with_broken
from tests.support.patience import IN_TIME
from tillgate_sandbox.extension import SANDBOX

SERVES = "Ctrl-C stops it"
# Python writes every import to standard error.
TELLS_IMPORTS = {"PYTHONPROFILEIMPORTTIME": "1"}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """What `pip install .` brings, and no sandbox."""
    found = installed_without("tillgate_sandbox", tmp_path_factory.mktemp("site"))
    yield found
    found.leave()


def imported(cwd: Path) -> set[str]:
    """Return the modules that a process imported, which was started with `TELLS_IMPORTS`."""
    lines = (cwd / "stderr.log").read_text().splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


def words(text: str) -> str:
    """Return a text without what a terminal puts around and between its words."""
    return " ".join(text.replace("│", " ").split())


def test_the_sandbox_is_found_where_it_is_installed() -> None:
    assert find_extension() is SANDBOX


def test_without_it_dev_serves_and_says_what_is_missing(product: Installed, tmp_path: Path) -> None:
    with started(
        *("dev", "--port", "0"),
        cwd=tmp_path,
        until=SERVES,
        env=product.environment | TELLS_IMPORTS,
        program=product.program,
    ) as running:
        address = (tmp_path / ".tillgate" / "address").read_text()

        def status(path: str) -> int:
            return httpx.get(address + path, trust_env=False, timeout=IN_TIME).status_code

        assert words(MISSING) in words(running.said)
        assert "events send" not in running.said
        assert {path: status(path) for path in ("/health/ready", "/docs", "/shop")} == {
            "/health/ready": 200,
            "/docs": 200,
            "/shop": 404,
        }
    assert not [name for name in imported(tmp_path) if name.startswith("tillgate_sandbox")]


@pytest.mark.parametrize(
    "command", ["events send stripe s-1 --times 3", "sandbox storm --sessions 5", "doctor"]
)
def test_without_it_the_commands_for_development_say_the_same(
    product: Installed, tmp_path: Path, command: str
) -> None:
    done = product.run(*command.split(), cwd=tmp_path)

    assert words(MISSING) in words(done.stderr + done.stdout)
    assert "Traceback" not in done.stderr
    assert command == "doctor" or done.returncode == 1


def test_without_it_they_are_listed_all_the_same(product: Installed, tmp_path: Path) -> None:
    assert " send " in product.run("events", "--help", cwd=tmp_path).stdout
    assert " storm " in product.run("sandbox", "--help", cwd=tmp_path).stdout


# What a sandbox of another version, or half of one, leaves behind.
LEFT = {
    "no such name": "",
    "a part that is gone": "from service.a_room_of_before import Something\n",
    "another shape": "SANDBOX = object()\n",
}


_FIRST, *_OTHERS = LEFT


@pytest.fixture(
    scope="module",
    params=[_FIRST, *(pytest.param(how, marks=pytest.mark.soak) for how in _OTHERS)],
)
def broken(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installed]:
    """The product beside a sandbox that can't be used."""
    site = installed_without("tillgate_sandbox", tmp_path_factory.mktemp("broken"))
    yield (found := with_broken("tillgate_sandbox", site, LEFT[request.param]))
    found.leave()


@pytest.mark.parametrize("command", ["dev --port 0", "events send stripe s-1", "doctor"])
def test_a_broken_one_is_told_in_words(broken: Installed, tmp_path: Path, command: str) -> None:
    done = broken.run(*command.split(), cwd=tmp_path)

    said = words(done.stderr + done.stdout)
    assert words(BROKEN.partition(" (")[0]) in said
    assert "pip uninstall tillgate-sandbox" in said
    assert "Traceback" not in said
    assert done.returncode == 1


def test_serve_does_not_care_about_a_broken_one(
    broken: Installed, mongo_uri: str, tmp_path: Path
) -> None:
    own = {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": f"serve_{uuid4().hex[:12]}"}

    with started(
        *("serve", "--port", "0"),
        cwd=tmp_path,
        until="serving",
        env=READY | own | broken.environment | TELLS_IMPORTS,
        program=broken.program,
    ) as running:
        assert "serving" in running.said

    assert [name for name in imported(tmp_path) if name.startswith("tillgate_sandbox")] == []


def test_serve_imports_nothing_of_it_though_it_is_installed(mongo_uri: str, tmp_path: Path) -> None:
    own = {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": f"serve_{uuid4().hex[:12]}"}

    with started(
        "serve", "--port", "0", cwd=tmp_path, until="serving", env=READY | own | TELLS_IMPORTS
    ):
        pass

    names = imported(tmp_path)
    assert "service.app" in names
    assert [name for name in names if name.startswith("tillgate_sandbox")] == []


@pytest.mark.soak
def test_control_dev_imports_it(tmp_path: Path) -> None:
    with started("dev", "--port", "0", cwd=tmp_path, until=SERVES, env=TELLS_IMPORTS):
        pass

    assert {"service.app", "tillgate_sandbox.mounted"} <= imported(tmp_path)
