"""Settings of the database."""

from typing import Any
from urllib.parse import unquote

from pydantic import Field, model_validator

from service.core.variables import DATABASES_OF_MONGODB, DatabaseName, Group, Words


class DatabaseSettings(Group):
    """Where the documents live."""

    uri: str | None = Field(None, validation_alias="MONGODB_URI")
    """A replica set's address. Unset in development: an embedded server is started."""
    name: DatabaseName = Field("tillgate", validation_alias="MONGODB_DATABASE")
    """The database's name; unset: the one in the path of MONGODB_URI, else `tillgate`."""
    plain_hosts: Words = Field((), validation_alias="MONGODB_PLAIN_HOSTS")
    """Hosts that may be reached without TLS or password, since nobody else is on their network."""

    @model_validator(mode="before")
    @classmethod
    def _take_name_of_path(cls, read: dict[str, Any]) -> dict[str, Any]:
        """Use the database that the address names, as other programs do.

        `/admin` is where its user is known, and no database of ours.
        """
        named = _named_in(str(read.get("MONGODB_URI") or ""))
        if not named or read.get("MONGODB_DATABASE") or named in DATABASES_OF_MONGODB:
            return read
        return {**read, "MONGODB_DATABASE": named}


def _named_in(uri: str) -> str:
    """Return the database in the path of an address: `mongodb://host,host/database?options`."""
    return unquote(uri.partition("://")[2].partition("?")[0].partition("/")[2])
