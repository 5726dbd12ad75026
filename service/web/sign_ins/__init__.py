"""Who is signed in to pages for people: kept in the database, so that it can be ended."""
