"""The pages of subscriptions: how they stand, what was paid, and what can be changed."""
