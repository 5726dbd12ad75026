"""What happens with figures: rows become facts, facts become roll-ups, roll-ups answers."""
