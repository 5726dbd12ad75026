"""Pure Python that every other room may use: errors, money, clock, ids, paging."""
