"""The session: what somebody means to pay, from opening to its one end."""
