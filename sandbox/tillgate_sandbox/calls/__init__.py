"""Who asked whom: calls on the played providers' wires, and calls that touch a session."""
