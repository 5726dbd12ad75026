"""Settings of what a connection may use: bytes, time, and a place."""

from pydantic import Field

from service.core.variables import Group


class ConnectionSettings(Group):
    """What a connection may use of the server."""

    most: int = Field(800, ge=1, le=100_000, validation_alias="MAX_CONNECTIONS")
    """Connections at once, in each process. Further ones get 503, but health is still answered."""
    header_bytes: int = Field(16_384, ge=2_048, le=262_144, validation_alias="MAX_HEADER_BYTES")
    """Bytes of all headers of a request together; above that, 431."""
    address_bytes: int = Field(8_192, ge=512, le=65_000, validation_alias="MAX_ADDRESS_BYTES")
    """Bytes of a request's address with its query; above that, 414."""
    headers_within_s: float = Field(10, gt=0, le=300, validation_alias="HEADERS_WITHIN_S")
    """Seconds within which all headers of a request must arrive; after that, 408."""
    body_within_s: float = Field(30, gt=0, le=300, validation_alias="BODY_WITHIN_S")
    """Seconds within which the whole body must arrive; after that, 408."""
    answer_within_s: float = Field(30, gt=0, le=300, validation_alias="ANSWER_WITHIN_S")
    """Seconds within which the client must read an answer; after that, the connection is cut."""
    idle_s: float = Field(75, gt=0, le=3_600, validation_alias="IDLE_CONNECTION_S")
    """Seconds that an idle connection is kept open: longer than a load balancer's 60."""
