"""get-or-create by a server that names a checkout: adopted, refused, never dropped."""

from typing import Any

from httpx import Response

from service.storage.database import Database
from tests.sessions.asking import CHECKOUTS, checkout_body, problem
from tests.support.api import Api


async def _ask(api: Api, ref: str | None, **more: Any) -> Response:
    return await api.call("POST", CHECKOUTS, json=checkout_body(providerSessionId=ref, **more))


async def test_a_checkout_that_a_server_names_later_is_adopted(
    api: Api, database: Database
) -> None:
    first = (await _ask(api, None)).json()["session"]
    for _ in range(2):  # and the same call again is the same
        answer = await _ask(api, "cs_test_1")
        assert answer.status_code == 200, answer.text
        assert answer.json()["session"]["sessionId"] == first["sessionId"]
        assert answer.json()["session"]["providerSessionId"] == "cs_test_1"
    stored = await database["sessions"].find_one({})
    assert stored is not None
    assert stored["checkoutIds"] == ["cs_test_1"]
    assert [(one["ref"], one["n"]) for one in stored["checkouts"]] == [("cs_test_1", 0)]


async def test_a_second_checkout_of_one_session_is_refused_and_said_so(api: Api) -> None:
    assert (await _ask(api, "cs_test_1")).status_code == 201
    refused = problem(await _ask(api, "cs_test_2"), 409, "open_session_differs")
    assert "cs_test_1" in refused["detail"]
    assert (await _ask(api, "cs_test_1")).status_code == 200


async def test_a_checkout_of_another_session_is_refused(api: Api) -> None:
    assert (await _ask(api, "cs_test_1")).status_code == 201
    problem(await _ask(api, "cs_test_1", userId="another"), 409, "checkout_taken")
    assert (await _ask(api, None, userId="another")).status_code == 201
    problem(await _ask(api, "cs_test_1", userId="another"), 409, "checkout_taken")
