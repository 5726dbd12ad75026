"""A place with nothing set, for commands that are run within the process."""

from pathlib import Path

import pytest

from service.settings import variables


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory, no `.env`, and no variable of the developer's."""
    monkeypatch.chdir(tmp_path)
    for name in (*variables(), "TILLGATE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path
