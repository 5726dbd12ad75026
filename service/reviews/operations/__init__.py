"""Decide about payments that did not fit their session: which decisions there are, and each."""
