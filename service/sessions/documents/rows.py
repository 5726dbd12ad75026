"""Sessions as they are read where the whole document would cost too much."""

from msgspec import Struct
from pydantic import ConfigDict, Field

from service.providers.registry import ProviderName
from service.sessions.documents.parts import Checkout, Opening
from service.sessions.documents.session import Kind, Session
from service.sessions.states import Status
from service.storage.database import Row
from service.storage.documents import StoredPart
from service.storage.keys import Key


class DueSession(StoredPart):
    """What the cleanup reads of a session that it expires: enough to tell of it.

    The rest, its history and metadata above all, is not read.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    id: Key
    merchant_id: str
    session_id: str
    kind: Kind
    amount: int
    currency: str
    provider: ProviderName
    status: Status
    late: bool = False
    version: int = 1
    checkouts: list[Checkout] = Field(default_factory=list)
    opening: Opening | None = None


class SessionRow(Struct, frozen=True):
    """A session just as it is stored, to be shown: a document takes several times as long to make.

    `fields` have their stored names. Others may hold the same row: it is not to be changed.
    """

    fields: Row

    @property
    def session_id(self) -> str:
        """Return the session's id."""
        return str(self.fields["sessionId"])

    @property
    def price(self) -> tuple[int, str]:
        """Return the amount in minor units and its currency."""
        return self.fields["amount"], self.fields["currency"]

    @property
    def user_id(self) -> str:
        """Return the user that the session was opened for."""
        return str(self.fields["userId"])

    @property
    def owner(self) -> str:
        """Return who opened it; nobody that is known where the row does not tell."""
        return str(self.fields.get("owner"))

    @property
    def client_secret_hash(self) -> str:
        """Return what a client secret is held against."""
        return str(self.fields["clientSecretHash"])

    def document(self) -> Session:
        """Make the document of it."""
        found: Session = Session.model_validate(self.fields)
        return found
