"""The page of figures: how a merchant does, against before."""
