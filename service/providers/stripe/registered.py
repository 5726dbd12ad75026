"""Stripe, as the registry takes it."""

from service.providers.stripe.adapter import StripeProvider
from service.providers.stripe.settings import StripeSettings
from service.providers.stripe.traits import TRAITS
from service.providers.traits import registered

STRIPE = registered(TRAITS, StripeSettings, lambda own, _: StripeProvider(own))
