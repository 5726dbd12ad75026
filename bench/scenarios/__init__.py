"""What is measured; each scenario gives plain data that `bench.report` shows."""
