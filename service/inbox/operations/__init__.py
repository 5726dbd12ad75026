"""What happens to an event: received, applied, asked for, replayed, decided."""
