"""Old leads are deleted: counted first, archived where that is asked for, and on the record."""

import gzip
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from service.core.batches import Until
from service.core.errors import Busy, InvalidInput, Misconfigured, Unavailable
from service.core.principal import Kind, Principal
from service.intents import repository
from service.intents.operations import archive, clear, purge
from service.intents.operations.archive import write_archive
from service.intents.operations.cleanup import clean_up
from service.intents.operations.orders import LEASE_NAME, Cleaned, CleanupReport, Order
from service.intents.operations.services import IntentServices
from service.jobs.operations.job import Turn
from service.leases.operations import leased
from tests.intents.leaving import PATH, ask, get, leave
from tests.support.api import ADMIN, JOBS
from tests.support.shop import Shop

OPERATOR = Principal(Kind.ADMIN, "default", "0" * 12, "somebody")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where leads are archived; nobody has made it yet."""
    return tmp_path / "archive" / "leads"


async def _old(shop: Shop, count: int = 3, days: int = 40) -> None:
    for number in range(count):
        await leave(shop.api, planName=f"old-{number}")
    shop.pass_time(days=days)
    await leave(shop.api, planName="new")


def _archiving(shop: Shop, directory: Path) -> IntentServices:
    return replace(shop.api.container.intents, archive_dir=directory)


def _order(shop: Shop, **changes: Any) -> Order:
    before = shop.clock.now() - timedelta(days=30)
    return replace(Order(before, dry_run=False, archive=True), **changes)


async def _left(shop: Shop) -> list[str]:
    rows = await shop.database["payment_intents"].find().to_list()
    return sorted(row["planName"] for row in rows)


def _files(directory: Path) -> list[Path]:
    return sorted(directory.iterdir())


def _lines(file: Path) -> list[dict[str, Any]]:
    kept = file.read_bytes()
    whole = gzip.decompress(kept) if file.suffix == ".gz" else kept
    return [json.loads(line) for line in whole.splitlines()]


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def _make(directory: Path, mode: int) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(mode)


async def _acts(shop: Shop) -> list[dict[str, Any]]:
    trail = await shop.api.call("GET", "/api/admin/audit?object=intents", ADMIN)
    return [one for one in trail.json()["entries"] if one["action"] == "intents.cleaned"]


async def test_nothing_is_deleted_unless_it_is_said(shop: Shop) -> None:
    await _old(shop)
    dry = (await ask(shop.api, "cleanup", retentionDays=30)).json()["data"]
    assert (dry["dryRun"], dry["found"], dry["deleted"], dry["remaining"]) == (True, 3, 0, 3)
    assert len(await _left(shop)) == 4
    assert await _acts(shop) == []
    done = (await ask(shop.api, "cleanup", retentionDays=30, dryRun=False)).json()["data"]
    assert (done["found"], done["deleted"], done["archived"], done["files"]) == (3, 3, 0, [])
    assert await _left(shop) == ["new"]
    [act] = await _acts(shop)
    assert act["detail"]["deleted"] == 3


async def test_without_a_directory_nothing_can_be_archived(shop: Shop) -> None:
    await _old(shop)
    answer = await ask(shop.api, "cleanup", archiveBeforeDelete=True, dryRun=False, retentionDays=1)
    assert answer.status_code == 400
    assert "INTENT_ARCHIVE_DIR" in answer.json()["detail"]
    assert len(await _left(shop)) == 4


async def test_an_emergency_has_to_be_confirmed(shop: Shop) -> None:
    await _old(shop)
    for query in ("", "?confirm=no", "?confirm=YES"):
        answer = await shop.api.call("DELETE", f"{PATH}/cleanup{query}", ADMIN)
        assert answer.status_code == 400, query
    assert len(await _left(shop)) == 4
    done = await shop.api.call("DELETE", f"{PATH}/cleanup?confirm=yes", ADMIN)
    assert done.json()["data"]["deleted"] == 3
    assert await _left(shop) == ["new"]


@pytest.mark.parametrize("compress", [False, True])
async def test_what_is_deleted_was_archived_whole(
    shop: Shop, directory: Path, compress: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clear, "AT_ONCE", 2)
    await _old(shop)
    services = _archiving(shop, directory)
    done = await clean_up(_order(shop, compress=compress), OPERATOR, services)
    assert (done.deleted, done.archived, len(done.files)) == (3, 3, 2)
    files = _files(directory)
    assert [file.name for file in files] == sorted(done.files)
    assert {"".join(file.suffixes) for file in files} == {".jsonl.gz" if compress else ".jsonl"}
    assert {_mode(file) for file in files} == {0o600}
    assert _mode(directory) == 0o700
    lines = [line for file in files for line in _lines(file)]
    assert sorted(line["planName"] for line in lines) == ["old-0", "old-1", "old-2"]
    assert [act["detail"]["archive"] for act in await _acts(shop)][::-1] == [*done.files]
    assert await _left(shop) == ["new"]


async def test_who_wants_no_archive_gets_none_though_there_is_a_directory(
    shop: Shop, directory: Path
) -> None:
    await _old(shop)
    services = _archiving(shop, directory)
    assert await clean_up(_order(shop, archive=False), OPERATOR, services) == Cleaned(3, 3, 0, [])
    assert not Path(directory).parent.is_dir()
    assert await _left(shop) == ["new"]


async def test_a_job_whose_time_is_up_deletes_no_more(
    shop: Shop, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _old(shop, days=366)
    report = CleanupReport(LEASE_NAME)
    await purge.purge(_archiving(shop, directory), report, Turn(Until(0)))
    assert (report.deleted, await shop.database["payment_intents"].count_documents({})) == (0, 4)


async def test_what_could_not_be_archived_is_not_deleted(shop: Shop, directory: Path) -> None:
    await _old(shop)
    _make(directory, 0o755)
    with pytest.raises(Misconfigured, match="chmod 700"):
        await clean_up(_order(shop), OPERATOR, _archiving(shop, directory))
    a_file = directory / "file"
    a_file.write_text("")
    with pytest.raises(Misconfigured, match="can't be written"):
        await clean_up(_order(shop), OPERATOR, _archiving(shop, a_file / "below"))
    assert len(await _left(shop)) == 4
    marked = {"deletableAt": {"$type": "date"}}  # what the database would delete by itself
    assert await shop.database["payment_intents"].count_documents(marked) == 0
    # Control: closed, it takes them.
    _make(directory, 0o700)
    done = await clean_up(_order(shop), OPERATOR, _archiving(shop, directory))
    assert done.deleted == 3


def test_a_file_that_was_not_written_whole_has_no_name(
    shop: Shop, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"createdAt": shop.clock.now(), "planName": str(n)} for n in range(3)]

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(Misconfigured, match="No space left"):
        write_archive(directory, rows, compress=False, now=shop.clock.now())
    assert list(directory.iterdir()) == []
    monkeypatch.undo()
    written = write_archive(directory, rows, compress=False, now=shop.clock.now())
    assert written.count == 3


async def test_a_file_with_too_few_leads_deletes_none(
    shop: Shop, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from a disk that says yes and keeps a part."""
    await _old(shop)
    write = archive._write

    def lose_a_line(path: Path, lines: bytes, *, compress: bool) -> None:
        write(path, lines.partition(b"\n")[2], compress=compress)

    monkeypatch.setattr(archive, "_write", lose_a_line)
    with pytest.raises(Misconfigured, match="2 of 3"):
        await clean_up(_order(shop), OPERATOR, _archiving(shop, directory))
    assert _files(directory) == []
    assert len(await _left(shop)) == 4


async def test_a_clean_up_that_ends_in_the_middle_loses_nothing(
    shop: Shop, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _old(shop)

    async def fail(*_: object) -> int:
        raise Unavailable("The database can't answer now; try again.")

    monkeypatch.setattr(repository, "delete_marked", fail)
    services = _archiving(shop, directory)
    with pytest.raises(Unavailable):
        await clean_up(_order(shop), OPERATOR, services)
    rows = await shop.database["payment_intents"].find({}).to_list()
    # The TTL index would delete them in three days, and they are archived.
    assert sum(row["deletableAt"] is not None for row in rows) == 3
    assert [len(_lines(file)) for file in _files(directory)] == [3]
    assert await _acts(shop) == []
    monkeypatch.undo()
    assert (await clean_up(_order(shop), OPERATOR, services)).deleted == 3
    assert [len(_lines(file)) for file in _files(directory)] == [3, 3]
    assert len(await _acts(shop)) == 1


async def test_two_at_once_do_it_once(shop: Shop, directory: Path) -> None:
    await _old(shop)
    services = _archiving(shop, directory)
    async with leased(LEASE_NAME, timedelta(minutes=1), shop.clock):
        with pytest.raises(Busy):
            await clean_up(_order(shop), OPERATOR, services)
    done = await clean_up(_order(shop), OPERATOR, services)
    assert done == Cleaned(3, 3, 3, [file.name for file in _files(directory)])


async def test_the_job_deletes_what_was_kept_long_enough(shop: Shop, directory: Path) -> None:
    await _old(shop, days=364)
    ran = await shop.api.call("POST", "/api/jobs/intents-cleanup", JOBS)
    assert (ran.json()["deleted"], ran.json()["archived"]) == (0, 0)
    shop.pass_time(days=1)
    report = CleanupReport(LEASE_NAME, dry_run=True)
    services = _archiving(shop, directory)
    await purge.count_due(services, report, Turn(Until(float("inf"))))
    assert report.deleted == 3
    report = CleanupReport(LEASE_NAME)
    await purge.purge(services, report, Turn(Until(float("inf"))))
    assert (report.deleted, report.archived) == (3, 3)
    assert await _left(shop) == ["new"]


async def test_of_another_merchant_nothing_is_deleted(shop: Shop) -> None:
    await _old(shop)
    other = Principal(Kind.ADMIN, "other", "0" * 12, "somebody")
    order = _order(shop, archive=False)
    assert (await clean_up(order, other, shop.api.container.intents)).found == 0
    assert len(await _left(shop)) == 4
    with pytest.raises(InvalidInput):
        await clean_up(_order(shop), other, shop.api.container.intents)


async def test_health_says_how_much_is_kept_and_what_to_do(shop: Shop) -> None:
    empty = await get(shop.api, "cleanup", action="health")
    assert (empty["status"], empty["totalRecords"]) == ("healthy", 0)
    assert empty["dateRange"] == {"start": None, "end": None}
    await _old(shop, days=366)
    due = await get(shop.api, "cleanup", action="recommendations")
    assert (due["totalRecords"], due["due"], due["status"]) == (4, 3, "healthy")
    assert due["recommendations"][0].startswith("3 leads are older than 365 days")
    assert due["dateRange"]["start"] == "2026-11-21T12:00:00Z"
    shop.pass_time(days=2)
    late = await get(shop.api, "cleanup")
    assert (late["status"], late["needsCleanup"]) == ("needs_cleanup", True)
    answer = await shop.api.call("GET", f"{PATH}/cleanup?action=explode", ADMIN)
    assert answer.status_code == 400
