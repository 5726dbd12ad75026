"""Hold closed reports against their hashes, and against those that the trail has of them."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from service.audit import repository as audit
from service.core.ids import digest
from service.reports import repository
from service.reports.documents import ClosedReport
from service.reports.errors import ReportAltered
from service.reports.states import MerchantInfo, ReportPeriod
from service.storage.answering import answers_in_time

_WITHIN_S: Final = 20.0


class Fault(Struct, frozen=True):
    """What is wrong with a report."""

    report_id: str
    what: str


class Verified(Struct, frozen=True):
    """How many reports were looked at, and what is wrong with them."""

    count: int
    faults: Sequence[Fault]


class _Said(Struct, frozen=True, rename="camel"):
    """Of what a report says that it is."""

    merchant_info: MerchantInfo
    currency: str
    period: ReportPeriod


def whole(report: ClosedReport) -> ClosedReport:
    """Return a report that is what was closed. Raises `ReportAltered`."""
    fault = fault_of(report)
    if fault is not None:
        raise ReportAltered(report.month, report.currency, fault)
    return report


def fault_of(report: ClosedReport) -> str | None:
    """Return in words what of a report is not as it was closed, None if nothing is seen of that."""
    if digest(report.content) != report.hash:
        return "its content does not have its hash"
    try:
        said = msgspec.json.decode(report.content, type=_Said)
    except msgspec.DecodeError:
        return "its content is no report"
    row = (report.merchant_id, report.currency, report.begins_at, report.ends_at)
    if row != (said.merchant_info.id, said.currency, said.period.start, said.period.end):
        return "its content is about another merchant, currency or time"
    if report.id != repository.id_of(report.merchant_id, report.currency, report.month):
        return "it is kept under another report's id"
    return None


async def verify_reports(merchant_id: str | None) -> Verified:
    """Look at all reports of a merchant, None: of all merchants. Raises `Unavailable`.

    Whoever can write the database can write a report and its hash: so that is held against the
    trail, too, which has each hash since its month was closed.
    """
    count, faults = 0, []
    async for report in repository.each(merchant_id):
        count += 1
        what = fault_of(report) or await _differs(report)
        if what is not None:
            faults.append(Fault(report.id, what))
    return Verified(count, faults)


async def _differs(report: ClosedReport) -> str | None:
    async with answers_in_time(_WITHIN_S):
        entries = await audit.of_object(report.merchant_id, f"report:{report.id}")
    told = [str(one.detail.get("hash")) for one in entries if one.action == "report.closed"]
    if not told:
        return "the trail has no entry report.closed of it"
    return None if told == [report.hash] else "the trail has another hash of it"
