"""UPI, as the registry takes it."""

from service.providers.traits import registered
from service.providers.upi.adapter import UpiProvider
from service.providers.upi.settings import UpiSettings
from service.providers.upi.traits import TRAITS

UPI = registered(TRAITS, UpiSettings, lambda own, _: UpiProvider(own))
