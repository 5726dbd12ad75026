"""Leads: who would buy what, and how far they came."""
