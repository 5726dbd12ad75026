"""How `tillgate` starts, and how it tells an error."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli.main import cli
from tests.cli.running import clean_environment
from tests.cli.running import tillgate_anew as tillgate

ROOT = Path(__file__).parents[2]
HEAVY = ("litestar", "beanie", "pymongo", "pydantic", "stripe", "httpx", "uvicorn")
COMMANDS = ("dev", "serve", "doctor", "events", "prices", "keys", "jobs", "indexes", "import")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["nonsense"]])
def test_nothing_heavy_is_imported_before_a_command_is_called(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from service.cli.main import main\n"
        f"sys.argv = ['tillgate', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


def test_help_lists_every_command() -> None:
    told = CliRunner().invoke(cli, ["--help"])
    assert told.exit_code == 0
    for name in COMMANDS:
        assert f" {name} " in told.output


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(name: str) -> None:
    told = CliRunner().invoke(cli, [name, "--help"])
    assert told.exit_code == 0, told.output
    assert f"Usage: cli {name}" in told.output


def test_a_command_that_is_not_there_is_told_in_words() -> None:
    told = CliRunner().invoke(cli, ["nonsense"])
    assert told.exit_code == 2
    assert "No such command 'nonsense'" in told.output
    assert "Did you mean" not in told.output


@pytest.mark.parametrize(
    ("called", "meant"),
    [(["evnts"], "'events' or 'intents' or 'payments'"), (["events", "rplay"], "'replay'")],
)
def test_a_command_that_was_misspelt_is_suggested(called: list[str], meant: str) -> None:
    told = CliRunner().invoke(cli, called)
    assert told.exit_code == 2
    assert f"Did you mean {meant}?" in told.output


@pytest.mark.parametrize(("given", "asks"), [([], "dev"), (["PORT=9000"], "dev --port 9000")])
def test_make_run_takes_a_port(given: list[str], asks: str) -> None:
    told = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "run", *given],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.splitlines()[-1] == f"exec .venv/bin/tillgate {asks}"


def test_an_error_is_a_line_and_one_for_each_problem_and_no_trace(tmp_path: Path) -> None:
    weak = {"STRIPE_WEBHOOK_SECRET": "short", "RATE_LIMIT_PER_KEY": "many"}
    told = tillgate("keys", "list", cwd=tmp_path, env=weak)
    assert told.returncode == 1
    assert told.stdout == ""
    first, *problems = told.stderr.splitlines()
    assert first == "error The settings can't be used."
    assert [line.split()[0] for line in problems] == ["RATE_LIMIT_PER_KEY", "STRIPE_WEBHOOK_SECRET"]


def test_a_database_that_is_away_is_told_in_a_line(tmp_path: Path) -> None:
    away = {"MONGODB_URI": "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=300"}
    told = tillgate("prices", "list", cwd=tmp_path, env=away)
    assert told.returncode == 1
    assert told.stderr.startswith("error MongoDB does not answer at MONGODB_URI: 127.0.0.1:9")
    assert len(told.stderr.splitlines()) == 1


def test_production_never_falls_back_on_the_embedded_database(tmp_path: Path) -> None:
    told = tillgate("keys", "list", cwd=tmp_path, env={"ENVIRONMENT": "production"})
    assert told.returncode == 1
    assert "MONGODB_URI is not set" in told.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_data_directory_that_cant_be_made_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = tillgate("keys", "list", "--data-dir", "file/below", cwd=tmp_path)
    assert told.returncode == 1
    assert told.stderr.startswith("error The data directory file/below can't be used")
