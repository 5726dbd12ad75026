"""A lab whose Stripe has subscriptions."""

from tests.sandbox.conftest import lab

__all__ = ["lab"]
