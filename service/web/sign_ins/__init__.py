"""Who is signed in to the dashboard: stored in the database, so that it can be revoked."""
