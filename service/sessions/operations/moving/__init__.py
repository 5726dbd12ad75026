"""The moves of a session between its states, and what ends with them."""
