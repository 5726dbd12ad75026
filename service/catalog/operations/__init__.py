"""What the catalog does: prices are set, totals are quoted, and quotes hold for a while."""
