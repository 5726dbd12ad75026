"""Events as the providers send them: with genuine shapes and signatures. Pure."""
