"""Pages for people, behind a login: what touched a session."""
