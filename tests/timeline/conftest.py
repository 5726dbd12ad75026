"""The application on a clock that a test moves, and the shop that events are posted to."""

from tests.support.built import app
from tests.support.shop import shop

__all__ = ["app", "shop"]
