"""Who may look: an admin key, remembered by a cookie."""
