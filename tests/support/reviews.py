"""Do the sessions and the inbox say the same of what a person must look at?"""

from typing import Any

from service.inbox.documents import WebhookEvent
from service.sessions.operations.reviewing.doubts import awaiting, doubts_of, named_of
from service.storage.database import Database


async def disagreements(database: Database) -> list[str]:
    """Return in words where a session and its reviews differ; empty where all is well."""
    open_rows: dict[str, list[WebhookEvent]] = {}
    wrong: list[str] = []
    async for stored in database["webhook_events"].find({"status": "review"}):
        row = WebhookEvent.model_validate(stored)
        if row.decision is None:
            open_rows.setdefault(str(row.session_id), []).append(row)
            if row.purge_at is not None:
                wrong.append(f"{row.id} is open and is to be purged")
        elif awaiting(row):
            wrong.append(f"{row.id} is decided and awaits a capture")
    async for session in database["sessions"].find():
        found = open_rows.pop(session["sessionId"], [])
        wrong += [f"{session['sessionId']}: {one}" for one in _of(session, found)]
    return wrong + [f"{sid} is gone, with {len(rows)} reviews" for sid, rows in open_rows.items()]


def _of(session: dict[str, Any], rows: list[WebhookEvent]) -> list[str]:
    named, wanted = session["review"], named_of(rows)
    wrong = []
    if (named or {}).get("eventId") != (wanted.event_id if wanted else None):
        wrong.append(f"names {named}, and should name {wanted}")
    elif named is not None and wanted is not None and named["reason"] != wanted.reason:
        wrong.append(f"says {named['reason']}, and should say {wanted.reason}")
    verdicts = {one["paymentId"]: one["verdict"] for one in session["decisions"]}
    if len(verdicts) != len(session["decisions"]):
        wrong.append("decided twice about one payment")
    held = {one.about for row in rows for one in awaiting(row)}
    for about in held:
        capturing = (session["capturing"] or {}).get("paymentId")
        if verdicts.get(about) != "accepted" or capturing != about:
            wrong.append(f"awaits {about}, and captures {capturing}")
    if session["status"] != "completed":
        waits = {about for about, verdict in verdicts.items() if verdict == "accepted"}
        wrong += [f"accepted {about}, and waits for nothing" for about in waits - held]
    for row in rows:
        for one in doubts_of(row):
            done = one.about in verdicts and one.decision is None
            if done and one.reason not in {"paid_after_rejection", "payment_unresolved"}:
                wrong.append(f"{row.id} asks again about {one.about}")
    return wrong
