"""The page of what a person must hear of."""
