"""The README's tour, pasted into bash beside a real development server."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.settings import variables
from tests.support.patience import IN_TIME

ROOT = Path(__file__).parents[2]
TILLGATE = Path(sys.executable).with_name("tillgate")
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
_STEP = re.compile(
    r"^\*\*(?P<title>[^*]+)\*\*.*?^```sh\n(?P<commands>.*?)^```\n"
    r"(?:\n```json\n(?P<answer>.*?)\n```)?",
    re.MULTILINE | re.DOTALL,
)

# What each step prints besides the answers that stand in the README itself.
PRINTS: dict[str, tuple[str, ...]] = {
    "Load the keys.": (),
    "Open a session": ('"amount":2999', '"status":"pending"', '"clientSecret":"tour-'),
    "Pay it, as Stripe does.": ('"outcome":"processed"',),
    "See it completed.": ('"status":"completed"', '"to":"completed"', ":evt_tour-"),
    "Post it again": ('"duplicate":true',),
    "Forge one.": ('"status":400', '"error":"invalid_signature"'),
    "Look at the timeline:": ('"why": "It was completed by Stripe', '"what": "event"'),
    "The same with Razorpay": ('"status":"pending"', "processed", "is completed"),
    "A browser's key can't name a price.": (
        '"amount":9998',
        '"clientSecret":"tour-',
        '"error":"session_not_found"',
    ),
    "Clean up": ('"dryRun":true', '"dryRun":false'),
}


@contextmanager
def development_server(directory: Path, env: dict[str, str]) -> Iterator[str]:
    """Run `tillgate dev` in a directory on any free port; return its address."""
    with (directory / "dev.log").open("wb") as log:
        server = subprocess.Popen(
            [TILLGATE, "dev", "--port", "0"],
            cwd=directory,
            env=env,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert server.stdout is not None
        for line in server.stdout:
            if found := _ADDRESS.search(line):
                yield found[0]
                break
        else:
            pytest.fail((directory / "dev.log").read_text())
    finally:
        server.terminate()
        server.communicate(timeout=IN_TIME)


def environment() -> dict[str, str]:
    """Return the environment of a newcomer: none of our variables is set."""
    ours = {*variables(), "TILLGATE_DATA_DIR"}
    return {name: value for name, value in os.environ.items() if name not in ours}


def steps() -> list[re.Match[str]]:
    """Return the steps of the tour: a bold title, commands, and the answer if it is printed."""
    tour = (ROOT / "README.md").read_text().partition("\n## A five-minute tour\n")[2]
    return list(_STEP.finditer(tour.partition("\n## ")[0]))


def test_every_step_of_the_tour_is_expected_here() -> None:
    assert [step["title"] for step in steps()] == list(PRINTS)


@pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("openssl")), reason="the tour uses curl and openssl"
)
def test_the_tour_works_as_pasted(tmp_path: Path) -> None:
    env = environment()
    mark = "==== end of a step ===="
    script = "".join(f"{step['commands']}\necho '{mark}'\n" for step in steps())
    script = script.replace(".venv/bin/tillgate", str(TILLGATE))
    with development_server(tmp_path, env) as address:
        ran = subprocess.run(
            ["bash"],
            cwd=tmp_path,
            env=env,
            input=script.replace("http://127.0.0.1:8000", address),
            capture_output=True,
            text=True,
            timeout=IN_TIME,
        )
    printed = ran.stdout.split(mark)
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    assert len(printed) == len(PRINTS) + 1
    for step, output in zip(steps(), printed, strict=False):
        expected = (*PRINTS[step["title"]], *([step["answer"]] if step["answer"] else []))
        missing = [part for part in expected if part not in output]
        assert not missing, f"{step['title']}\n{output}\n{ran.stderr}"
