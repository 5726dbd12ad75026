"""Who is let in: keys of the environment and of the database, guards, and open routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from httpx import AsyncClient

from service.core.clock import ManualClock
from service.core.errors import InvalidInput, Misconfigured, NotFound
from service.core.ids import digest
from service.core.principal import Kind
from service.storage.database import Client, Database
from service.web.keys.issuing import list_keys, revoke_key
from service.web.keys.ring import REMEMBERED_FOR, KeyRing
from tests.support.keys import issue_key
from tests.support.limits import hastily
from tests.web.app import AK, JK, PK, SK, settings_for


@asynccontextmanager
async def reads_failing(client: Client) -> AsyncIterator[None]:
    """Cut every connection that reads, until the block ends."""
    data = {"failCommands": ["find"], "closeConnection": True, "appName": "tillgate"}
    await client.admin.command(
        {"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data}
    )
    try:
        yield
    finally:
        await client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})


async def label_of(http: AsyncClient, headers: dict[str, str]) -> str | None:
    """Ask who the service takes us for."""
    answer = await http.get("/api/whoami", headers=headers)
    assert answer.status_code == 200, answer.text
    found: str | None = answer.json()["label"]
    return found


@pytest.mark.parametrize(
    ("key", "kind"), [(PK, "publishable"), (SK, "secret"), (AK, "admin"), (JK, "jobs")]
)
async def test_each_kind_of_key_is_known_by_either_header(
    http: AsyncClient, key: str, kind: str
) -> None:
    by_bearer = await label_of(http, {"Authorization": f"Bearer {key}"})
    by_header = await label_of(http, {"X-API-Key": key})
    assert by_bearer == by_header == f"{kind}:{'ops' if key == SK else digest(key)[:12]}"


async def test_a_call_without_credential_is_anonymous(http: AsyncClient) -> None:
    assert await label_of(http, {}) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": "sk_nobody_issued_this_one"},
        {"X-API-Key": "sk_" + "a" * 43},
        {"X-API-Key": ""},
        {"X-API-Key": "x" * 5_000},
        {"X-API-Key": f" {SK[:-1]}"},
        {"X-API-Key": f"{SK}0"},
        {"X-API-Key": SK.upper()},
        {"Authorization": f"Bearer ops:{SK}"},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {SK}"},
        {"Authorization": f"Bearer {SK}", "X-API-Key": AK},
        {"X-API-Key": "sk_ÿ_latin_letters_in_a_key"},
    ],
)
async def test_a_wrong_credential_is_refused_even_where_none_is_needed(
    http: AsyncClient, headers: dict[str, str]
) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    answer = await http.get("/api/whoami", headers=raw)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="tillgate", error="invalid_token"'
    assert SK not in answer.text


async def test_a_public_route_does_not_look_at_credentials(http: AsyncClient) -> None:
    answer = await http.post("/api/hooks/phonepe", content=b"{}", headers={"Authorization": "9af1"})
    assert answer.status_code == 200


async def test_guards_tell_anonymous_callers_from_those_of_another_kind(http: AsyncClient) -> None:
    anonymous = await http.get("/api/orders/ps_1")
    assert (anonymous.status_code, anonymous.json()["error"]) == (401, "unauthenticated")
    assert anonymous.headers["www-authenticate"] == 'Bearer realm="tillgate"'
    other = await http.get("/api/orders/ps_1", headers={"X-API-Key": PK})
    assert (other.status_code, other.json()["error"]) == (403, "forbidden")
    assert other.json()["detail"] == (
        "This takes a secret key or an admin key, "
        "not a publishable key without the scope timelines:read."
    )
    assert (await http.get("/api/orders/ps_1", headers={"X-API-Key": SK})).status_code == 200


async def test_an_issued_key_opens_until_it_is_revoked(
    http: AsyncClient, clock: ManualClock
) -> None:
    issued = await issue_key(clock, Kind.SECRET, name="shop")
    headers = {"X-API-Key": issued.key}
    assert await label_of(http, headers) == "secret:shop"
    await revoke_key(clock, issued.key_id)
    clock.advance(REMEMBERED_FOR)
    assert (await http.get("/api/whoami", headers=headers)).status_code == 401


async def test_an_issued_key_expires(http: AsyncClient, clock: ManualClock) -> None:
    issued = await issue_key(clock, Kind.ADMIN, valid_for=timedelta(hours=1))
    assert await label_of(http, {"X-API-Key": issued.key}) == f"admin:{issued.key_id}"
    clock.advance(timedelta(hours=1))
    answer = await http.get("/api/whoami", headers={"X-API-Key": issued.key})
    assert answer.status_code == 401


async def test_the_key_itself_is_stored_nowhere(database: Database, clock: ManualClock) -> None:
    issued = await issue_key(clock, Kind.JOBS)
    row = await database["api_keys"].find_one({})
    assert row is not None
    assert row["_id"] == digest(issued.key)
    assert issued.key not in repr(row)


async def test_the_use_of_a_key_is_noted_once_a_minute(
    http: AsyncClient, clock: ManualClock
) -> None:
    issued = await issue_key(clock, Kind.SECRET)
    first = clock.now()
    await label_of(http, {"X-API-Key": issued.key})
    clock.advance(timedelta(seconds=30))
    await label_of(http, {"X-API-Key": issued.key})
    assert [key.last_used_at for key in await list_keys()] == [first]
    clock.advance(timedelta(seconds=30))
    await label_of(http, {"X-API-Key": issued.key})
    assert [key.last_used_at for key in await list_keys()] == [clock.now()]


async def test_what_was_looked_up_is_remembered_for_some_seconds(
    client: Client, database: Database, clock: ManualClock
) -> None:
    ring = KeyRing(settings_for().access, clock)
    issued = await issue_key(clock, Kind.SECRET)
    await ring.identify(issued.key)
    async with reads_failing(client):
        assert (await ring.identify(issued.key)).key_id == issued.key_id


async def test_a_database_that_does_not_answer_is_503_and_not_a_wrong_key(
    http: AsyncClient, client: Client
) -> None:
    async with reads_failing(client):
        with hastily():
            answer = await http.get("/api/whoami", headers={"X-API-Key": "sk_" + "b" * 43})
        assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "2"
        # Keys of the environment need no database, nor does a key that can't be in it.
        assert await label_of(http, {"X-API-Key": SK}) == "secret:ops"
        odd = await http.get("/api/whoami", headers={"X-API-Key": "sk_too_short_for_an_issued_key"})
        assert odd.status_code == 401


async def test_wrong_keys_do_not_fill_the_memory(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.web.keys.ring._MOST_REMEMBERED", 3)
    ring = KeyRing(settings_for().access, clock)
    for letter in "abcdef":
        with pytest.raises(Exception, match="not valid"):
            await ring.identify("sk_" + letter * 43)
    assert len(ring._remembered) == 3


async def test_keys_are_listed_newest_first_and_revoked_once(
    database: Database, clock: ManualClock
) -> None:
    old = await issue_key(clock, Kind.SECRET)
    clock.advance(timedelta(seconds=1))
    new = await issue_key(clock, Kind.PUBLISHABLE)
    assert [key.id[:12] for key in await list_keys()] == [new.key_id, old.key_id]
    await revoke_key(clock, old.key_id)
    with pytest.raises(NotFound):
        await revoke_key(clock, old.key_id)
    with pytest.raises(InvalidInput):
        await revoke_key(clock, ".*")


async def test_a_user_gets_no_key(database: Database, clock: ManualClock) -> None:
    with pytest.raises(InvalidInput):
        await issue_key(clock, Kind.USER)


def test_a_key_in_the_wrong_list_is_told_without_showing_it(clock: ManualClock) -> None:
    with pytest.raises(Misconfigured, match="admin key does not begin with ak_") as raised:
        KeyRing(settings_for(admin_keys=(SK,)).access, clock)
    assert SK not in str(raised.value)
