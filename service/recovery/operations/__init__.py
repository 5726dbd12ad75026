"""Look for sessions that were left, remind their customers, measure what it brings."""
