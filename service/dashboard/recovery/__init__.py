"""Customers who left before they paid: who is reminded, and what that brings."""
