"""Razorpay, as the registry takes it."""

from service.providers.razorpay.adapter import RazorpayProvider
from service.providers.razorpay.settings import RazorpaySettings
from service.providers.razorpay.traits import TRAITS
from service.providers.traits import registered

RAZORPAY = registered(TRAITS, RazorpaySettings, RazorpayProvider)
