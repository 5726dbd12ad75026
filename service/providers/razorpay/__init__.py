"""Razorpay: orders, payment links, webhooks and checkout callbacks."""
