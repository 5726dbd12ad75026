"""A storm: many sessions at once, played with faults, and compared with a plain model."""
