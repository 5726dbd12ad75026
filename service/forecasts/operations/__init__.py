"""What is done about forecasts."""
