"""What the sandbox has seen of a session, as lines of its timeline. Pure."""
