"""The documents of a storm: all that the service and its sandbox keep."""

from service.storage.database import Database
from service.storage.documents import bind
from service.storage.indexes import apply_indexes
from service.stored import DOCUMENTS
from tillgate_sandbox.building import prepare_sandbox


async def prepare_all(database: Database) -> None:
    """Bind every document to a database, with its indexes and validators."""
    await bind(database, DOCUMENTS)
    await apply_indexes(database, DOCUMENTS)
    await prepare_sandbox(database)
