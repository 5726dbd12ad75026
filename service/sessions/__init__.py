"""The session: what somebody wants to pay for, from opening to its single outcome."""
