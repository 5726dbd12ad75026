"""Settings of outbound webhooks."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from service.core.variables import Group


def _network(value: str) -> str:
    try:
        ip_network(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is not a network, e.g. 10.20.0.0/16") from error
    return value


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


Networks = Annotated[
    tuple[Annotated[str, AfterValidator(_network)], ...], NoDecode, BeforeValidator(_split)
]


class WebhookSettings(Group):
    """Webhooks that go out."""

    networks: Networks = Field((), validation_alias="WEBHOOK_NETWORKS")
    """Private networks that webhooks may go to all the same, comma list; none by default, and in
    development loopback."""
