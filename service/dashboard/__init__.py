"""Pages for people: the demo shop, and what touched a session behind a login."""
