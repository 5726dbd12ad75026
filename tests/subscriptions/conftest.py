"""A lab whose Stripe has subscriptions, and the same for those who post events themselves."""

import pytest

from service.core.clock import ManualClock
from service.storage.database import Database
from tests.sandbox.lab import Lab
from tests.sandbox.standing import lab, lab_put_back
from tests.support.shop import Shop

__all__ = ["lab", "lab_put_back"]


@pytest.fixture
def shop(lab: Lab, clock: ManualClock, database: Database) -> Shop:
    """The lab's application: a second one took a second and a half."""
    return Shop(lab.api, clock, database)
