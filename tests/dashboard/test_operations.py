"""The page of operations without a browser: who sees what, what its buttons do, what it refuses."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from httpx import AsyncClient
from litestar import Litestar

from service.core.clock import ManualClock
from service.core.principal import AccessScope, Kind
from service.dashboard import acting
from service.dashboard.said import SAID
from service.jobs.operations.job import Table
from service.storage.database import Client, Database
from tests.dashboard.operated import EVIL, PAGE, Slow, event, failed_run, over, press, said
from tests.dashboard.signing_in import sign_in, token_in
from tests.storage.failing import failing
from tests.support.keys import issue_key
from tests.support.limits import hastily


@pytest.fixture
def table(app: Litestar) -> Table:
    """The table of jobs of the application."""
    found: Table = app.state.container.job_table
    return found


@pytest_asyncio.fixture
async def slow(table: Table, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Slow]:
    """One more job, which is over with the test."""
    added = Slow()
    monkeypatch.setitem(table.jobs, "slow", added.job)  # type: ignore[arg-type]
    yield added
    added.let_go.set()
    await over(table)


@pytest_asyncio.fixture
async def http(api: Any, app: Litestar) -> AsyncClient:
    """An operator's browser."""
    await sign_in(api.http)
    found: AsyncClient = api.http
    return found


async def acts(database: Database) -> list[tuple[str, str, str]]:
    """Return what the audit has of what was done here."""
    rows = (
        await database["audit_log"].find({"object": {"$regex": "^job:"}}).sort("_id", 1).to_list()
    )
    return [(row["action"], row["actor"], row["object"]) for row in rows]


async def test_a_run_begins_and_the_page_does_not_wait_for_it(
    http: AsyncClient, slow: Slow, table: Table, database: Database
) -> None:
    assert await said(http, "run", "slow") == "A run of slow has begun. It goes on by itself."
    page = (await http.get(PAGE)).text
    assert re.search(r'id="now-slow"[^>]*data-live', page)
    assert 'aria-label="Run now: slow"' not in page  # it would be refused
    assert re.search(r"<dt>So far</dt>\s*<dd>nothing</dd>", page)
    assert await said(http, "run", "slow") == "A run of slow is under way, so no other was begun."
    assert await acts(database) == []
    slow.let_go.set()
    await over(table)
    page = (await http.get(PAGE)).text
    assert "<dd>steps: 7</dd>" in page
    assert not re.search(r'id="now-slow"[^>]*data-live', page)
    assert 'aria-label="Run now: slow"' in page
    assert await acts(database) == [("job.ran", "admin:ops", "job:slow")]


async def test_a_paused_job_is_run_by_nobody_until_it_is_resumed(
    http: AsyncClient, slow: Slow, table: Table, database: Database
) -> None:
    slow.let_go.set()
    assert (await said(http, "pause", "slow")).startswith("slow is paused. A run that is under way")
    page = (await http.get(PAGE)).text
    assert "nobody runs it until it is resumed" in page
    assert 'aria-label="Run now: slow"' not in page
    assert await said(http, "run", "slow") == "Nothing was run: slow is paused. Resume it first."
    assert await said(http, "pause", "slow") == "slow was paused already."
    assert await said(http, "resume", "slow") == "slow runs again when it is called next."
    assert await said(http, "resume", "slow") == "slow was not paused."
    await said(http, "run", "slow")
    await over(table)
    told = [action for action, *_ in await acts(database)]
    assert told == ["job.paused", "job.resumed", "job.ran"]


async def test_what_is_not_there_is_refused_in_words(http: AsyncClient) -> None:
    for act in ("run", "pause", "resume"):
        assert "There is no job" in await said(http, act, EVIL)
        assert "There is no job" in await said(http, act, "")


async def test_what_an_act_came_to_is_said_once_and_nobody_plants_it(
    http: AsyncClient, slow: Slow
) -> None:
    await press(http, "pause", "slow")
    kept = http.cookies[SAID]
    assert "slow is paused" in (await http.get(PAGE)).text
    assert SAID not in http.cookies
    assert 'id="said"' not in (await http.get(PAGE)).text
    for planted in (f"{kept}x", kept.replace(kept[:4], "AAAA", 1), "x.y", "."):
        http.cookies.set(SAID, planted, path="/dashboard")
        answer = await http.get(PAGE)
        assert (answer.status_code, 'id="said"' in answer.text) == (200, False)
        http.cookies.delete(SAID)
    http.cookies.set(SAID, kept, path="/dashboard")
    assert 'id="said"' in (await http.get(PAGE)).text  # the control


async def test_a_form_that_is_old_or_another_sites_does_nothing(
    http: AsyncClient, slow: Slow, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for act in ("run", "pause", "resume"):
        refused = await press(http, act, "slow", token="x")
        assert (refused.status_code, "This form was old" in refused.text) == (403, True)
    assert await database["jobs"].count_documents({}) == 0
    assert await database["job_runs"].count_documents({}) == 0
    monkeypatch.setattr(acting, "came_from_us", lambda *_: True)  # the control
    assert (await press(http, "pause", "slow", token="x")).status_code == 303
    assert await database["jobs"].count_documents({}) == 1


async def test_who_is_signed_out_is_led_to_the_login_and_back(http: AsyncClient) -> None:
    token = token_in(await http.get(PAGE))
    http.cookies.clear()
    for answer in (
        await http.get(PAGE),
        await http.post(f"{PAGE}/run", data={"token": token, "id": "events"}),
    ):
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            f"/dashboard/login?next={PAGE}",
        )
    assert (await sign_in(http, following=PAGE)).headers["location"] == PAGE


_SEES = {AccessScope.TIMELINES_READ}
_QUEUES, _JOBS, _DEAD = (f'<h2 id="{name}">' for name in ("queues", "jobs", "dead-letters"))


@pytest.mark.parametrize(
    ("merchant", "scopes", "seen"),
    [
        ("default", None, {_QUEUES, _JOBS, _DEAD}),
        ("default", {AccessScope.METRICS_READ, AccessScope.OPERATOR}, {_QUEUES}),
        ("default", {AccessScope.JOBS_RUN, AccessScope.OPERATOR}, {_JOBS}),
        ("default", {AccessScope.JOBS_RUN, AccessScope.METRICS_READ}, set()),
        ("alpha", None, {_DEAD}),
        ("alpha", {AccessScope.DELIVERIES_READ}, {_DEAD}),
    ],
)
async def test_each_reader_sees_and_does_what_the_routes_allow(
    api: Any, clock: ManualClock, merchant: str, scopes: set[AccessScope] | None, seen: set[str]
) -> None:
    granted = sorted(scopes | _SEES) if scopes is not None else None
    issued = await issue_key(clock, Kind.ADMIN, merchant_id=merchant, scopes=granted)
    await sign_in(api.http, issued.key)
    page = (await api.http.get(PAGE)).text
    assert {one for one in (_QUEUES, _JOBS, _DEAD) if one in page} == seen
    assert ("Your key may see nothing here" in page) == (seen == set())
    assert ("Run now" in page) == (_JOBS in seen)
    for act in ("run", "pause", "resume"):
        answer = await press(api.http, act, "events")
        assert answer.status_code == (303 if _JOBS in seen else 403), act
        assert _JOBS in seen or "jobs:run" in answer.text or "operator" in answer.text
    listed = await api.call("GET", "/api/jobs", issued.key)
    assert listed.status_code == (200 if _JOBS in seen else 403)
    figures = await api.call("GET", "/metrics", issued.key)
    assert figures.status_code == (200 if _QUEUES in seen else 403)
    await over(api.container.job_table)


async def test_queues_are_counted_and_nothing_from_outside_is_markup(
    http: AsyncClient, database: Database, clock: ManualClock
) -> None:
    assert "Nothing waits." in (await http.get(PAGE)).text
    events = database["webhook_events"]
    await events.insert_many(
        [
            event(clock),
            event(clock, _id="b", status="review"),
            event(clock, _id="c", provider=EVIL),
        ]
    )
    await database["job_runs"].insert_one(failed_run(clock))
    page = (await http.get(PAGE)).text
    assert "<script>alert" not in page
    assert "<img" not in page.partition("<main")[2]
    assert page.count("&lt;script&gt;alert(1)") >= 5
    assert "\\u001b[2J" in page
    assert "x" * 80 not in page
    assert "y" * 240 not in page
    assert ">in review</span>" in page
    assert ">given up</span>" in page


async def test_the_page_says_in_words_why_a_job_is_late(
    http: AsyncClient, database: Database, table: Table
) -> None:
    began = table.clock.now()
    ran = failed_run(table.clock) | {"job": "cleanup", "by": "jobs:cron", "error": "not now"}
    key = (await database["job_runs"].insert_one(ran)).inserted_id
    assert ">late</span>" not in (await http.get(PAGE)).text  # the control
    earlier = {"$set": {"startedAt": began - timedelta(hours=3)}}
    await database["job_runs"].update_one({"_id": key}, earlier)
    page = (await http.get(PAGE)).text
    assert ">late</span>" in page
    assert "nobody has called it for 3 h. Look whether its CronJob" in page
    assert "Its last run failed. No run has succeeded yet." in page


async def test_a_database_that_is_away_is_503(http: AsyncClient, client: Client) -> None:
    token = token_in(await http.get(PAGE))
    commands = ["find", "aggregate", "update", "findAndModify"]
    async with failing(client, commands, errorCode=91):
        with hastily():
            assert (await http.get(PAGE)).status_code == 503
            sent = {"token": token, "id": "events"}
            assert (await http.post(f"{PAGE}/run", data=sent)).status_code == 503
    assert (await http.get(PAGE)).status_code == 200


async def test_queues_that_can_not_be_counted_in_time_hide_nothing_else(
    http: AsyncClient, client: Client
) -> None:
    words = "The queues could not be counted in time."
    async with failing(client, ["aggregate"], errorCode=50):
        with hastily():
            answer = await http.get(PAGE)
    assert (answer.status_code, words in answer.text) == (200, True)
    assert [one in answer.text for one in (_QUEUES, _JOBS, _DEAD)] == [False, True, True]
    assert words not in (await http.get(PAGE)).text  # the control


async def test_a_page_that_refreshes_itself_asks_for_the_jobs_alone(
    http: AsyncClient, client: Client
) -> None:
    async with failing(client, ["aggregate"], errorCode=50):
        with hastily():
            page = (await http.get(PAGE, headers={"X-Unattended": "1"})).text
    assert "could not be counted" not in page  # nobody tried
    assert [one in page for one in (_QUEUES, _JOBS, _DEAD)] == [False, True, False]
