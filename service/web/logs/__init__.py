"""What is written down of a request, and what never is."""
