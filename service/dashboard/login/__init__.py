"""Who may sign in: an admin key, remembered by a cookie."""
