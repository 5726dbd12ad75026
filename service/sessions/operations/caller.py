"""Who acts on a session, and what they may see of it."""

from msgspec import Struct

from service.core.ids import digest, same
from service.core.principal import Kind, Principal
from service.sessions.documents import TRUSTED, Session, SessionRow

# Whoever opened a session with one of these could not have opened anything at a provider.
NO_SERVERS = (f"{Kind.PUBLISHABLE}:", f"{Kind.USER}:")


class Caller(Struct, frozen=True):
    """Who opens, reads or changes a session, and with which proof."""

    principal: Principal
    client_secret: str | None = None
    idempotency_seed: str | None = None

    @property
    def trusted(self) -> bool:
        """Return whether the caller decides amounts: a secret key does, a browser does not."""
        return self.principal.kind is Kind.SECRET

    @property
    def sees_history(self) -> bool:
        """Return whether the caller is shown who moved a session, and why."""
        return self.principal.kind in {Kind.SECRET, Kind.ADMIN}

    @property
    def opens_from(self) -> str | None:
        """Return a customer's address as a keyed hash; None for a key of a server, which has none.

        What a dispute's evidence may say of it.
        """
        return None if self.trusted else self.principal.client

    def vouches_for(self, email: str | None) -> bool:
        """Return whether an address that the caller names is known to be its customer's.

        A server knows its customers. A user may name anybody's, unless the token has theirs.
        """
        if self.trusted or email is None:
            return email is not None
        proven = self.principal.email
        return proven is not None and proven.lower() == email.lower()

    def may_see(self, session: Session | SessionRow) -> bool:
        """Return whether the caller may know of a session of its merchant."""
        match self.principal.kind:
            case Kind.SECRET | Kind.ADMIN:
                return True
            case Kind.USER:
                # The user that a browser names in a session did not open it.
                own = session.user_id == self.principal.user_id
                return own and session.owner == TRUSTED
            case Kind.PUBLISHABLE:
                secret = self.client_secret
                return secret is not None and same(digest(secret), session.client_secret_hash)
            case _:
                return False

    def may_adopt(self, session: Session | SessionRow) -> bool:
        """Return whether an opening may return this session instead of creating one.

        A server never continues a session that a browser opened: whoever did holds its secret.
        """
        if self.principal.kind is Kind.SECRET:
            return session.owner == TRUSTED
        return self.may_see(session)

    def owner_of(self, session_id: str) -> str:
        """Return the owner of a session that the caller opens; a browser's is unique to it."""
        anybody = self.principal.kind is Kind.PUBLISHABLE
        return f"pk:{session_id}" if anybody else TRUSTED


def opened_by_a_server(session: Session) -> bool:
    """Return whether a secret key chose the session's id; a browser may have seen it elsewhere.

    A user's token is as good as an owner, but proves no more than a browser does.
    """
    began_by = session.history[0].by if session.history else ""
    return session.owner == TRUSTED and not began_by.startswith(NO_SERVERS)
