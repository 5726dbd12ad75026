"""How each condition is looked at: a file for what is asked alike."""
