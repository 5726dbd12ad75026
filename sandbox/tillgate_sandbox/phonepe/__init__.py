"""Plays PhonePe: checkout v2 with its webhooks, and v1's status call and callback."""
