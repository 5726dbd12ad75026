"""Named queries on the mails of the mailbox."""

from tillgate_sandbox.mailbox.documents import SandboxMail


async def keep(mail: SandboxMail) -> None:
    """Keep a mail."""
    await SandboxMail.get_pymongo_collection().insert_one(mail.to_row())


async def latest(limit: int) -> list[SandboxMail]:
    """Return the mails that were taken last, newest first."""
    found = SandboxMail.get_pymongo_collection().find({}).sort("at", -1).limit(limit)
    return [SandboxMail.model_validate(row) for row in await found.to_list()]


async def find(mail_id: str) -> SandboxMail | None:
    """Find a mail."""
    row = await SandboxMail.get_pymongo_collection().find_one({"_id": {"$eq": mail_id}})
    return SandboxMail.model_validate(row) if row else None
