"""Mail to customers and to a merchant's own people: templates, messages, sending, unsubscribing."""
