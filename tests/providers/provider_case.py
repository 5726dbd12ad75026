"""What the contract tests need to know of one provider."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from service.providers.base import Provider

Sign = Callable[[bytes, datetime], dict[str, str]]


@dataclass(frozen=True)
class ProviderCase:
    """One provider with what plays its other side.

    `sign` gives the headers (lower-case names) with which the provider would send a body at a
    moment. `samples` are bodies by event type, JSON as the provider publishes it; empty where it
    sends none. `covers_body` is False where the signature does not cover the body (PhonePe v2).
    """

    name: str
    provider: Provider
    sign: Sign
    samples: dict[str, bytes] = field(default_factory=dict)
    covers_body: bool = True
