"""Idempotency-Key (the IETF httpapi draft): the same call twice does its work once."""
