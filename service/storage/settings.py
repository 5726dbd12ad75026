"""Settings of the database."""

from pydantic import Field

from service.core.variables import DatabaseName, Group, Words


class DatabaseSettings(Group):
    """Where the documents live."""

    uri: str | None = Field(None, validation_alias="MONGODB_URI")
    """A replica set's address. Unset in development: an embedded server is started."""
    name: DatabaseName = Field("tillgate", validation_alias="MONGODB_DATABASE")
    """The database's name."""
    plain_hosts: Words = Field((), validation_alias="MONGODB_PLAIN_HOSTS")
    """Hosts that may be reached without TLS or password, since nobody else is on their network."""
