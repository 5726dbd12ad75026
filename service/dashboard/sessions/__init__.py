"""What touched a session, drawn."""
