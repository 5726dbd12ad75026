"""The one place that wires: which documents exist, who handles what, what is built from what."""

from service.storage.documents import StoredDocument

DOCUMENTS: tuple[type[StoredDocument], ...] = ()
