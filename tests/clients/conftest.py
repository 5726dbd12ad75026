"""A lab with its loops, and a customer at a merchant's page on another origin."""

from tests.clients.customer import customer
from tests.sandbox.visitor import shop

__all__ = ["customer", "shop"]
