"""Plays PhonePe: checkout v2 with its webhooks, the status call and the callback of v1."""
