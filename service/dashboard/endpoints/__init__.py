"""The pages of webhook endpoints: where they are, what was sent there, what was answered."""
