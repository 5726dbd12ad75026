"""What is written about subscriptions."""
