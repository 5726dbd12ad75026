"""A lab whose Stripe has subscriptions."""

from tests.sandbox.standing import lab, lab_put_back

__all__ = ["lab", "lab_put_back"]
