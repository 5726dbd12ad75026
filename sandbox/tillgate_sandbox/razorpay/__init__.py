"""Plays Razorpay: orders, payment links, payments, refunds, and the webhooks that tell of them."""
