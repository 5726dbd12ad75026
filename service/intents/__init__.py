"""Leads: what somebody said they would buy, before there is a session."""
