"""`tillgate dev`: the newcomer's road, from nothing to a completed session."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from service.cli.main import cli
from service.cli.settings import development_env
from service.web.client.builds import newest_build
from tests.cli.running import (
    Started,
    clean_environment,
    ended,
    mongod_of,
    started,
    tillgate,
    watch,
)
from tests.support.patience import IN_TIME

SERVES = "Ctrl-C stops it"
HOME = Path(".tillgate")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty directory to start in."""
    return tmp_path_factory.mktemp("newcomer")


@pytest.fixture(scope="module")
def dev(home: Path) -> Iterator[Started]:
    """A development server that was started with nothing set."""
    with started("dev", "--port", "0", cwd=home, until=SERVES) as running:
        yield running


def address(home: Path) -> str:
    """Where the server is reached."""
    return (home / HOME / "address").read_text()


def keys(home: Path) -> dict[str, str]:
    """The generated keys and secrets."""
    lines = development_env(home / HOME).read_text().splitlines()
    pairs = [line.partition("=") for line in lines if not line.startswith("#")]
    return {name: value.strip('"') for name, _, value in pairs}


def to_paste(said: str) -> list[str]:
    """The lines of the banner that are there to be pasted."""
    return [line for line in said.splitlines() if "curl -s" in line or " events send " in line]


def paste(line: str, home: Path) -> str:
    """Run a line in a shell of the same directory."""
    done = subprocess.run(
        ["bash", "-euc", line],
        cwd=home,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=IN_TIME,
        check=True,
    )
    return done.stdout


def open_session(home: Path, session_id: str, provider: str, **fields: Any) -> None:
    """Open a session as a server does."""
    body = {"sessionId": session_id, "userId": "u", "eventId": "e", "amount": 2999, **fields}
    answer = httpx.post(
        f"{address(home)}/api/payment-sessions",
        headers={"Authorization": f"Bearer {keys(home)['API_SECRET_KEYS']}"},
        json=body | {"provider": provider},
        trust_env=False,
        timeout=IN_TIME,
    )
    assert answer.status_code == 201, answer.text


def read_session(home: Path, session_id: str) -> dict[str, Any]:
    """Read a session as a server does."""
    answer = httpx.get(
        f"{address(home)}/api/payment-sessions/{session_id}",
        headers={"Authorization": f"Bearer {keys(home)['API_SECRET_KEYS']}"},
        trust_env=False,
        timeout=IN_TIME,
    )
    session: dict[str, Any] = answer.json()["session"]
    return session


def test_the_banner_names_the_browser_client_whole_and_who_may_call(
    dev: Started, home: Path
) -> None:
    assert f"{address(home)}{newest_build().path}  its hash: see /" in dev.said
    said = re.sub(r"[\s│]+", "", dev.said)
    assert "anyoriginofthismachine" in said
    assert "CORS_ORIGINS" in said


def test_the_three_lines_of_the_banner_open_pay_and_read_a_session(
    dev: Started, home: Path
) -> None:
    opening, paying, reading = to_paste(dev.said)
    assert json.loads(paste(opening, home))["session"]["status"] == "pending"
    paid = paste(paying, home).splitlines()
    assert [line.split("\t")[1:] for line in paid[:3]] == [
        ["200", "processed", "no"],
        ["200", "duplicate", "yes"],
        ["200", "duplicate", "yes"],
    ]
    session = json.loads(paste(reading, home))["session"]
    assert session["status"] == "completed"
    assert [move["to"] for move in session["history"]] == ["pending", "completed"]


def test_the_banner_names_the_docs_and_the_keys(dev: Started, home: Path) -> None:
    assert f"{address(home)}/docs" in dev.said
    assert httpx.get(f"{address(home)}/docs", trust_env=False, timeout=IN_TIME).status_code == 200
    for name in ("API_PUBLISHABLE_KEYS", "API_SECRET_KEYS", "API_ADMIN_KEYS", "API_JOBS_KEYS"):
        assert keys(home)[name] in dev.said


def test_a_request_is_a_line_of_its_log(dev: Started, home: Path) -> None:
    """The control of `test_log_level`, where there is none."""
    assert dev.said
    with httpx.Client(base_url=address(home), trust_env=False, timeout=IN_TIME) as client:
        client.get("/openapi.json")
        client.get("/health/live")  # the line is written after the answer
    assert "/openapi.json" in (home / "stderr.log").read_text()


def test_it_is_ready_and_its_demo_prices_can_be_paid_from_a_browser(
    dev: Started, home: Path
) -> None:
    assert (
        httpx.get(f"{address(home)}/health/ready", trust_env=False, timeout=IN_TIME).status_code
        == 200
    )
    answer = httpx.post(
        f"{address(home)}/api/checkout-sessions",
        headers={"Authorization": f"Bearer {keys(home)['API_PUBLISHABLE_KEYS']}"},
        json={"userId": "u", "email": "u@example.com", "plan": "premium", "provider": "stripe"},
        trust_env=False,
        timeout=IN_TIME,
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["session"]["amount"] == 2999


@pytest.mark.parametrize("provider", ["stripe", "razorpay", "phonepe"])
def test_an_event_that_is_sent_three_times_completes_the_session_once(
    dev: Started, home: Path, provider: str
) -> None:
    session_id = f"thrice_{provider}"
    open_session(home, session_id, provider, currency="INR")
    told = tillgate("events", "send", provider, session_id, "--times", "3", cwd=home)
    assert told.returncode == 0, told.stderr
    assert told.stdout.count("\tduplicate\tyes") == 2
    assert told.stdout.splitlines()[-1] == f"session {session_id} is completed"
    moves = [move["to"] for move in read_session(home, session_id)["history"]]
    assert moves == ["pending", "completed"]


def test_a_payment_of_another_amount_goes_to_review(dev: Started, home: Path) -> None:
    open_session(home, "too_little", "stripe")
    told = tillgate("events", "send", "stripe", "too_little", "--amount", "1", cwd=home)
    assert told.returncode == 0
    assert "in review: amount_mismatch" in told.stdout
    assert read_session(home, "too_little")["status"] == "pending"


def test_an_event_of_another_provider_is_refused_before_it_is_sent(
    dev: Started, home: Path
) -> None:
    open_session(home, "of_stripe", "stripe")
    told = tillgate("events", "send", "razorpay", "of_stripe", cwd=home)
    assert told.returncode == 1
    assert told.stderr.startswith("error The session was opened for stripe")


def test_an_event_under_another_secret_is_told_to_be_refused(dev: Started, home: Path) -> None:
    open_session(home, "wrong_secret", "stripe")
    other = {"STRIPE_WEBHOOK_SECRET": "whsec_of_somebody_else"}
    told = tillgate("events", "send", "stripe", "wrong_secret", cwd=home, env=other)
    assert told.returncode == 1
    assert "other secrets" in told.stderr
    # Rejections are written in groups, once a second: it is asked until the next group is there.
    deadline = time.monotonic() + IN_TIME
    while "stripe\tmismatch" not in tillgate("events", "rejected", cwd=home).stdout:
        assert time.monotonic() < deadline


@pytest.mark.parametrize(
    ("options", "env", "says"),
    [
        (("--url", "http://pay.example"), {}, "is not on this machine"),
        ((), {"ENVIRONMENT": "production"}, "ENVIRONMENT is production"),
        ((), {"API_SECRET_KEYS": ""}, "There is no secret key"),
    ],
)
@pytest.mark.usefixtures("bare")
def test_events_are_sent_to_development_servers_of_this_machine_only(
    options: tuple[str, ...], env: dict[str, str], says: str
) -> None:
    known = {"API_SECRET_KEYS": "sk_0123456789abcdef"}
    told = CliRunner().invoke(cli, ["events", "send", "stripe", "x", *options], env=known | env)
    assert told.exit_code == 1
    assert says in told.stderr


def test_upi_is_settled_by_the_command_that_is_printed(dev: Started, home: Path) -> None:
    open_session(home, "by_hand", "upi")
    told = tillgate("events", "send", "upi", "by_hand", cwd=home)
    paste(f". ./{development_env(HOME)} && {told.stdout}", home)
    assert read_session(home, "by_hand")["status"] == "completed"


def test_a_second_one_on_the_directory_is_told_clearly(dev: Started, home: Path) -> None:
    told = tillgate("dev", "--port", "0", cwd=home)
    assert told.returncode == 1
    assert re.fullmatch(r"error \S+/\.tillgate is in use: process \d+ .*\n", told.stderr)
    assert (
        httpx.get(f"{address(home)}/health/live", trust_env=False, timeout=IN_TIME).status_code
        == 200
    )


def test_commands_share_the_database_of_the_running_server(dev: Started, home: Path) -> None:
    set_price = tillgate("prices", "set", "backstage", "49.99", "usd", "--major", cwd=home)
    assert set_price.returncode == 0, set_price.stderr
    listed = tillgate("prices", "list", cwd=home)
    assert "backstage\t4999\tUSD\t49.99 USD" in listed.stdout
    assert mongod_of(home / HOME) > 0


def test_its_secrets_are_for_the_owner_alone_and_out_of_git(dev: Started, home: Path) -> None:
    assert stat.S_IMODE((home / HOME).stat().st_mode) == 0o700
    assert stat.S_IMODE(development_env(home / HOME).stat().st_mode) == 0o600
    assert (home / HOME / ".gitignore").read_text() == "*\n"


def test_killed_it_takes_its_database_along_and_all_is_there_the_next_time(
    tmp_path: Path,
) -> None:
    with started("dev", "--port", "0", cwd=tmp_path, until=SERVES) as first:
        open_session(tmp_path, "kept", "stripe")
        tillgate("events", "send", "stripe", "kept", cwd=tmp_path)
        secret = keys(tmp_path)["API_SECRET_KEYS"]
        database = watch(mongod_of(tmp_path / HOME))
        first.process.kill()
        first.process.wait()
        assert ended(database)
    with started("dev", "--port", "0", cwd=tmp_path, until=SERVES) as second:
        assert read_session(tmp_path, "kept")["status"] == "completed"
        assert keys(tmp_path)["API_SECRET_KEYS"] == secret
        assert secret not in second.said
        assert "Keys and secrets are in .tillgate/development.env" in second.said


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.soak)]
)
def test_asked_to_end_it_stops_its_database_first(tmp_path: Path, number: signal.Signals) -> None:
    with started("dev", "--port", "0", cwd=tmp_path, until=SERVES) as running:
        pid = mongod_of(tmp_path / HOME)
        running.process.send_signal(number)
        assert running.process.wait(IN_TIME) == 0
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    # A clean stop leaves the lock empty.
    assert (tmp_path / HOME / "mongo" / "mongod.lock").read_text() == ""


def test_a_port_that_is_taken_is_told_clearly(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = tillgate("dev", "--port", port, cwd=tmp_path)
    assert told.returncode == 1
    assert told.stderr.startswith(f"error Port {port} of 127.0.0.1 is taken")
    assert not development_env(tmp_path / HOME).exists()


@pytest.mark.usefixtures("bare")
def test_it_is_not_for_production() -> None:
    told = CliRunner().invoke(cli, ["dev"], env={"ENVIRONMENT": "production"})
    assert told.exit_code == 1
    assert "use `tillgate serve`" in told.stderr


def test_a_real_client_brings_its_own_keys(tmp_path: Path) -> None:
    own = {
        "API_SECRET_KEYS": "sk_of_mine_0123456789abcdef",
        "JWT_JWKS_URL": "https://id.example/keys",
    }
    with started("dev", "--port", "0", cwd=tmp_path, until=SERVES, env=own) as running:
        assert "JWT_SECRET" not in keys(tmp_path)
        assert own["API_SECRET_KEYS"] not in running.said
        assert "SECRET_KEY is one of your API_SECRET_KEYS" in running.said
        answer = httpx.get(
            f"{address(tmp_path)}/api/payment-sessions?userId=u",
            headers={"Authorization": f"Bearer {own['API_SECRET_KEYS']}"},
            trust_env=False,
            timeout=IN_TIME,
        )
        assert answer.status_code == 200
