"""Commands on the database of a test's shop, and a place with nothing set for others."""

from pathlib import Path
from subprocess import CompletedProcess

import pytest

from service.settings import variables
from tests.cli.running import Run, tillgate
from tests.support.settings import VARIABLES
from tests.support.shop import Shop


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory, no `.env`, and no variable of the developer's."""
    monkeypatch.chdir(tmp_path)
    for name in (*variables(), "TILLGATE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def run(shop: Shop, mongo_uri: str, tmp_path: Path) -> Run:
    """Run a command on the shop's database."""
    env = VARIABLES | {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": shop.database.name}

    def run(*arguments: str) -> CompletedProcess[str]:
        return tillgate(*arguments, cwd=tmp_path, env=env)

    return run
