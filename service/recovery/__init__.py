"""Customers who began to pay and left are reminded, and brought back to a checkout."""
