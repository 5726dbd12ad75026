"""Plays Razorpay: orders, payment links, payments, refunds, and their webhooks."""
