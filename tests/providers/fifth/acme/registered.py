"""Acme, as the registry takes it."""

from service.providers.acme.adapter import AcmeProvider
from service.providers.acme.settings import AcmeSettings
from service.providers.acme.traits import TRAITS

from service.providers.traits import registered

ACME = registered(TRAITS, AcmeSettings, lambda own, _: AcmeProvider(own))
