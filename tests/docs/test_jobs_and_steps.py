"""The docs name each job, how often it is called, and each step of a migration."""

import re
from collections.abc import Mapping
from datetime import timedelta

import pytest

from service.migrations.steps import STEPS
from service.wiring import ALL_JOBS
from tests.docs.blocks import ROOT

_EVERY: Mapping[str, timedelta] = {
    "every minute": timedelta(minutes=1),
    "every five minutes": timedelta(minutes=5),
    "every ten minutes": timedelta(minutes=10),
    "every hour": timedelta(hours=1),
    "every night": timedelta(days=1),
}


def _called_in(text: str) -> dict[str, timedelta]:
    """Return how often the deployment's page has each job called."""
    (row,) = re.findall(r"^\| `cronjob-\*\.yaml` .*$", text, re.MULTILINE)
    said = row.partition("`tillgate jobs manifests`.")[2].lower()
    found: dict[str, timedelta] = {}
    for part in said.split(";"):
        (every,) = (one for one in _EVERY if one in part)
        found |= dict.fromkeys(re.findall(r"`([a-z-]+)`", part), _EVERY[every])
    return found


def test_the_deployment_names_each_job_and_how_often_it_is_called() -> None:
    text = (ROOT / "docs/deploy.md").read_text()
    called = {one.name: one.every for one in ALL_JOBS if one.every is not None}
    assert _called_in(text) == called
    assert _called_in(text.replace("`subscriptions`", "")) != called  # the control


@pytest.mark.parametrize("job", [one.name for one in ALL_JOBS])
def test_the_architecture_has_a_row_for_each_job_with_its_route(job: str) -> None:
    rows = (ROOT / "docs/architecture.md").read_text()
    (about,) = (one for one in ALL_JOBS if one.name == job)
    assert re.search(rf"^\| `{job}` \| `POST {about.route}`", rows, re.MULTILINE), job


def test_upgrading_has_the_steps_as_the_command_names_them() -> None:
    shown = re.findall(r"^\| (\d+) \| (.*) \|$", (ROOT / "docs/upgrading.md").read_text(), re.M)
    assert shown == [(str(one.number), one.name) for one in STEPS]
