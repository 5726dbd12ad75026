"""Failovers under load: nothing acknowledged is lost, and the service answers after each."""
