"""What a log line says, and what no log line ever holds."""

import json
import os
import select
import subprocess
import sys
from typing import Any

import pytest
import structlog
from httpx import AsyncClient
from hypothesis import given
from hypothesis import strategies as st

from service.core.ids import new_key
from service.core.principal import Kind, Principal
from service.web.logs.access import log_request, write_lines_to
from service.web.logs.clients import clients_of
from service.web.logs.masking import mask_entry, mask_text
from tests.web.app import JWT_SECRET, SK, Seen, settings_for
from tests.web.conftest import SECRET

SECRETS = [
    SK,
    "pk_live_51HqLyjWDarjtT1zdp7dc",
    "sk_test_51HqLyjWDarjtT1zdp7dc",
    "rk_live_51HqLyjWDarjtT1zdp7dc",
    "ak_" + "A" * 43,
    f"ps_4GrYkb2OqL8ekPSb6vW5Sw_secret_{'Zk9-_' * 8}abc",
    f"my-order-17_secret_{'Zk9-_' * 8}abc",
    "pi_3MtwBwLkdIwHu7ix28a3tqPa_secret_YrKJUKribcBjcG8HVhfZluoGH",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "rzp_test_1DP5mmOlF5G5ag",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1In0.c2lnbmF0dXJl",
    "ada.lovelace+shop@mail.example.com",
    "merchant@okbank",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "around", ["{}", "GET /x?key={}&a=1", '{{"k": "{}"}}', "({})", "a,{},b", "next=x%3D{}%26y"]
)
def test_a_secret_is_masked_wherever_it_stands(secret: str, around: str) -> None:
    assert secret not in mask_text(around.format(secret))
    text = around.format(secret)
    broken = ValueError(text)
    entry = mask_entry(
        None,
        "info",
        {"event": text, "deep": [{"a": (text,), text: 1}], "why": broken, "path": text},
    )
    assert _telling(secret) not in repr(entry)
    assert _telling(secret) not in mask_text(text)


def _telling(secret: str) -> str:
    """Return the part of a secret that must never be seen: of a client secret, what proves."""
    return secret.rpartition("_secret_")[2]


@given(before=st.text(max_size=20), after=st.text(alphabet=" ,;\"'\n)", max_size=5))
def test_our_own_keys_are_masked_in_any_text(before: str, after: str) -> None:
    key = new_key("sk_")
    assert key[3:] not in mask_text(f"{before} {key}{after}")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("mongodb://root:pass@db:27017/x", "mongodb://***@db:27017/x"),
        ("session ps_4GrYkb2OqL8ekPSb6vW5Sw moved", "session ps_4GrYkb2OqL8ekPSb6vW5Sw moved"),
        ("POST /api/payment-sessions 201", "POST /api/payment-sessions 201"),
        ("pk_1", "pk_1"),
    ],
)
def test_only_secrets_are_masked(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    "name", ["client_secret", "clientSecret", "Authorization", "password", "api_key", "token"]
)
def test_a_value_under_a_secret_name_is_masked(name: str) -> None:
    assert mask_entry(None, "info", {name: "harmless"})[name] == "***"
    assert mask_entry(None, "info", {"a": {name: [1]}})["a"][name] == "***"


def test_bodies_are_told_by_their_size() -> None:
    assert mask_entry(None, "info", {"body": b"12345"}) == {"body": "<5 bytes>"}


async def test_a_request_is_one_line_without_its_secrets(http: AsyncClient) -> None:
    with structlog.testing.capture_logs() as logs:
        await http.get(
            "/api/orders?userId=ada@example.com", headers={**SECRET, "X-Request-Id": "req-7"}
        )
        await http.get("/api/orders/ps_1", headers={**SECRET, "X-Client-Secret": "hush"})
        await http.post("/api/orders", json={"amount": 1, "note": "private"}, headers=SECRET)
        await http.get("/nothing/ada@example.com")
        await http.get("/health/live")
    found = [(entry["method"], entry["path"], entry["status"]) for entry in logs]
    assert found == [
        ("GET", "/api/orders", 200),
        ("GET", "/api/orders/{session_id}", 200),
        ("POST", "/api/orders", 201),
        ("GET", "(none)", 404),
    ]
    assert {entry["principal"] for entry in logs} == {"secret:ops", None}
    assert all(entry["ms"] >= 0 for entry in logs)
    assert {entry["client"] for entry in logs} == {clients_of(settings_for()).name("127.0.0.1")}
    for hidden in ("ada", "hush", "private", SK, "ps_1", "127.0.0.1"):
        assert hidden not in repr(logs)


def test_the_longest_line_is_written_at_once_so_that_those_of_processes_dont_mix() -> None:
    """A pipe takes up to PIPE_BUF as a whole; one of packets shows what was written at once."""
    reading, writing = os.pipe2(os.O_DIRECT)
    caller = Principal(Kind.USER, "default", "0" * 12, user_id="\U0001f9fe" * 255)
    scope: Any = {
        "path": "/api/x",
        "method": "OPTIONS",
        "path_template": f"/api/{'x' * 100}",
        "state": {"principal": caller, "request_id": "r" * 64, "client": "c" * 27},
    }
    with open(reading, "rb", buffering=0) as packets, open(writing, "w") as stream:
        write_lines_to(stream)
        try:
            log_request(scope, 200, 1.0)
            log_request(scope, 404, 1.0)
        finally:
            write_lines_to(None)
        read = [packets.read(select.PIPE_BUF) for _ in range(2)]
    assert [json.loads(packet)["status"] for packet in read] == [200, 404]
    assert all(packet.endswith(b"\n") for packet in read)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("req-1_A", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("a b", False),
        ("", False),
        ("é", False),
    ],
)
async def test_a_request_id_is_taken_when_it_is_well_formed(
    http: AsyncClient, sent: str, kept: bool
) -> None:
    answer = await http.get("/api/whoami", headers=[(b"x-request-id", sent.encode("latin-1"))])
    given_back = answer.headers["x-request-id"]
    assert (given_back == sent) is kept
    assert len(given_back) == (len(sent) if kept else 32)


async def test_errors_of_a_request_carry_its_id(http: AsyncClient, seen: Seen) -> None:
    seen.fail_with = RuntimeError("broken")
    bound: list[str] = []

    def note(logger: Any, method: str, entry: dict[str, Any]) -> dict[str, Any]:
        bound.append(structlog.contextvars.get_contextvars()["request_id"])
        raise structlog.DropEvent

    old = structlog.get_config()["processors"]
    structlog.configure(processors=[note])
    try:
        await http.get("/api/fail", headers={"X-Request-Id": "req-9"})
    finally:
        structlog.configure(processors=old)
    assert bound == ["req-9", "req-9"]  # the error and the access line


PROGRAM = """
import logging, sys
import structlog
from service.web.logs.setup import configure_logging

configure_logging(
    production=sys.argv[1] == "production", level=(*sys.argv, "info")[3]
)
log = structlog.get_logger("x")
try:
    raise ValueError("user ada@example.com with " + sys.argv[2])
except ValueError as error:
    log.error("failed", exc_info=error, key=sys.argv[2], at=structlog)
logging.getLogger("uvicorn.error").info("started with %s", sys.argv[2])
logging.getLogger("uvicorn.access").info("not twice")
logging.getLogger("httpx").info("HTTP Request: GET https://api.example")
log.debug("too much")
"""


def lines_of(mode: str, *level: str) -> list[str]:
    """Log in a process of its own: logging is set up once for a whole process."""
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, mode, SK, *level],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == ""  # belongs to commands
    assert SK not in run.stderr
    assert "ada@" not in run.stderr
    return run.stderr.splitlines()


def test_production_writes_json_lines_with_tracebacks_and_without_secrets() -> None:
    entries = [json.loads(line) for line in lines_of("production")]
    assert [entry["event"] for entry in entries] == ["failed", "started with sk_***"]
    assert "ValueError: user <address>" in entries[0]["exception"]
    assert entries[0]["level"] == "error"
    assert entries[0]["timestamp"].endswith("Z")
    assert entries[1]["logger"] == "uvicorn.error"


def test_only_what_is_at_least_as_bad_as_the_level_is_logged() -> None:
    events = {
        level: [json.loads(line)["event"] for line in lines_of("production", level)]
        for level in ("debug", "warning", "error")
    }
    assert events["debug"] == ["failed", "started with sk_***", "too much"]
    assert events["warning"] == events["error"] == ["failed"]


def test_above_info_requests_leave_no_lines() -> None:
    program = PROGRAM + "from service.web.logs import access; print(len(access._stream))"
    counts = [
        subprocess.run(
            [sys.executable, "-c", program, "production", SK, level],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()[-1]
        for level in ("info", "warning")
    ]
    assert counts == ["1", "0"]


def test_development_writes_readable_lines() -> None:
    text = "\n".join(lines_of("development"))
    assert "ValueError" in text
    assert "\x1b" not in text  # no colours into a pipe


def test_the_jwt_secret_of_the_tests_is_not_mistaken() -> None:
    assert JWT_SECRET in mask_text(JWT_SECRET)  # a control: not everything is masked
