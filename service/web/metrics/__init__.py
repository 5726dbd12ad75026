"""What operators measure the service by, as Prometheus reads it."""
