"""The OpenAPI document, and a page that shows it without using the internet."""
