"""PhonePe: checkout v2 with its webhooks, and the callbacks and status of the older v1."""
