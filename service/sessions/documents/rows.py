"""Sessions as they are read where validating the whole document would cost too much."""

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
    """What the cleanup reads of a session that it expires: enough for its messages.

    The rest, above all history and metadata, is not read.
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
    """A session exactly as stored, to be shown: building a document takes several times as long.

    `fields` has the stored names. Other readers may share the row: never change it.
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
        """Return who opened it; an empty string if the row does not say."""
        return str(self.fields.get("owner"))

    @property
    def client_secret_hash(self) -> str:
        """Return the hash that a client secret is checked against."""
        return str(self.fields["clientSecretHash"])

    def document(self) -> Session:
        """Build the document."""
        found: Session = Session.model_validate(self.fields)
        return found
