"""Stripe, played: Checkout sessions, intents, refunds, subscriptions and events on its own wire."""
