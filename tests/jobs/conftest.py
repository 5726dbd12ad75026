"""The shop that events are posted to."""

from tests.support.shop import shop

__all__ = ["shop"]
