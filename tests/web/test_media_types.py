"""Of which kind a body is: JSON for the API, a form for the pages; nothing else is guessed."""

import json

import pytest
from litestar import _parsers

from service.web import requests
from service.web.forms import read_cookies, read_form
from tests.support.api import Api
from tests.web.test_problems import assert_problem

ORDER = {
    "userId": "ada",
    "eventId": "e",
    "amount": 1000,
    "currency": "USD",
    "paymentMethod": "stripe",
}
LOGIN = "/dashboard/login"
FORM = "application/x-www-form-urlencoded"


async def _open(api: Api, kind: str | None, path: str = "/api/payment-sessions") -> int:
    headers = {"Content-Type": kind} if kind else {}
    answer = await api.call("POST", path, content=json.dumps(ORDER).encode(), headers=headers)
    if answer.status_code != 201:
        assert_problem(answer, 415, "unsupported_media_type")
    return answer.status_code


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/plain; charset=utf-8",
        FORM,
        "multipart/form-data; boundary=x",
        "json",
    ],
)
async def test_a_body_of_another_kind_is_not_taken_as_json(api: Api, kind: str) -> None:
    """A page of anybody's may post these kinds without asking first."""
    assert await _open(api, kind) == 415
    assert await _open(api, kind, "/api/payments/create-checkout") == 415


async def test_control_without_the_check_a_text_opens_a_session(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "_require_type", lambda scope, wanted: None)
    assert await _open(api, "text/plain") == 201


@pytest.mark.parametrize(
    "kind",
    [None, "application/json", "Application/JSON; charset=UTF-8", "application/merge-patch+json"],
)
async def test_json_is_taken_by_each_of_its_names(api: Api, kind: str | None) -> None:
    assert await _open(api, kind) == 201


async def test_a_webhook_is_what_was_signed_whatever_its_kind(api: Api) -> None:
    answer = await api.http.post(
        "/api/webhooks/stripe", content=b"{}", headers={"Content-Type": "text/plain"}
    )
    assert_problem(answer, 400, "invalid_signature")


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (f"{FORM}; charset=foo", b"key=a", 403),
        ("multipart/form-data; boundary=x", b"--x\r\n", 415),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="key"\r\n'
            b"Content-Type: text/plain; charset=foo\r\n\r\na\r\n--x--\r\n",
            415,
        ),
        ("application/json", b"{}", 415),
        (FORM, b"key=\xff", 400),
        (FORM, b"key=%ff", 400),
        (FORM, b"a&" * 21, 400),
        (FORM, b"a&" * 120_000, 400),
    ],
)
async def test_the_login_takes_a_form_and_nothing_else(
    api: Api, kind: str, body: bytes, status: int
) -> None:
    answer = await api.http.post(LOGIN, content=body, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text


def _kept() -> list[int]:
    """Count what the framework's own readers remember."""
    readers = (_parsers.parse_url_encoded_form_data, _parsers.parse_cookie_string)
    return [reader.cache_info().currsize for reader in readers]


async def test_forms_and_cookies_of_strangers_are_not_kept(api: Api) -> None:
    before = _kept()
    for number in range(3):
        headers = {"Content-Type": FORM, "Cookie": f"tillgate_form={number}"}
        await api.http.post(LOGIN, content=b"key=%d" % number, headers=headers)
    assert _kept() == before
    _parsers.parse_url_encoded_form_data(b"key=control")
    _parsers.parse_cookie_string("tillgate_form=control")
    assert _kept() == [number + 1 for number in before]


def test_cookies_are_read_as_they_stand() -> None:
    header = [(b"cookie", b'a=1; b="x"; c ; =d; a=2;;e=f=g'), (b"host", b"h"), (b"cookie", b"z=9")]
    assert read_cookies(header) == {"a": "2", "b": '"x"', "": "d", "e": "f=g", "z": "9"}


def test_a_form_is_read_in_utf_8() -> None:
    assert read_form("a=Z%C3%B6e+b&c=ä&d=&a=2".encode()) == {"a": "2", "c": "ä", "d": ""}
