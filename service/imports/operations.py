"""Bring old rows in, as often as wanted: what is there already stays as it is."""

from collections.abc import Sequence

from msgspec import Struct
from pydantic import ValidationError

from service.audit.operations import Act, record
from service.core.principal import Principal
from service.core.strict_json import JsonObject
from service.imports.mapping import ImportRules, name_of, session_from
from service.imports.repository import Source, batches, insert_new, known_ids
from service.imports.values import BadRow, OldRow, Unreadable, shown
from service.sessions.documents import Session
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION

BATCH = 500
_BATCH_WITHIN_S = 30.0


class Refused(Struct, frozen=True):
    """An old row that was left out, and why."""

    name: str
    reason: str


class ImportReport:
    """What came of an import. `present`: a session of that id was there, and was left alone."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.read = 0
        self.brought_in = 0
        self.present = 0
        self.refused: list[Refused] = []


async def import_sessions(
    source: Source, rules: ImportRules, by: Principal, *, dry_run: bool
) -> ImportReport:
    """Read all rows and insert those that no session has the id of. Nothing is ever overwritten.

    Its beginning and its end are put on the record: one that is killed has none.
    """
    report = ImportReport()
    if not dry_run:
        await _record("import.began", by, rules)
    async for rows in batches(source, BATCH):
        report.read += len(rows)
        sessions = _readable(rows, rules, report)
        async with answers_in_time(_BATCH_WITHIN_S):
            await (_count if dry_run else _insert)(sessions, rules, report)
    if not dry_run:
        await _record("import.ended", by, rules, report)
    return report


async def _record(
    action: str, by: Principal, rules: ImportRules, report: ImportReport | None = None
) -> None:
    detail: JsonObject = {"currency": rules.currency, "unit": rules.unit}
    if report is not None:
        detail |= {"read": report.read, "broughtIn": report.brought_in}
        detail |= {"present": report.present, "leftOut": len(report.refused)}
    act = Act(action, f"{rules.origin}:{rules.source}", detail=detail)
    async with answers_in_time():
        await record(NO_TRANSACTION, by, act, rules.now)


def _readable(
    rows: Sequence[OldRow | Unreadable], rules: ImportRules, report: ImportReport
) -> list[Session]:
    sessions: dict[str, Session] = {}
    for row in rows:
        if isinstance(row, Unreadable):
            report.refused.append(Refused(row.name, row.reason))
            continue
        try:
            session = session_from(row, rules)
        except BadRow as error:
            report.refused.append(Refused(name_of(row), error.message))
            continue
        except (OverflowError, ValidationError) as error:
            reason = f"it can't be made a session: {shown(error)}"
            report.refused.append(Refused(name_of(row), reason))
            continue
        if session.session_id in sessions:
            report.refused.append(Refused(session.session_id, "its id stands twice"))
            continue
        sessions[session.session_id] = session
    return list(sessions.values())


async def _count(sessions: Sequence[Session], rules: ImportRules, report: ImportReport) -> None:
    ids = [session.session_id for session in sessions]
    present = await known_ids(rules.merchant_id, ids)
    report.present += len(present)
    report.brought_in += len(sessions) - len(present)


async def _insert(sessions: Sequence[Session], rules: ImportRules, report: ImportReport) -> None:
    if not sessions:
        return
    inserted = await insert_new(sessions)
    report.present += len(inserted.present)
    refused = len(inserted.second) + len(inserted.refused)
    report.brought_in += len(sessions) - len(inserted.present) - refused
    reason = "a session of this user, plan and provider is open, or another has its checkout"
    report.refused += [Refused(name, reason) for name in sorted(inserted.second)]
    report.refused += [
        Refused(name, f"the database refused it: {shown(why)}")
        for name, why in sorted(inserted.refused.items())
    ]
