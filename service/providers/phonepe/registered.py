"""PhonePe, as the registry takes it."""

from service.providers.phonepe.adapter import PhonePeProvider
from service.providers.phonepe.settings import PhonePeSettings
from service.providers.phonepe.traits import TRAITS
from service.providers.traits import registered

PHONEPE = registered(TRAITS, PhonePeSettings, PhonePeProvider)
