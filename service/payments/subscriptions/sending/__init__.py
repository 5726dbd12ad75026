"""Read and change subscriptions at their providers."""
