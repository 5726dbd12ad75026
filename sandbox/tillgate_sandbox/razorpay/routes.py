"""All of Razorpay's API that is played."""

from tillgate_sandbox.razorpay.controllers import NotPlayed, RazorpayLinks, RazorpayOrders
from tillgate_sandbox.razorpay.payments import RazorpayPayments, RazorpayRefunds
from tillgate_sandbox.razorpay.subscriptions import RazorpaySubscriptions

ROUTES = (
    RazorpayOrders,
    RazorpayLinks,
    RazorpayPayments,
    RazorpayRefunds,
    RazorpaySubscriptions,
    NotPlayed,
)
