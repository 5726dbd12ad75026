"""What is built of the two distributions: the product's has no file of the sandbox."""

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.deploy.manifests import ROOT
from tests.support.patience import IN_TIME


def _files(place: Path, source: Path) -> set[str]:
    """Build a wheel as the Dockerfile does; return the names of the files in it."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=IN_TIME)
    (wheel,) = place.glob("*.whl")
    with ZipFile(wheel) as opened:
        return set(opened.namelist())


def _project(source: Path) -> dict[str, object]:
    return dict(tomllib.loads((source / "pyproject.toml").read_text())["project"])


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The files of the product's wheel."""
    return _files(tmp_path_factory.mktemp("product"), ROOT)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The files of the sandbox's wheel."""
    return _files(tmp_path_factory.mktemp("sandbox"), ROOT / "sandbox")


def _rooms(files: set[str]) -> Iterator[str]:
    return (name.partition("/")[0] for name in files)


def test_the_products_wheel_has_the_service_and_nothing_of_the_sandbox(product: set[str]) -> None:
    assert set(_rooms(product)) == {"service", "tillgate-0.1.0.dist-info"}
    assert {"service/app.py", "service/dashboard/templates/frame.html"} <= product
    played = {path.name for path in (ROOT / "sandbox" / "tillgate_sandbox").iterdir()}
    assert {"storm", "sending", "shop", "chaos.py"} <= played
    ours = {name for name in product if "sandbox" in name.lower() or "storm" in name}
    assert ours == {"service/cli/commands/sandbox.py"}  # where to look for it, and no more


def test_control_the_sandboxes_wheel_has_its_files_and_leads_to_the_extension(
    sandbox: set[str],
) -> None:
    assert set(_rooms(sandbox)) == {"tillgate_sandbox", "tillgate_sandbox-0.1.0.dist-info"}
    assert {"tillgate_sandbox/shop/static/shop.js", "tillgate_sandbox/extension.py"} <= sandbox
    assert "tillgate_sandbox-0.1.0.dist-info/entry_points.txt" in sandbox


def test_both_have_one_version_and_the_sandbox_asks_for_that_of_the_product() -> None:
    product, sandbox = _project(ROOT), _project(ROOT / "sandbox")
    assert product["version"] == sandbox["version"]
    assert f"tillgate=={product['version']}" in list(sandbox["dependencies"])  # type: ignore[call-overload]


def test_the_image_is_given_the_service_and_no_sandbox() -> None:
    copied = [
        line.split()[1:-1]
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
    ]
    assert ["service"] in [[Path(it).name for it in some] for some in copied]
    seen = (ROOT / ".dockerignore").read_text()
    assert "!service" in seen
    assert "sandbox" not in seen
    assert not [it for some in copied for it in some if "sandbox" in it]
