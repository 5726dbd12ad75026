"""Stripe: hosted checkouts, subscriptions, signed events (https://docs.stripe.com/api)."""
