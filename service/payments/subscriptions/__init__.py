"""Subscriptions: how they stand at their providers, and what changes them."""
