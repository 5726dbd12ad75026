"""What is logged about a request, and what never is."""
