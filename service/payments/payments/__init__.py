"""One row for every verified payment, whether its session is known or not."""
