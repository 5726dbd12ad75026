"""Ask providers for refunds: what is approved goes out, and the answers go into the inbox."""
