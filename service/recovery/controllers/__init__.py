"""Recovery over HTTP: what admins set and see, and the page that a reminder leads to."""

from service.recovery.controllers.admin import AdminRecovery
from service.recovery.controllers.page import ResumePage
from service.recovery.controllers.showing import ASSETS

__all__ = ["ASSETS", "AdminRecovery", "ResumePage"]
