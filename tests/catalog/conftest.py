"""The application on a clock that a test moves."""

from tests.support.built import app

__all__ = ["app"]
