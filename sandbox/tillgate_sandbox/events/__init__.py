"""Events as the providers send them: genuinely shaped, genuinely signed. Pure."""
