"""Conditions that a person must hear of: each opens one alert, is repeated sparsely, and closes."""
