"""A fifth provider is its folder and a row in the registry: shop, pay, pages, doctor and prices."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import service
from tests.cli.running import clean_environment
from tests.support.patience import IN_TIME
from tests.support.settings import VARIABLES

ROOT = Path(__file__).parents[2]
HOUSE = Path(service.__file__).parent
FOLDER = Path(__file__).parent / "fifth" / "acme"
# Whichever providers there are by then: a real fifth one must not end this test.
ROWS = re.compile(r"for row in \(([A-Z, ]+)\)")
REGISTERED = "from service.providers.acme.registered import ACME\n"


def _build(place: Path) -> Path:
    """Build the house of links to its own files, with Acme's folder; return its registry."""
    rooms = place / "service"
    (rooms / "providers").mkdir(parents=True)
    for path in (*HOUSE.iterdir(), *(HOUSE / "providers").iterdir()):
        link = rooms / path.relative_to(HOUSE)
        if not link.exists() and path.name != "__pycache__":
            link.symlink_to(path)
    (rooms / "providers" / "acme").symlink_to(FOLDER)
    return rooms / "providers" / "registry.py"


def _walk(place: Path, mongo_uri: str) -> dict[str, Any]:
    """Walk through a house with Acme's variables set; return what was seen."""
    given = {
        "ACME_KEY": "acme-key-0123456789",
        "ACME_WEBHOOK_SECRET": "acme-webhook-secret-01",
        "MONGODB_URI": mongo_uri,
        "MONGODB_DATABASE": f"tillgate_{place.name}",
        "PYTHONPATH": f"{place}:{ROOT}:{ROOT / 'sandbox'}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.providers.fifth.walk"],
        cwd=place,
        env=clean_environment(VARIABLES | given),
        capture_output=True,
        text=True,
        timeout=IN_TIME,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen


def test_a_fifth_provider_is_its_folder_and_a_row(tmp_path: Path, mongo_uri: str) -> None:
    place = tmp_path / "fifth"
    registry = _build(place)
    with_acme, rows = ROWS.subn(r"for row in (\1, ACME)", registry.read_text())
    assert rows == 1
    registry.unlink()  # a link: what it leads to stays as it is
    registry.write_text(with_acme.replace("Providers = ", f"{REGISTERED}\nProviders = ", 1))
    assert _walk(place, mongo_uri) == {
        "sold in the shop": True,
        "opened": [201, "https://pay.acme.example/s-1"],
        "paid": 200,
        "status": "completed",
        "page": 200,
        "named and counted on the page": True,
        "doctor": "on, webhooks on",
        "half set in production": "is missing, while ACME_KEY is set",
        "made for development": True,
        "prices": "amount must be in minor units: providers count KWD with different decimals",
    }


@pytest.mark.soak
def test_control_without_the_row_nobody_knows_it(tmp_path: Path, mongo_uri: str) -> None:
    place = tmp_path / "four"
    _build(place)
    assert _walk(place, mongo_uri) == {
        "sold in the shop": False,
        "opened": [400, None],
        "paid": 404,
        "status": None,
        "page": 404,
        "named and counted on the page": False,
        "doctor": None,
        "half set in production": None,
        "made for development": False,
        "prices": "anvil costs 1.500 KWD.",
    }
