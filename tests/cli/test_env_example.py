"""`.env.example` names the variables of the settings: all of them, and no other."""

import re
from pathlib import Path

from service.settings import variables

LINES = (Path(__file__).parents[2] / ".env.example").read_text().splitlines()


def test_every_variable_of_the_settings_stands_once_and_is_blank() -> None:
    named = [line for line in LINES if line and not line.startswith("#")]
    assert sorted(named) == sorted(f"{name}=" for name in variables())


def test_every_variable_is_explained_in_the_words_of_the_settings() -> None:
    for name, explanation in variables().items():
        above = []
        for line in reversed(LINES[: LINES.index(f"{name}=")]):
            if not line.startswith("# "):
                break
            above.insert(0, line.removeprefix("# "))
        said = " ".join(above)
        assert explanation, name
        assert re.sub(r"\s+", " ", explanation.strip()) in said, name
