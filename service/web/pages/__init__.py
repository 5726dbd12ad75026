"""Pages: how templates are rendered, under which policy, and where the pages' files come from."""
