"""The mailbox of development: a small mail server, and a page that shows what it took."""
