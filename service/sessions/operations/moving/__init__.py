"""Where a session stands: the moves between its states, and what ends with them."""
